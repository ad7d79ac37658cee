"""`cpar install-oscar`: the files for an installation alongside a running OSCAR, printed or written."""

import os
import sys
from pathlib import Path
from typing import Any, get_args

import click
from pydantic import ValidationError

from .installation import Installation, InstalledFile, IntoPage, files


@click.command("install-oscar")
@click.option(
    "--write", "folder", metavar="FOLDER", type=click.Path(path_type=Path), help="Write files instead of printing them."
)
@click.option(
    "--oscar-url",
    default="http://127.0.0.1:8080/oscar",
    show_default=True,
    help="OSCAR's URL on this machine. Its path must be the same as in browsers.",
)
@click.option("--server-name", default="", help="Host name in browsers, such as emr.example: adds the URL /fhir.")
@click.option(
    "--into-page",
    type=click.Choice(get_args(IntoPage)),
    default="filter",
    show_default=True,
    help="How OSCAR's pages get our script: filter the pages, append to its custom ones, or a file that they include.",
)
@click.option(
    "--sign-in",
    type=click.Choice(["session", "password"]),
    default="session",
    show_default=True,
    help="Use OSCAR's session, or a separate sign-in with OSCAR's passwords.",
)
@click.option(
    "--audit",
    type=click.Choice(["log", "ledger"]),
    default="log",
    show_default=True,
    help="Log changes to OSCAR's log table too, or only to our own ledger.",
)
@click.option(
    "--mariadb",
    default="/run/mysqld/mysqld.sock",
    show_default=True,
    metavar="SOCKET|HOST:PORT",
    help="Where MariaDB answers.",
)
@click.option("--oscar-database", default="oscar", show_default=True, help="OSCAR's database.")
@click.option("--own-database", default="cpar", show_default=True, help="Database for our own tables.")
@click.option("--account", default="cpar", show_default=True, help="Our MariaDB account.")
@click.option("--account-host", default="localhost", show_default=True, help="Host that account connects from.")
@click.option("--programs", default=lambda: str(programs()), help="Folder with gunicorn and cpar. [this one]")
@click.option("--settings-file", default="/etc/cpar/cpar.ini", show_default=True, help="Path of the settings file.")
@click.option("--state-folder", default="/var/lib/cpar", show_default=True, help="Folder for the outbox and exports.")
@click.option("--log-folder", default="/var/log/nginx", show_default=True, help="Folder for nginx logs.")
@click.option(
    "--socket", default="/run/cpar/cpar.sock", show_default=True, help="Socket between nginx and the application."
)
@click.option("--system-user", default="cpar", show_default=True, help="User the service runs as.")
def command(folder: Path | None, **values: Any) -> None:
    """Make what an installation alongside OSCAR needs: rights in MariaDB, settings, a service, a part of nginx's.

    Nothing is changed on the machine. Each time with a new password and key.
    """
    installed_files = files(_checked(values))
    if folder:
        write(folder, installed_files)
    else:
        show(installed_files)


def programs() -> Path:
    """The folder, by the name under which this program was called: a link to the version in use stays a link."""
    folder = Path(sys.argv[0]).absolute().parent
    return folder if (folder / "gunicorn").exists() else Path(sys.executable).parent


def _checked(values: dict[str, Any]) -> Installation:
    try:
        return Installation.model_validate(values)
    except ValidationError as error:
        [fault, *_] = error.errors()
        if not fault["loc"]:
            raise click.UsageError(fault["msg"].removeprefix("Value error, ")) from None
        name = str(fault["loc"][0])
        raise click.UsageError(f"--{name.replace('_', '-')}: write it like {_EXAMPLES[name]}") from None


def show(installed_files: list[InstalledFile]) -> None:
    """Print the files."""
    for file in installed_files:
        click.echo(f"==> {file.name}: {file.belongs}\n\n{file.text}")


def write(folder: Path, installed_files: list[InstalledFile]) -> None:
    """Write the files, and print where each belongs. Raises ClickException where one exists already."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in installed_files:
            mode = 0o600 if file.secret else 0o644
            with os.fdopen(os.open(folder / file.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as output:
                output.write(file.text)
    except FileExistsError as error:
        raise click.ClickException(
            f"{error.filename} already exists. Choose another folder: a new password would not match the old files."
        ) from None
    except OSError as error:
        raise click.ClickException(f"{error.filename} cannot be written ({error.strerror}).") from None
    for file in installed_files:
        click.echo(f"{folder / file.name}\n    {file.belongs}")


_EXAMPLES = {"server_name": "emr.example", "programs": "/opt/cpar/bin"} | {
    str(option.name): option.default for option in command.params if isinstance(option.default, str) and option.default
}
