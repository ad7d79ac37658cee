"""`cpar demo-data`: fill a database with an invented clinic."""

import time
from datetime import date, datetime

import click
from sqlalchemy.exc import DBAPIError

from cpar_plugin.hooks import Refused
from cpar_plugin.host_kit.clock import today
from oscar_host.host import OscarHost, from_environment, open_host

from .progress import progress_bar
from .staff import PASSWORD, SIGN_INS
from .writing import Written, fill

MOST_PATIENTS = 10_000_000
_LARGEST_SEED = 2**63 - 1
_YEARS = (2000, 2100)


def _as_of(context: click.Context, parameter: click.Parameter, value: datetime | None) -> date | None:
    if value is not None and not _YEARS[0] <= value.year <= _YEARS[1]:
        raise click.BadParameter(f"a date of the years {_YEARS[0]} to {_YEARS[1]}, please.")
    return value and value.date()


@click.command("demo-data")
@click.option("--patients", type=click.IntRange(1, MOST_PATIENTS), default=5000, show_default=True, help="How many.")
@click.option(
    "--seed",
    type=click.IntRange(0, _LARGEST_SEED),
    default=1,
    show_default=True,
    help="Same seed and as-of date, same rows.",
)
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    callback=_as_of,
    metavar="YYYY-MM-DD",
    help="The day on which the clinic is seen: ages and visits are counted from it. [default: today in Edmonton]",
)
@click.option("--database", metavar="URL", help="An empty SQLite or MariaDB database. [default: CPAR_DATABASE_URL]")
@click.option("--schema", metavar="NAME", help="MariaDB: the name of OSCAR's own database beside it.")
def demo_data(patients: int, seed: int, as_of: date | None, database: str | None, schema: str | None) -> None:
    """Fill a database with an invented clinic, with the mess that real ones have.

    Makes OSCAR's tables where they are missing. A database that already has patients is left as it is.
    """
    started = time.monotonic()
    try:
        with _host(database, schema) as host, progress_bar(patients, "Writing patients", "Finishing") as progress:
            day = as_of or today(host.clock)
            result = fill(host.database, host.tables, patients=patients, seed=seed, as_of=day, progress=progress)
    except Refused as refused:
        raise click.ClickException(str(refused)) from None
    except DBAPIError as error:
        raise click.ClickException(f"The database says: {error.orig}. Nothing was written.") from None
    click.echo(
        f"{result.patients:,} patients, {result.appointments:,} appointments and {result.merges:,} merged records "
        f"in {time.monotonic() - started:.1f} s (seed {seed}, as of {day})."
    )
    _show_details(result)


command = demo_data


def _host(database: str | None, schema: str | None) -> OscarHost:
    if database is None:
        if schema is not None:
            raise click.UsageError("--schema goes with --database.")
        return from_environment()
    host = open_host(database, host_schema=schema)
    if schema is not None and host.database.engine.dialect.name == "sqlite":
        raise click.UsageError("--schema is for MariaDB: in SQLite all tables are in one file.")
    return host


def _show_details(result: Written) -> None:
    if result.notes_without_emoji:
        click.echo(
            f"{result.notes_without_emoji:,} notes have '?' for an emoji: appointment.notes holds characters of three "
            "bytes only (utf8mb3), and this is how OSCAR itself keeps an emoji there."
        )
    click.echo(f"To sign in to the embedded EMR, with the password {PASSWORD}:")
    for person in SIGN_INS:
        click.echo(f"  {person.user_name:<10} may {person.may}")
