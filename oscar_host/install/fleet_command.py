"""`cpar install-fleet`: the files for a fleet on several machines, printed or written."""

from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from .command import programs, show, write
from .fleet_files import FleetInstallation, fleet_files


@click.command("install-fleet")
@click.option(
    "--write", "folder", metavar="FOLDER", type=click.Path(path_type=Path), help="Write files instead of printing them."
)
@click.option("--programs", default=lambda: str(programs()), help="Folder with gunicorn and cpar. [this one]")
@click.option("--fleet-file", default="/etc/cpar/fleet.ini", show_default=True, help="Path of the fleet's settings.")
@click.option("--state-folder", default="/var/lib/cpar", show_default=True, help="Folder for the clinics' data.")
@click.option("--socket", default="/run/cpar/fleet.sock", show_default=True, help="Socket between nginx and the pages.")
@click.option("--system-user", default="cpar", show_default=True, help="User the services run as.")
@click.option("--worker-processes", default=2, show_default=True, type=click.IntRange(1, 64), help="Of each worker.")
@click.option(
    "--by",
    type=click.Choice(["path", "name"]),
    default="path",
    show_default=True,
    help="What names a clinic in an address: its path, or the host's name.",
)
@click.option(
    "--server-name",
    default="emr.example",
    show_default=True,
    help="Host name in browsers: of all clinics, or with --by name, what follows each clinic's own.",
)
@click.option("--tls-folder", default="/etc/nginx/tls", show_default=True, help="Folder of certificates and keys.")
@click.option("--log-folder", default="/var/log/nginx", show_default=True, help="Folder for nginx logs.")
@click.option(
    "--address-requests",
    default=100,
    show_default=True,
    type=click.IntRange(1, 100_000),
    help="Requests a second of one browser's or program's address; four seconds' worth may come at once.",
)
@click.option(
    "--clinic-connections",
    default=200,
    show_default=True,
    type=click.IntRange(1, 100_000),
    help="Requests of one clinic at a time.",
)
def command(folder: Path | None, **values: Any) -> None:
    """Make what a fleet needs on its machines: units of systemd, or a compose file, and the broker's settings.

    Nothing is changed on the machine.
    """
    try:
        files = fleet_files(FleetInstallation.model_validate(values))
    except ValidationError as error:
        [fault, *_] = error.errors()
        name = str(fault["loc"][0]).replace("_", "-")
        raise click.UsageError(f"--{name}: write it like the default, without blanks or quotes") from None
    if folder:
        write(folder, files)
    else:
        show(files)
