"""Affiliations and caseloads: new, edit, delete. The list of the Panels tab shows them below the CPAR panels."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.other_panel import OtherDraft, other_draft
from ..domain.panel_kind import OTHER_KINDS, PanelKind
from ..domain.panel_state import PanelState
from ..domain.refusals import Refused
from ..hooks import Actor, Host
from ..services.operations import access
from ..services.other_panels import editing as service
from ..services.other_panels import listing
from ..services.other_panels.listing import OtherPanel
from ..services.panels.listing import provider_choices
from .inputs import INCOMPLETE, number
from .interrupted import check_entries, shows_entries
from .rendering import page
from .serving import ID, Needs, Route


@dataclass(frozen=True, slots=True)
class OtherForm:
    """The form as it is typed."""

    kind: str = PanelKind.AFFILIATION.value
    name: str = ""
    provider_id: str = ""
    state: str = PanelState.ACTIVE.value

    def draft(self) -> OtherDraft:
        """What was entered, checked. Raises Refused with a message for each field."""
        return other_draft(self.kind, self.name, self.provider_id, self.state)


def _from_form() -> OtherForm:
    return OtherForm(
        **{field: request.form.get(field, "") or default for field, default in asdict(OtherForm()).items()}
    )


@shows_entries
def new_other_panel(host: Host, actor: Actor) -> ResponseReturnValue:
    """The empty form, and what becomes of it."""
    access.require_configured(host)
    if request.method == "GET":
        return _form(host, OtherForm(kind=request.args.get("kind", "") or PanelKind.AFFILIATION.value))
    form = _from_form()
    try:
        check_entries()
        draft = form.draft()
        service.create(host, actor, draft)
    except Refused as refused:
        return _form(host, form, messages=refused.messages)
    flash(f"The {draft.kind.noun} {draft.name} was created and is now available on patient pages.", "cpar")
    return redirect(url_for("cpar.panels"), HTTPStatus.SEE_OTHER)


@shows_entries
def edit_other_panel(host: Host, actor: Actor, other_id: int) -> ResponseReturnValue:
    """One in the form, and what becomes of it."""
    saved = _saved(host, other_id)
    if request.method == "GET":
        return _form(host, OtherForm(saved.kind, saved.name, saved.provider_id, saved.state), saved)
    form, version = _from_form(), _version()
    try:
        check_entries()
        draft = form.draft()
        service.edit(host, actor, other_id, version, draft)
    except Refused as refused:
        return _form(host, form, saved, version=version, messages=refused.messages)
    flash(f"The {draft.kind.noun} {draft.name} was saved.", "cpar")
    return redirect(url_for("cpar.panels"), HTTPStatus.SEE_OTHER)


def delete_other_panel(host: Host, actor: Actor, other_id: int) -> ResponseReturnValue:
    """What deleting means, and doing it."""
    saved = _saved(host, other_id)
    if request.method == "POST":
        removed = service.delete(host, actor, other_id, _version())
        flash(f"The {saved.kind.noun} {saved.name} was deleted. Patients removed from it: {removed:,}.", "cpar")
        return redirect(url_for("cpar.panels"), HTTPStatus.SEE_OTHER)
    return page(host, f"Delete {saved.kind.noun} {saved.name}", "other_panel_delete.html", panel=saved)


def _form(
    host: Host,
    form: OtherForm,
    saved: OtherPanel | None = None,
    *,
    version: int | None = None,
    messages: Mapping[str, str] | None = None,
) -> ResponseReturnValue:
    with host.database.engine.connect() as connection:
        choices = provider_choices(connection, host)
    return page(
        host,
        f"Edit {saved.kind.noun} {saved.name}" if saved else "New affiliation or caseload",
        "other_panel_form.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if messages else HTTPStatus.OK,
        form=form,
        panel=saved,
        version=version or (saved and saved.version),
        choices=choices,
        kinds=OTHER_KINDS,
        states=PanelState,
        messages=messages or {},
    )


def _saved(host: Host, other_id: int) -> OtherPanel:
    with host.database.engine.connect() as connection:
        return listing.get(connection, host, other_id)


def _version() -> int:
    return number(request.form.get("version", ""), "", INCOMPLETE)


_ONE = f"/panels/other/<{ID}:other_id>"
ROUTES = (
    Route("/panels/other/new", new_other_panel, Needs.MANAGEMENT, ("GET", "POST")),
    Route(f"{_ONE}/edit", edit_other_panel, Needs.MANAGEMENT, ("GET", "POST")),
    Route(f"{_ONE}/delete", delete_other_panel, Needs.MANAGEMENT, ("GET", "POST")),
)
