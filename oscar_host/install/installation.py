"""One installation alongside an OSCAR, and its files. Nothing is changed on the machine here."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

import cpar_plugin.settings
from cpar_plugin.hooks import Refused
from cpar_plugin.host_kit.keep_alive import ANNOUNCED_SECONDS, KEPT_SECONDS
from cpar_plugin.store.reach import TRY_AGAIN_SECONDS

from ..schema import host_tables
from ..sidecar import settings as sidecar_settings
from .refusals import REFUSALS

_TABLES = host_tables()
_READ = (
    _TABLES.demographic,
    _TABLES.demographic_merged,
    _TABLES.appointment,
    _TABLES.appointment_status,
    _TABLES.provider,
    _TABLES.user_role,
    _TABLES.object_privilege,
)
_KEY_BYTES = 48
_PASSWORD_BYTES = 24
OF_NGINX: Final[Mapping[str, object]] = {  # what its templates need of the rest of the product
    "refusals": REFUSALS,
    "again_seconds": TRY_AGAIN_SECONDS,
    "kept_seconds": KEPT_SECONDS,
    "announced_seconds": ANNOUNCED_SECONDS,
}
_INCLUDED_AS = "cpar"  # the value of OSCAR's property EXTRA_DEMO_FIELDS

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,64}$")]
File = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._/+-]+$")]
IntoPage = Literal["filter", "append", "include"]


class Installation(BaseModel):
    """Where everything is. A wrong value raises pydantic's ValidationError; `files` raises Refused for the rest."""

    model_config = ConfigDict(frozen=True)

    oscar_url: Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~-]+)+$")]
    server_name: Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9.-]+(:\d{1,5})?)?$")] = ""
    into_page: IntoPage = "filter"
    sign_in: Literal["session", "password"] = "session"
    audit: Literal["log", "ledger"] = "log"

    # In MariaDB
    mariadb: Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9._/+-]+|[A-Za-z0-9.-]+:\d{1,5})$")]
    oscar_database: Name
    own_database: Name
    account: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,32}$")]
    account_host: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:%-]{1,60}$")]

    # On this machine
    programs: File
    settings_file: File
    state_folder: File
    log_folder: File
    socket: File
    system_user: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")]

    # Random, generated for each installation
    password: str = Field(default_factory=lambda: secrets.token_urlsafe(_PASSWORD_BYTES), repr=False)
    secret_key: str = Field(default_factory=lambda: secrets.token_urlsafe(_KEY_BYTES), repr=False)

    @model_validator(mode="after")
    def _databases_differ(self) -> Self:
        if self.own_database == self.oscar_database:
            raise ValueError("--own-database: choose a name other than OSCAR's database, which is not changed.")
        return self

    @property
    def oscar_path(self) -> str:
        """OSCAR's context path, such as `/oscar`: the same inside as in browsers, for its cookie is bound to it."""
        return urlsplit(self.oscar_url).path

    @property
    def oscar_server(self) -> str:
        """Where OSCAR's server answers, without the path."""
        return self.oscar_url.removesuffix(self.oscar_path)

    @property
    def path(self) -> str:
        """Our own context path, below OSCAR's."""
        return f"{self.oscar_path}/cpar"

    @property
    def refused_path(self) -> str:
        """Below which nginx keeps its own answers; no request reaches it."""
        return f"{self.path}/refused"

    @property
    def database_url(self) -> str:
        """The setting of that name."""
        begin = f"mysql://{self.account}:{self.password}@"
        if self.mariadb.startswith("/"):
            return f"{begin}localhost/{self.own_database}?unix_socket={self.mariadb}"
        return f"{begin}{self.mariadb}/{self.own_database}"

    @property
    def is_at_home(self) -> bool:
        """Whether the service has to read a folder of a person's: then it may not be kept from all of them."""
        needed = (self.programs, self.settings_file, self.state_folder, self.mariadb)
        return any(path.startswith(("/home/", "/root/", "/run/user/")) for path in needed)

    @property
    def read_tables(self) -> list[str]:
        """The names of OSCAR's tables that are read."""
        return [table.name for table in (*_READ, *([_TABLES.security] if self.sign_in == "password" else []))]


@dataclass(frozen=True, slots=True)
class InstalledFile:
    """A file for the operator: its name, its text, where it belongs, and whether it holds a secret."""

    name: str
    text: str
    belongs: str
    secret: bool = False


def templates() -> Environment:
    """The templates of all installed files, by name."""
    return Environment(
        loader=PackageLoader("oscar_host.install"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  no HTML: what goes in is checked by its patterns
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def files(installation: Installation) -> list[InstalledFile]:
    """The files of an installation. Raises Refused where the application would not start with its settings."""
    environment = templates()

    def installed_file(name: str, belongs: str, *, secret: bool = False) -> InstalledFile:
        text = environment.get_template(f"{name}.j2").render(
            it=installation, wildcard_free=_wildcard_free, tables=_TABLES, **OF_NGINX
        )
        return InstalledFile(name, text, belongs, secret)

    rendered = [
        installed_file(
            "grants.sql",
            "Run once as MariaDB administrator: it detects which OSCAR this is, and says so.",
            secret=True,
        ),
        installed_file(
            "cpar.ini", f"Belongs to {installation.settings_file}, readable for the service's user only.", secret=True
        ),
        installed_file("cpar.service", "Belongs to /etc/systemd/system."),
        installed_file("cpar.socket", "Belongs to /etc/systemd/system."),
        installed_file("nginx-http.conf", "Belongs to /etc/nginx/conf.d, as cpar.conf."),
        installed_file(
            "nginx-server.conf", "Belongs to /etc/nginx/snippets, as cpar.conf: include it in OSCAR's server block."
        ),
    ]
    if installation.into_page == "include":
        belongs_to = (
            f"Belongs to the folder demographic of OSCAR; set EXTRA_DEMO_FIELDS={_INCLUDED_AS} in its properties."
        )
        rendered += [
            installed_file(f"{_INCLUDED_AS}View.jsp", belongs_to),
            installed_file(f"{_INCLUDED_AS}.jsp", belongs_to),
        ]
    _check(rendered[1].text)
    return rendered


def _check(ini: str) -> None:
    settings = dict(re.findall(r"^(\w+) = (.*)$", ini, re.MULTILINE))
    try:
        cpar_plugin.settings.load(settings)
        sidecar_settings.load(settings)
    except Refused as refused:
        raise Refused(f"The application would not start with these options. {refused}") from None


def _wildcard_free(name: str) -> str:
    """A database's name for GRANT, where `_` would match any letter."""
    return name.replace("_", r"\_")
