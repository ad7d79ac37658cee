"""Bulk Update of one other kind: enter an order, look at what it would do, carry it out, and undo it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Final
from uuid import uuid4

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.panel_kind import OTHER_KINDS, PanelKind, other_kind_of
from ..domain.refusals import Refused
from ..hooks import Actor, Host
from ..services.bulk.statuses import status_choices
from ..services.operations import access
from ..services.other_panels import bulk as service
from ..services.other_panels import listing
from ..services.other_panels.orders import ANY_STATUS, OtherAction, OtherOrder, order_text
from ..services.panels.listing import provider_choices
from .bulk import form_key_of
from .inputs import number
from .interrupted import shows_entries, to_check
from .rendering import page
from .serving import ID, Needs, Route

# What is offered for all patients of a provider or a list: dates are entered for those selected on its page.
LABELS: Final[Mapping[str, str]] = {
    OtherAction.ASSIGN: "Assign the patients of a provider",
    OtherAction.MOVE: "Move patients to another one",
    OtherAction.REMOVE: "Remove patients",
}


@dataclass(frozen=True, slots=True)
class OtherBulkForm:
    """The form as it is typed; which of its fields count depends on `action`."""

    kind: str = PanelKind.AFFILIATION.value
    action: str = OtherAction.ASSIGN.value
    provider_id: str = ""
    from_id: str = ""
    to_id: str = ""
    status: str = ""

    def order(self) -> OtherOrder:
        """The order that was entered. Raises Refused with a message for each field."""
        messages: dict[str, str] = {}
        kind = other_kind_of(self.kind)
        if self.action not in LABELS:
            raise Refused({"action": "Select an action from the list."})
        action = OtherAction(self.action)

        def one(field: str, verb: str) -> int:
            try:
                return number(getattr(self, field), field, f"Choose the {kind.noun} to {verb}.")
            except Refused as refused:
                messages.update(refused.messages)
                return 0

        from_id = 0 if action is OtherAction.ASSIGN else one("from_id", f"{action.value} patients from")
        to_id = 0 if action is OtherAction.REMOVE else one("to_id", f"{action.value} patients to")
        provider_id = self.provider_id if action is OtherAction.ASSIGN else ""
        if action is OtherAction.ASSIGN and not provider_id:
            messages["provider_id"] = "Select the provider whose patients will be assigned."
        if messages:
            raise Refused(messages)
        return OtherOrder(action, kind, self.status, provider_id, from_id, to_id)


@shows_entries
def other_bulk(host: Host, actor: Actor) -> ResponseReturnValue:
    """The form; the preview of what it would do; and doing it. Nothing is changed before the last of these."""
    access.require_configured(host)
    form = OtherBulkForm(**{field: request.values.get(field, "") or default for field, default in _DEFAULTS.items()})
    if request.method == "GET" and request.args.get("step") != "preview":
        return _form(host, form, {})
    try:
        order = form.order()
        if request.method == "GET":
            return _preview(host, actor, form, order)
        if request.form.get("step") != "carry-out":
            return redirect(url_for("cpar.other_bulk", step="preview", **asdict(form)), HTTPStatus.SEE_OTHER)
        if messages := to_check():
            return _preview(host, actor, form, order, messages)
        operation_id = service.carry_out(host, actor, order, form_key_of(request.form))
    except Refused as refused:
        return _form(host, form, refused.messages)
    if operation_id is None:
        flash("No patients were left to change. Nothing was done.", "cpar")
        return redirect(url_for("cpar.other_bulk", kind=form.kind), HTTPStatus.SEE_OTHER)
    return redirect(url_for("cpar.other_bulk_result", other_operation_id=operation_id), HTTPStatus.SEE_OTHER)


_DEFAULTS = asdict(OtherBulkForm())


def other_bulk_result(host: Host, actor: Actor, other_operation_id: int) -> ResponseReturnValue:
    """What an operation did, and its undo."""
    with host.database.engine.connect() as connection:
        operation = service.operation_of(connection, host, other_operation_id)
    return page(host, "Bulk Update: result", "other_bulk_result.html", operation=operation)


def undo_other_bulk(host: Host, actor: Actor, other_operation_id: int) -> ResponseReturnValue:
    """Undo it."""
    restored, changed_since = service.undo(host, actor, other_operation_id)
    flash(f"Undone. Patients restored: {restored:,}. Changed since, so not restored: {changed_since:,}.", "cpar")
    return redirect(url_for("cpar.other_bulk_result", other_operation_id=other_operation_id), HTTPStatus.SEE_OTHER)


def _form(host: Host, form: OtherBulkForm, messages: Mapping[str, str]) -> ResponseReturnValue:
    kind = other_kind_of(form.kind)
    with host.database.engine.connect() as connection:
        return page(
            host,
            f"Bulk Update: {kind.label}",
            "other_bulk.html",
            HTTPStatus.UNPROCESSABLE_ENTITY if messages else HTTPStatus.OK,
            form=form,
            kind=kind,
            kinds=OTHER_KINDS,
            messages=messages,
            actions=LABELS,
            panels=listing.live(connection, host, kind),
            providers=provider_choices(connection, host),
            statuses=[
                *((one.status, one.label) for one in status_choices(connection, host)),
                (ANY_STATUS, "Any status"),
            ],
            selected_status=form.status or host.roster.active_status,
            operations=service.latest(connection, host),
        )


def _preview(
    host: Host, actor: Actor, form: OtherBulkForm, order: OtherOrder, messages: Mapping[str, str] | None = None
) -> ResponseReturnValue:
    with host.database.engine.connect() as connection:
        text = order_text(connection, host, order)
    return page(
        host,
        "Bulk Update: review changes",
        "other_bulk_preview.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if messages else HTTPStatus.OK,
        messages=messages or {},
        form=form,
        fields=asdict(form),
        kind=order.kind,
        text=text,
        preview=service.preview(host, actor, order),
        form_key=uuid4().hex,
    )


_RESULT = f"/panels/other/bulk/<{ID}:other_operation_id>"
ROUTES = (
    Route("/panels/other/bulk", other_bulk, Needs.MANAGEMENT, ("GET", "POST")),
    Route(_RESULT, other_bulk_result, Needs.MANAGEMENT),
    Route(f"{_RESULT}/undo", undo_other_bulk, Needs.MANAGEMENT, ("POST",)),
)
