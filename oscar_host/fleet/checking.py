"""Whether the settings of one clinic of a fleet can be used."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cpar_plugin import settings as plugin_settings
from cpar_plugin.hooks import Refused

from .. import own_sessions
from ..host import from_settings
from ..sidecar import settings as sidecar_settings
from .settings import FleetSettings
from .sqlite_url import with_whole_path
from .wording import of_file

SESSIONS: Final = "session_folder"
FOLDERS: Final = {
    "outbox_folder": "outbox",
    "fhir_export_folder": "exports",
    SESSIONS: "sessions",
}  # with the settings' own defaults
_DATABASE: Final = "database_url"


def address_of(name: str, settings: Mapping[str, str], fleet: FleetSettings) -> str:
    """Below which address the clinic's pages are: `/north/cpar`, or `north.emr.example/oscar/cpar`."""
    match fleet.by:
        case "path":
            return settings.get("context_path", f"/{name}/cpar")
        case "name":
            path = settings.get("context_path", sidecar_settings.SidecarSettings.model_fields["context_path"].default)
            host = _host_name(settings) or f"{name}.{fleet.domain}".rstrip(".")
            return f"{host.lower()}{path}"


def _host_name(settings: Mapping[str, str]) -> str:
    try:
        return urlsplit(settings.get("public_url", "")).hostname or ""
    except ValueError:
        return ""


def with_own_folders(settings: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The same with every relative path below the clinic's own folder, so that no two clinics share one."""
    values = {name: settings.get(name) or default for name, default in FOLDERS.items()}
    whole = {name: str(folder / path) for name, path in values.items()}
    if url := settings.get(_DATABASE):
        whole[_DATABASE] = with_whole_path(url, folder)
    return {**settings, **whole}


def check(settings: Mapping[str, str]) -> None:
    """Raises Refused that names everything that is wrong with the host's settings and the plugin's, never a value."""
    faults = [fault for part in (_host, _plugin, _sessions) if (fault := _fault(part, settings))]
    if faults:
        raise Refused(of_file(" ".join(faults)))


def check_pages(settings: Mapping[str, str], fleet: FleetSettings) -> str:
    """What is wrong with the settings of the pages; nothing where the fleet serves none."""
    return of_file(_fault(sidecar_settings.load, settings)) if fleet.pages else ""


def _fault(part: Callable[[Mapping[str, str]], object], settings: Mapping[str, str]) -> str:
    try:
        part(settings)
    except Refused as refused:
        return str(refused)
    return ""


def _host(settings: Mapping[str, str]) -> None:
    with from_settings(settings) as host:
        try:
            calendar = plugin_settings.load(settings).calendar
        except Refused:  # named by `_plugin`
            return
        calendar(host.clock.zone)


def _plugin(settings: Mapping[str, str]) -> None:
    plugin_settings.load(settings)


def _sessions(settings: Mapping[str, str]) -> None:
    own_sessions.idle(settings)
