"""What two clinics of a fleet may not have in common. Of two that do, the second in the order of names is refused."""

from collections.abc import Callable, Iterable, Mapping
from os.path import realpath
from typing import Final

from sqlalchemy import make_url

from .clinic import FleetClinic

_THIS_MACHINE: Final = ("localhost", "127.0.0.1", "::1")
_PORT: Final = 3306


def shared_data(clinics: Iterable[FleetClinic]) -> list[tuple[str, str]]:
    """Names of clinics that may not be opened, and why: their database or folder of exports is another's."""
    return _second_ones(
        clinics,
        {
            "database": lambda clinic: database_of(clinic.settings),
            "folder of exports": lambda clinic: realpath(clinic.settings["fhir_export_folder"]),
        },
        "Remove one of the two files, or correct its database_url: a clinic is in a fleet once.",
    )


def shared_pages(clinics: Iterable[FleetClinic]) -> list[tuple[str, str]]:
    """Names of clinics whose pages may not be served, and why."""
    return _second_ones(
        [clinic for clinic in clinics if not clinic.pages_fault],
        {"secret_key": lambda clinic: clinic.settings.get("secret_key", ""), "address": lambda clinic: clinic.address},
        "Give each clinic its own: the sign-in of one must not be valid at another.",
    )


def _second_ones(
    clinics: Iterable[FleetClinic], values: Mapping[str, Callable[[FleetClinic], str]], remedy: str
) -> list[tuple[str, str]]:
    owners: dict[tuple[str, str], str] = {}
    faults = []
    for clinic in clinics:
        own = {(what, value(clinic)): clinic.name for what, value in values.items()}
        if shared := [key for key in own if key in owners]:
            what, owner = shared[0][0], owners[shared[0]]
            faults.append((clinic.name, f"{clinic.name} and {owner} have the same {what}. {remedy}"))
        else:
            owners |= own
    return faults


def database_of(settings: Mapping[str, str]) -> str:
    """Which database it is, however its URL is written: driver, user and options make no difference."""
    url = make_url(settings["database_url"])
    if url.get_backend_name() == "sqlite":
        return realpath(url.database or "")
    socket = url.query.get("unix_socket")
    host = "" if socket or not url.host or url.host.lower() in _THIS_MACHINE else url.host.lower()
    return f"{socket or ''} {host} {0 if socket else url.port or _PORT} {url.database}"
