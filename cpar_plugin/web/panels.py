"""The Panels tab of the management page; new, edit, delete; submit and its cancellation."""

from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.panel import PanelDraft
from ..domain.panel_kind import PanelKind
from ..domain.panel_state import PanelState
from ..domain.refusals import Refused, Stale
from ..hooks import Actor, Host
from ..services.bulk.fill import fillable
from ..services.exclusions.listing import excluded_by_panel
from ..services.operations import access, clinic
from ..services.other_panels import listing as other_panels
from ..services.panels import editing as service
from ..services.panels import last_saved
from ..services.panels.editing import Panel
from ..services.panels.listing import NO_SUCH_PANEL
from ..services.roster.coverage import is_watched
from ..services.submissions import history, progress, releases
from ..settings import load
from . import panel_form
from .checklist import checklist
from .inputs import INCOMPLETE, number, number_or_none
from .interrupted import check_entries, shows_entries
from .panel_form import SAVE, PanelForm, spaced
from .panel_list import PanelSort
from .panel_list import from_query as panel_list_of
from .rendering import page
from .serving import ID, Needs, Route

TITLE = "CPAR Panel Management"
_SEARCH_FROM = 5  # panels: fewer are seen at a glance


def panels(host: Host, actor: Actor) -> ResponseReturnValue:
    """All panels, with their number of patients, what is queued, and what became of the last submission."""
    panel_list = panel_list_of(request.args)
    created_id = number_or_none(request.args.get("created", ""), "", NO_SUCH_PANEL)
    with host.database.engine.connect() as connection:
        clinic_settings, live_panels = clinic.load(connection), service.live_panels(connection, host)
        created = next((panel for panel in live_panels if panel.panel_id == created_id), None)
        offer = created and fillable(connection, host, actor, created.panel_id)
        open_submissions, last_submissions = history.open_and_last(connection, host)
        batch = progress.progress(connection, host.clock.now())
        excluded = excluded_by_panel(connection)
        others = other_panels.live(connection, host)
    settings = load(host.settings)
    calendar = settings.calendar(host.clock.zone)
    now = host.clock.now()
    return page(
        host,
        TITLE,
        "panels.html",
        clinic=clinic_settings,
        panels=panel_list.of(live_panels, last_submissions),
        panel_count=len(live_panels),
        others=panel_list.others_of(others),
        other_count=len(others),
        kinds=PanelKind,
        panel_list=panel_list,
        sorts=PanelSort,
        search_from=_SEARCH_FROM,
        excluded=excluded,
        open_submissions=open_submissions,
        last_submissions=last_submissions,
        progress=batch,
        checklist=checklist(clinic_settings, live_panels, mail_server=bool(settings.smtp_host)),
        release_choice=partial(releases.choice, host, settings, actor),
        may_dismiss=host.identity.has(actor, access.REGISTER_CLIENTS),
        created=created,
        coverage_watched=is_watched(host, settings),
        offer=offer,
        may_submit=[
            panel
            for panel in live_panels
            if panel.members and panel.state.is_submitted and panel.panel_id not in open_submissions
        ],
        next_run_on=calendar.run_date(now),
        in_blackout=calendar.in_blackout(calendar.today(now)),
    )


@shows_entries
def new_panel(host: Host, actor: Actor) -> ResponseReturnValue:
    """The empty form, and what becomes of it."""
    access.require_configured(host)
    if request.method == "GET":
        return _form(host, PanelForm())
    form, step = panel_form.from_form(request.form), request.form.get("step", SAVE)
    if step != SAVE:
        return _form(host, form.after(step))
    try:
        check_entries()
        panel_id = service.create(host, actor, form.draft(_choices(host)))
    except Refused as refused:
        return _form(host, form, messages=refused.messages)
    flash(f"Panel {form.number.strip()} was created and is now available on patient pages.", "cpar")
    return redirect(url_for("cpar.panels", created=panel_id), HTTPStatus.SEE_OTHER)


