"""What the plugin adds around its own pages: the entry in the administration menu, and notices."""

from flask import g, url_for

from ..domain.dates import date_text
from ..hooks import Actor, HealthLevel, Host, MenuItem, Notice
from ..services.departures.overdue import OverdueDeparture, overdue
from ..services.operations import access, clinic
from ..services.submissions import notices as service
from ..services.submissions.texts import ATTENTION
from ..settings import load
from .rendering import SECTION

_LABEL = "CPAR Panel Management"


def menu(host: Host, actor: Actor) -> list[MenuItem]:
    """Panel management, for those who may, once the integration is enabled."""
    if not host.identity.has(actor, access.MANAGE):
        return []
    if not _enabled(host):
        return []
    items = [MenuItem(section=SECTION, label=_LABEL, href=url_for("cpar.panels"))]
    if host.identity.has(actor, access.REGISTER_CLIENTS):
        items.append(MenuItem(section=SECTION, label="FHIR Clients", href=url_for("cpar.clients")))
        items.append(MenuItem(section=SECTION, label="Who Looked at Patients", href=url_for("cpar.looks_at_patients")))
    return items


def schedule_menu(host: Host) -> list[MenuItem]:
    """The check-in list, where the host has appointments and the integration is enabled."""
    if host.schedule is None or not _enabled(host):
        return []
    return [MenuItem(section=SECTION, label="Check-in", href=url_for("cpar.check_in"))]


def _enabled(host: Host) -> bool:
    """Whether the integration is enabled: looked up once a request, unless the page has done so."""
    if "cpar_enabled" not in g:
        with host.database.engine.connect() as connection:
            g.cpar_enabled = clinic.load(connection).enabled
    return bool(g.cpar_enabled)


def notices(host: Host, actor: Actor) -> list[Notice]:
    """What went wrong or is delayed, for those who manage panels: all failures in one, above every page."""
    if not host.identity.has(actor, access.MANAGE):
        return []
    with host.database.engine.connect() as connection:
        notices = service.notices(connection, host, load(host.settings), host.clock.now())
        left = overdue(connection, host, host.clock.now())
    failures = [notice for notice in notices if notice.submission_ids and notice.level is HealthLevel.FAILURE]
    if len(failures) > 1:
        ids = tuple(submission_id for failure in failures for submission_id in failure.submission_ids)
        stages = {failure.stage for failure in failures}
        together = service.SubmissionNotice(
            level=HealthLevel.FAILURE,
            text=f"The last submission of {len(ids)} panels failed or is held. "
            "Submission History shows why and how to fix it.",
            submission_ids=ids,
            stage=stages.pop() if len(stages) == 1 else None,
        )
        notices = [together, *(notice for notice in notices if notice not in failures)]
    of_submissions = [Notice(level=notice.level, message=notice.text, href=_href(notice)) for notice in notices]
    return [*of_submissions, *(_left(departure) for departure in left)]


def _left(found: OverdueDeparture) -> Notice:
    still = "1 active patient is" if found.patients == 1 else f"{found.patients:,} active patients are"
    message = (
        f"Panel {found.number}: its provider left on {date_text(found.leaves_on)}, and {still} still on it. "
        "Move them, or end the panel."
    )
    href = url_for("cpar.departure", panel_id=found.panel_id)
    return Notice(level=HealthLevel.WARNING, message=message, href=href)


def _href(notice: service.SubmissionNotice) -> str:
    """The submission, or the list of those concerned; of a coming one its rehearsal, or the panels."""
    if notice.panel_ids:
        several = len(notice.panel_ids) > 1
        return url_for("cpar.panels") if several else url_for("cpar.rehearsal", panel_id=notice.panel_ids[0])
    match notice.submission_ids:
        case ():
            return ""
        case (submission_id,):
            return url_for("cpar.submission", submission_id=submission_id)
        case _:
            return url_for("cpar.submissions", state=notice.stage.name if notice.stage else ATTENTION)
