"""Clinics come into a fleet, change, and go out of it."""

from sqlalchemy.exc import SQLAlchemyError

from cpar_plugin.hooks import Refused
from cpar_plugin.services.submissions.under_way import under_way

from ..migrate import installed_plugins
from .clinic import FleetClinic, WrongClinic
from .clinics import NAME_RULE, Clinics, is_name
from .settings import FleetSettings
from .shared import shared_data, shared_pages


def add(clinics: Clinics, name: str, content: str, *, replace: bool = False) -> FleetClinic:
    """Bring the clinic's tables up to date, then keep its settings. `replace`: of one that is in the fleet already.

    Raises Refused where the name is taken, or the settings cannot be used; then nothing has been written.
    """
    if not replace and not is_name(name):
        raise Refused({"name": f"Give the clinic another name: {NAME_RULE}"})
    reading, store = clinics.read(), clinics.store
    is_known = name in reading.clinics or name in reading.wrong
    if is_known and not replace:
        message = f"The fleet has a clinic {name} already: {store.origin(name)}. To change it, add --replace."
        raise Refused({"name": message})
    if replace and not is_known:
        raise Refused({"name": f"The fleet has no clinic {name}: add it without --replace."})
    clinic = clinics.checked(name, content)
    if isinstance(clinic, WrongClinic):
        raise Refused({"settings": clinic.reason})
    others = [other for other in reading.clinics.values() if other.name != name]
    for reason in _in_common([*others, clinic], clinics.settings):
        raise Refused({"settings": reason})
    try:
        with clinic.open() as host:
            installed_plugins(host)
    except SQLAlchemyError as error:
        # Only the kind of error: its text may hold an account.
        message = f"Its database cannot be used ({type(error).__name__}): check that it runs, and database_url."
        raise Refused({"settings": f"{message} {name} has not been {'changed' if replace else 'added'}."}) from None
    (store.replace if replace else store.add)(name, content)
    return clinic


def remove(clinics: Clinics, name: str, *, force: bool = False) -> str:
    """Take the clinic out of the fleet; where its settings are kept is returned. Its database is not changed.

    Raises Refused while submissions are queued or begun, unless the clinic is draining; then, while a worker has any.
    """
    reading = clinics.read()
    if not force:
        clinic = reading.clinic(name)
        with clinic.open() as host:
            now = under_way(host, host.clock.now())
        if now.unfinished and name not in reading.draining:
            message = f"Submissions of {name} that are queued or in progress: {now.unfinished}. Run first: "
            raise Refused({"name": f"{message}cpar fleet drain {name}"})
        if now.claimed:
            raise Refused({"name": f"Submissions of {name} that are being worked on: {now.claimed}. Try again later."})
    if name not in reading.clinics and name not in reading.wrong:
        raise Refused({"name": f"The fleet has no clinic {name}."})
    return clinics.store.remove(name)


def _in_common(clinics: list[FleetClinic], fleet: FleetSettings) -> list[str]:
    """What the last one must not share. Those before it may share something already."""
    shared = shared_data(clinics) + (shared_pages(clinics) if fleet.pages else [])
    return [reason for name, reason in shared if name == clinics[-1].name]
