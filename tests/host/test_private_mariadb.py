"""The private server of demos, tests and benchmarks: set up as OSCAR's are, and never left behind."""

import subprocess
import sys
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

from ..waiting import wait_until

HOLD = """
import sys
from oscar_host.demo.mariadb import private_mariadb
with private_mariadb() as url:
    print(url.render_as_string(hide_password=False), flush=True)
    sys.stdin.read()
"""


def test_the_server_is_set_up_as_oscars_and_goes_with_the_process_that_started_it():
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        url = make_url(process.stdout.readline().strip())
        folder = Path(str(url.query["unix_socket"])).parent
        engine = create_engine(url)
        with engine.connect() as connection:
            settings = connection.execute(
                text("SELECT @@sql_mode, @@innodb_strict_mode, @@innodb_page_size, @@collation_server")
            ).one()
        engine.dispose()
        assert settings == ("", 0, 32768, "utf8mb3_general_ci")
        process.kill()
    wait_until(lambda: not folder.exists())
