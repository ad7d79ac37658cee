"""A private MariaDB in a temporary folder, set up as OSCAR's servers are: for tests, benchmarks and trying out."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL

from .programs import program

# What OSCAR needs of its server, and then what makes a server quick that no one minds losing.
_OSCAR = (
    "sql_mode=",
    "innodb-strict-mode=0",
    "innodb-page-size=32k",
    "character-set-server=utf8mb3",
    "collation-server=utf8mb3_general_ci",
)
_THROW_AWAY = (
    "innodb-flush-log-at-trx-commit=0",
    "innodb-flush-method=nosync",
    "innodb-doublewrite=0",
    "sync-binlog=0",
    "innodb-log-file-size=256M",
    "innodb-buffer-pool-size=256M",
    "skip-networking",
    "skip-log-bin",
    "performance-schema=0",
)
_START_SECONDS = 180

# Nothing in the server is worth an orderly shutdown. Its pipe from us closes however we end, kill -9 included.
_UNTIL_WE_ARE_GONE = """
exec 3<&0
"$@" </dev/null &
server=$!
{ read -r _ <&3; kill -9 $server; rm -rf "$0"; } &
wait $server
"""


class NoMariaDB(Exception):
    """MariaDB is not installed, or does not start; the message says what to do."""


@contextmanager
def private_mariadb(*more: str, below: Path | None = None) -> Iterator[URL]:
    """Start a server, yield the URL of its administrator without a database, and end it with all its data.

    `more` are options of the server, such as `ssl-cert=/file`. Its data is in a folder `below`, or where all temporary
    files are.
    """
    with (
        tempfile.TemporaryDirectory(prefix="cpar-mariadb-", dir=below, ignore_cleanup_errors=True) as name,
        _running(Path(name), *more, remains=name) as url,
    ):
        yield url


@contextmanager
def lasting_mariadb(folder: Path, *more: str) -> Iterator[URL]:
    """The same on data that stays in the folder: started there once more, it has what was committed before its end."""
    with _running(folder, "innodb-flush-log-at-trx-commit=2", *more) as url:
        yield url


@contextmanager
def _running(folder: Path, *more: str, remains: str = "") -> Iterator[URL]:
    """`remains`: what is removed should we be killed."""
    server, socket, data = program("mariadbd", "mariadb-server", NoMariaDB), folder / "socket", folder / "data"
    options = [
        "--no-defaults",
        f"--datadir={data}",
        f"--tmpdir={folder}",
        *(f"--{option}" for option in (*_OSCAR, *_THROW_AWAY, *more)),
    ]
    if os.geteuid() == 0:
        options.append("--user=root")
    if not data.exists():
        installer = program("mariadb-install-db", "mariadb-server", NoMariaDB)
        _run([installer, *options, "--auth-root-authentication-method=normal", "--skip-test-db", "--force"])
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", _UNTIL_WE_ARE_GONE, remains, server, *options, f"--socket={socket}"],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for us: we end it when we are done with it
        )
    try:
        _wait_for_server(process, log)
        yield URL.create("mysql+pymysql", username="root", query={"unix_socket": str(socket)})
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()


def _run(command: list[str]) -> None:
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)  # noqa: S603
    if result.returncode:
        raise NoMariaDB(f"{command[0]} failed:\n{result.stdout.decode(errors='replace')[-2000:]}")


def _wait_for_server(process: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + _START_SECONDS
    while time.monotonic() < give_up and process.poll() is None:
        if b"ready for connections" in log.read_bytes():
            return
        time.sleep(0.05)
    raise NoMariaDB(f"mariadbd does not start:\n{log.read_text(errors='replace')[-2000:]}")