@shows_entries
def edit_panel(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """A panel in the form, and what becomes of it."""
    panel = _panel(host, panel_id)
    if request.method == "GET":
        return _form(host, panel_form.from_panel(panel), panel)
    form, step = panel_form.from_form(request.form), request.form.get("step", SAVE)
    form = replace(form, state=form.state or panel.state)
    version = _version()
    if step != SAVE:
        return _form(host, form.after(step), panel, version=version)
    try:
        check_entries()
        draft = form.draft(_choices(host))
        service.edit(host, actor, panel_id, version, draft)
    except Stale:
        return _conflict(host, actor, form, draft, panel_id)
    except Refused as refused:
        return _form(host, form, panel, version=version, messages=refused.messages)
    flash(f"Panel {form.number.strip()} was saved.", "cpar")
    return redirect(url_for("cpar.panels"), HTTPStatus.SEE_OTHER)


def delete_panel(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """What deleting means, and doing it."""
    panel, messages, status = _panel(host, panel_id), {}, HTTPStatus.OK
    if request.method == "POST":
        try:
            not_paneled = service.delete(host, actor, panel_id, _version())
        except Stale as stale:
            panel, messages, status = _panel(host, panel_id), stale.messages, HTTPStatus.CONFLICT
        else:
            flash(f"Panel {panel.number} was deleted. Patients now Not Paneled: {not_paneled}.", "cpar")
            return redirect(url_for("cpar.panels"), HTTPStatus.SEE_OTHER)
    with host.database.engine.connect() as connection:
        queued = history.open_submissions(connection, host).get(panel_id)
    return page(
        host, f"Delete panel {panel.number}", "delete_panel.html", status, panel=panel, queued=queued, messages=messages
    )


def _conflict(host: Host, actor: Actor, form: PanelForm, draft: PanelDraft, panel_id: int) -> ResponseReturnValue:
    """The form as entered, next to what another user has saved. Saving again replaces that."""
    current = _panel(host, panel_id)
    with host.database.engine.connect() as connection:
        saved = last_saved.panel_saved(connection, host, panel_id)
    differences = panel_form.differences(draft, service.as_draft(current), _choices(host))
    return _form(
        host, form, current, status=HTTPStatus.CONFLICT, differences=differences, saved=saved, actor_id=actor.actor_id
    )


def _form(
    host: Host,
    form: PanelForm,
    panel: Panel | None = None,
    *,
    version: int | None = None,
    messages: dict[str, str] | None = None,
    status: HTTPStatus | None = None,
    **context: Any,
) -> ResponseReturnValue:
    choices = _choices(host)
    return page(
        host,
        f"Edit panel {panel.number}" if panel else "New panel",
        "panel_form.html",
        status or (HTTPStatus.UNPROCESSABLE_ENTITY if messages else HTTPStatus.OK),
        form=form.prefilled(choices),
        panel=panel,
        version=version or (panel and panel.version),
        choices=choices,
        spaced=spaced,
        messages=messages or {},
        mail_server=bool(load(host.settings).smtp_host),
        states=PanelState,
        **context,
    )


def _choices(host: Host) -> list[service.PanelProviderName]:
    with host.database.engine.connect() as connection:
        return service.provider_choices(connection, host)


def _panel(host: Host, panel_id: int) -> Panel:
    with host.database.engine.connect() as connection:
        return service.get(connection, host, panel_id)


def _version() -> int:
    return number(request.form.get("version", ""), "", INCOMPLETE)


ROUTES = (
    Route("/panels", panels, Needs.MANAGEMENT),
    Route("/panels/new", new_panel, Needs.MANAGEMENT, ("GET", "POST")),
    Route(f"/panels/<{ID}:panel_id>/edit", edit_panel, Needs.MANAGEMENT, ("GET", "POST")),
    Route(f"/panels/<{ID}:panel_id>/delete", delete_panel, Needs.MANAGEMENT, ("GET", "POST")),
)
