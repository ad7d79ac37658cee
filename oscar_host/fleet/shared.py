"""What two clinics of a fleet may not have in common. Of two that do, the second in the order of names is refused."""

from collections.abc import Callable, Iterable, Mapping
from os.path import realpath
from typing import Final

from sqlalchemy import make_url

from .checking import FOLDERS, SESSIONS
from .clinic import FleetClinic

_Keys = Mapping[str, str]  # what no other clinic may have, and what that is called
_THIS_MACHINE: Final = ("localhost", "127.0.0.1", "::1")
_PORT: Final = 3306


def shared_data(clinics: Iterable[FleetClinic]) -> list[tuple[str, str]]:
    """Names of clinics that may not be opened, and why: a database, or a folder of theirs, is another's."""
    return _second_ones(
        clinics,
        _data,
        "Remove one of the two, or correct its settings: a clinic is in a fleet once, with what is its own.",
    )


def shared_pages(clinics: Iterable[FleetClinic]) -> list[tuple[str, str]]:
    """Names of clinics whose pages may not be served, and why."""
    return _second_ones(
        [clinic for clinic in clinics if not clinic.pages_fault],
        _pages,
        "Give each clinic its own: the sign-in of one must not be valid at another.",
    )


def _data(clinic: FleetClinic) -> _Keys:
    settings = clinic.settings
    folders = [name for name in FOLDERS if name != SESSIONS]
    return {
        **{f"folder {realpath(settings[name])}": f"{name} {settings[name]}" for name in folders},
        f"database {emr_database_of(settings)}": "database of the EMR",
        f"database {database_of(settings)}": "database",
    }


def _pages(clinic: FleetClinic) -> _Keys:
    settings = clinic.settings
    return {
        f"key {settings.get('secret_key', '')}": "secret_key",
        f"address {clinic.address}": "address",
        f"folder {realpath(settings[SESSIONS])}": f"{SESSIONS} {settings[SESSIONS]}",
    }


def _second_ones(
    clinics: Iterable[FleetClinic], keys_of: Callable[[FleetClinic], _Keys], remedy: str
) -> list[tuple[str, str]]:
    owners: dict[str, str] = {}
    faults = []
    for clinic in clinics:
        keys = keys_of(clinic)
        if shared := [key for key in keys if key in owners]:
            what, owner = keys[shared[-1]], owners[shared[-1]]
            faults.append((clinic.name, f"{clinic.name} and {owner} have the same {what}. {remedy}"))
        else:
            owners |= dict.fromkeys(keys, clinic.name)
    return faults


def emr_database_of(settings: Mapping[str, str]) -> str:
    """The database with the EMR's patients: that of `host_schema`, or the same as the plugin's."""
    url, schema = make_url(settings["database_url"]), settings.get("host_schema", "")
    if not schema or url.get_backend_name() == "sqlite":
        return database_of(settings)
    whole = {**settings, "database_url": url.set(database=schema).render_as_string(hide_password=False)}
    return database_of(whole)


def database_of(settings: Mapping[str, str]) -> str:
    """Which database it is, however its URL is written: driver, user and options make no difference."""
    url = make_url(settings["database_url"])
    if url.get_backend_name() == "sqlite":
        return realpath(url.database or "")
    socket = url.query.get("unix_socket")
    host = "" if socket or not url.host or url.host.lower() in _THIS_MACHINE else url.host.lower()
    return f"{socket or ''} {host} {0 if socket else url.port or _PORT} {url.database}"
