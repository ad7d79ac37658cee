"""The files of a fleet on three kinds of machines: web, workers, broker. Nothing is changed on a machine here."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from .installation import File, InstalledFile, templates

_UNIT: Final = "Belongs to /etc/systemd/system of "
_WEB, _WORKERS, _ONE = "the web machine.", "each machine with workers.", "one machine with workers, or two."


class FleetInstallation(BaseModel):
    """Where everything is. A wrong value raises pydantic's ValidationError."""

    model_config = ConfigDict(frozen=True)

    programs: File
    fleet_file: File
    state_folder: File
    socket: File
    system_user: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")]
    worker_processes: int = Field(ge=1, le=64)

    @property
    def is_at_home(self) -> bool:
        """Whether a service has to read a folder of a person's: then it may not be kept from all of them."""
        needed = (self.programs, self.fleet_file, self.state_folder)
        return any(path.startswith(("/home/", "/root/", "/run/user/")) for path in needed)


_FILES: Final = {
    "cpar-fleet-web.service": _UNIT + _WEB,
    "cpar-fleet-web.socket": _UNIT + _WEB,
    "cpar-fleet-worker@.service": _UNIT + _WORKERS,
    "cpar-fleet-beat.service": _UNIT + _ONE,
    "cpar-fleet-night.service": _UNIT + "one machine: it serves the page of the night on loopback.",
    "fleet.ini": "Belongs to the path that --fleet-file names, on every machine but the broker.",
    "rabbitmq.conf": "Belongs to /etc/rabbitmq of the broker.",
    "nginx-night.conf": "Belongs to /etc/nginx/conf.d where others than this machine are to see the night.",
    "compose.yaml": "Instead of the units, where containers are used: docker compose up --detach.",
    "Dockerfile": "Next to compose.yaml.",
}


def fleet_files(installation: FleetInstallation) -> list[InstalledFile]:
    """The files of an installation."""
    environment = templates()
    return [
        InstalledFile(name, environment.get_template(f"fleet/{name}.j2").render(it=installation), belongs)
        for name, belongs in _FILES.items()
    ]
