"""The files of a fleet on three kinds of machines: web, workers, broker. Nothing is changed on a machine here."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from .installation import OF_NGINX, File, InstalledFile, templates
from .refusals import FLEET_REFUSALS

ServerName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$")]
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

    # Of nginx
    by: Literal["path", "name"]
    server_name: ServerName
    tls_folder: File
    log_folder: File
    address_requests: int = Field(ge=1, le=100_000)
    clinic_connections: int = Field(ge=1, le=100_000)

    @property
    def server_names(self) -> str:
        """What browsers call this server: one name for all clinics, or one each below it."""
        return self.server_name if self.by == "path" else f"{self.server_name} *.{self.server_name}"

    @property
    def night_name(self) -> str:
        """The name under which operators see the night."""
        return f"night.{self.server_name}"

    @property
    def refused_path(self) -> str:
        """Below which nginx keeps its own answers; no request reaches it."""
        return "/cpar-refused"

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
    "rabbitmq-tls.conf": "Belongs to /etc/rabbitmq/conf.d of a broker on a machine of its own.",
    "nginx-fleet.conf": "Belongs to /etc/nginx/conf.d of the web machine: the pages of all clinics.",
    "nginx-night.conf": "Belongs to /etc/nginx/conf.d where others than this machine are to see the night.",
    "compose.yaml": "Instead of the units, where containers are used: docker compose up --detach.",
    "Dockerfile": "Next to compose.yaml.",
}


_OF_NGINX: Final = {**OF_NGINX, "refusals": FLEET_REFUSALS}


def fleet_files(installation: FleetInstallation) -> list[InstalledFile]:
    """The files of an installation."""
    environment = templates()
    return [
        InstalledFile(name, environment.get_template(f"fleet/{name}.j2").render(it=installation, **_OF_NGINX), belongs)
        for name, belongs in _FILES.items()
    ]
