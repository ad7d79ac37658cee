"""`cpar run-due` with nothing due, as cron calls it each minute, against importing the main packages and the driver."""

import os
import subprocess
import sys

import click

from oscar_host.host import OscarHost

from .big_clinic import NOW, empty_hosts, fill, place

ROUNDS = 5
_SECONDS, _MEMORY = 1.6, 1.4
_RUN_DUE = "import sys; sys.argv = ['cpar', 'run-due']; from cpar_plugin.start import main; main()"
# Its own word: what the system says of a child counts its parent's memory, whose copy it was for a moment.
_SAY_MEMORY = """import atexit
def say():
    with open("/proc/self/status") as status:
        print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
atexit.register(say)"""
_DRIVERS = {"pysqlite": "sqlite3", "mysqldb": "MySQLdb", "pymysql": "pymysql"}  # the modules that SQLAlchemy imports


def main(rounds: int = ROUNDS) -> None:
    """Print two lines for each database: the processor's time and the memory of processes, each with its aim."""
    with empty_hosts() as hosts:
        for _, host in hosts:
            fill(host, 10)
            environment = _environment(host)
            bare = f"import sqlalchemy, pydantic, click, {_DRIVERS[host.database.engine.driver]}"
            _needs(_RUN_DUE, environment)  # what is due once a day or an hour
            pairs = [(_needs(bare, environment), _needs(_RUN_DUE, environment)) for _ in range(rounds)]
            (seconds, size), (due_seconds, due_size) = (
                tuple(min(needs) for needs in zip(*of_one, strict=True)) for of_one in zip(*pairs, strict=True)
            )
            what = f"run-due with nothing due, {place(host)}:"
            click.echo(
                f"{what} {due_seconds / seconds:.2f} x the processor time of importing its main packages alone "
                f"({due_seconds:.2f} s : {seconds:.2f} s; aim: at most {_SECONDS:g} x)"
            )
            click.echo(
                f"{what} {due_size / size:.2f} x its memory ({due_size:.0f} MiB : {size:.0f} MiB; "
                f"aim: at most {_MEMORY:g} x)"
            )


def _needs(code: str, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds of the processor, and the most mebibytes, of a process that runs this."""
    before = os.times()
    command = [sys.executable, "-c", f"{_SAY_MEMORY}\n{code}"]
    output = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    after = os.times()
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, int(output.split()[-1]) / 1024


def _environment(host: OscarHost) -> dict[str, str]:
    settings = {
        "database_url": host.database.engine.url.render_as_string(hide_password=False),
        "host_schema": host.tables.demographic.schema or "",
        "now": NOW.isoformat(),
    }
    return os.environ | {f"CPAR_{name.upper()}": value for name, value in settings.items()}


if __name__ == "__main__":
    main()
