"""The checklist of the first day on the Panels tab, until all is done or an administrator dismisses it."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import assert_never

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue

from ..domain.first_day import FirstStep, steps
from ..hooks import Actor, Host
from ..services.operations import access
from ..services.operations import clinic as service
from ..services.operations.clinic import Clinic
from ..services.panels.listing import Panel
from .serving import Needs, Route


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """A step in words. `href` is where it is done, '' where there is no such page yet."""

    text: str
    hint: str
    href: str
    done: bool


def checklist(clinic: Clinic, panels: Sequence[Panel], *, mail_server: bool) -> list[ChecklistItem]:
    """The items; none once all are done, or the checklist was dismissed."""
    if clinic.checklist_dismissed:
        return []
    done = steps(
        configured=clinic.configured,
        panels=len(panels),
        providers_without_id=sum(not provider.practitioner_id for panel in panels for provider in panel.providers),
        members=sum(panel.members for panel in panels),
        recipients=mail_server and any(panel.notify for panel in panels),
        exclusions_seen=clinic.exclusions_seen,
    )
    if all(done.values()):
        return []
    return [_item(step, clinic, panels, mail_server=mail_server, done=is_done) for step, is_done in done.items()]


def _item(step: FirstStep, clinic: Clinic, panels: Sequence[Panel], *, mail_server: bool, done: bool) -> ChecklistItem:
    match step:
        case FirstStep.CLINIC:
            hint = "As submitted on the Confirmation of Participation Form."
            return ChecklistItem("Enter the Clinic Name and Site ID", hint, url_for("cpar.settings"), done)
        case FirstStep.PANELS:
            href = url_for("cpar.new_panels") if clinic.configured else ""
            return ChecklistItem("Create the panels", "One form for all providers.", href, done)
        case FirstStep.PRACTITIONER_IDS:
            without = next((panel for panel in panels if not all(one.practitioner_id for one in panel.providers)), None)
            href = url_for("cpar.new_panels") if clinic.configured else ""
            if without:
                href = url_for("cpar.edit_panel", panel_id=without.panel_id)
            return ChecklistItem("Enter the PPHS Practitioner IDs", "In the same form as the panels.", href, done)
        case FirstStep.PATIENTS:
            hint = "With each provider's active patients: you see the numbers first."
            return ChecklistItem("Fill the panels", hint, url_for("cpar.fill_panels") if panels else "", done)
        case FirstStep.MAIL:
            return _mail(panels, mail_server=mail_server, done=done)
        case FirstStep.EXCLUSIONS:
            href = url_for("cpar.exclusions") if any(panel.members for panel in panels) else ""
            hint = "Who will be excluded from the next submission, why, and how to fix it."
            return ChecklistItem("Look at the exclusions", hint, href, done)
        case _:
            assert_never(step)


def _mail(panels: Sequence[Panel], *, mail_server: bool, done: bool) -> ChecklistItem:
    text = "Enter an email address for failed submissions"
    if not mail_server:
        return ChecklistItem(text, "First ask your EMR administrator to set up a mail server.", "", done)
    href = url_for("cpar.edit_panel", panel_id=panels[0].panel_id) if panels else ""
    return ChecklistItem(text, "In each panel.", href, done)


def dismiss_checklist(host: Host, actor: Actor) -> ResponseReturnValue:
    """For the whole clinic, by an administrator."""
    access.require_administrator(host, actor, "Only an EMR administrator can dismiss the checklist for the clinic.")
    service.dismiss_checklist(host, actor)
    flash("The checklist was dismissed for this clinic.", "cpar")
    return redirect(url_for("cpar.panels"), HTTPStatus.SEE_OTHER)


ROUTES = (Route("/checklist/dismiss", dismiss_checklist, Needs.MANAGEMENT, ("POST",)),)
