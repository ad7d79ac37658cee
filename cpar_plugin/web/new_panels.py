"""New panels for several providers at once: one panel for each, with the same facilities."""

import re
from dataclasses import dataclass
from http import HTTPStatus

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from ..domain.panel import PanelDraft, panel_draft
from ..domain.refusals import Refused
from ..hooks import Actor, Host
from ..services.operations import access
from ..services.panels import editing
from ..services.panels.without_panel import ProviderWithoutPanel, providers_without_panel
from .inputs import INCOMPLETE
from .interrupted import check_entries, shows_entries
from .panel_form import spaced
from .rendering import page
from .serving import Needs, Route

TITLE = "Panels for Several Providers"
_AT_MOST = 1000
_SEPARATORS = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True)
class EnteredPanel:
    """A provider's row as it is typed. A panel is created where a number is entered."""

    provider_id: str
    number: str
    practitioner_id: str


@shows_entries
def new_panels(host: Host, actor: Actor) -> ResponseReturnValue:
    """The form, and what becomes of it."""
    access.require_configured(host)
    if request.method == "GET":
        return _form(host, "", [])
    rows = _rows(request.form)
    facilities = request.form.get("facilities", "")
    try:
        check_entries()
        panel_ids = editing.create_several(host, actor, _drafts(facilities, rows))
    except Refused as refused:
        return _form(host, facilities, rows, _by_provider(refused, [row for row in rows if row.number.strip()]))
    flash(f"{len(panel_ids):,} {'panel was' if len(panel_ids) == 1 else 'panels were'} created.", "cpar")
    return redirect(url_for("cpar.fill_panels", panel=panel_ids), HTTPStatus.SEE_OTHER)


def _rows(form: MultiDict[str, str]) -> list[EnteredPanel]:
    columns = [form.getlist(name) for name in ("provider", "number", "practitioner_id")]
    if len({len(column) for column in columns}) > 1 or len(columns[0]) > _AT_MOST:
        raise Refused(INCOMPLETE)
    return [EnteredPanel(*values) for values in zip(*columns, strict=True)]


def _drafts(facilities: str, rows: list[EnteredPanel]) -> list[PanelDraft]:
    """The panels that were entered. Raises Refused with a message for each field, named as in `create_several`."""
    chosen = [row for row in rows if row.number.strip()]
    if not chosen:
        raise Refused({"": "Enter the CPAR panel number of at least one provider."})
    drafts, messages = [], {}
    for place, row in enumerate(chosen):
        try:
            provider = (row.provider_id, row.practitioner_id)
            drafts.append(panel_draft(row.number, _SEPARATORS.split(facilities), [provider]))
        except Refused as refused:
            messages.update({f"{place}-{field}": text for field, text in refused.messages.items()})
    messages.update(_twice(drafts) if not messages else {})
    if messages:
        raise Refused(messages)
    return drafts


def _twice(drafts: list[PanelDraft]) -> dict[str, str]:
    numbers = [draft.number for draft in drafts]
    return {
        f"{place}-number": "This number was entered for another provider too: correct one."
        for place, number in enumerate(numbers)
        if number in numbers[:place]
    }


def _by_provider(refused: Refused, chosen: list[EnteredPanel]) -> dict[str, str]:
    """The messages at the fields of this form: the facilities are entered once, the rest in a provider's row."""
    messages = {}
    for field, text in refused.messages.items():
        place, _, name = field.partition("-")
        if name.startswith("facilities"):
            messages["facilities"] = text
        elif name:
            column = "number" if name == "number" else "practitioner_id"
            messages[f"{column}-{chosen[int(place)].provider_id}"] = text
        else:
            messages[""] = text
    return messages


def _form(
    host: Host, facilities: str, rows: list[EnteredPanel], messages: dict[str, str] | None = None
) -> ResponseReturnValue:
    with host.database.engine.connect() as connection:
        providers = providers_without_panel(connection, host)
    typed = {row.provider_id: row for row in rows}
    return page(
        host,
        TITLE,
        "new_panels.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if messages else HTTPStatus.OK,
        facilities=facilities,
        providers=[(provider, _shown(provider, typed.get(provider.provider_id))) for provider in providers],
        messages=messages or {},
    )


def _shown(provider: ProviderWithoutPanel, typed: EnteredPanel | None) -> EnteredPanel:
    return typed or EnteredPanel(provider.provider_id, "", spaced(provider.practitioner_id))


ROUTES = (Route("/panels/new-several", new_panels, Needs.MANAGEMENT, ("GET", "POST")),)
