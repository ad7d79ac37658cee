"""Bulk Update: enter an order, look at what it would do, carry it out."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus
from typing import Any, assert_never
from uuid import uuid4

from flask import flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from ..domain.reasons import Reason
from ..domain.refusals import Refused
from ..domain.wording import wordings
from ..hooks import Actor, Host
from ..services import bulk as service
from ..services.bulk import (
    Assign,
    Attach,
    Confirm,
    Depart,
    Fill,
    Import,
    Move,
    Order,
    Remove,
    SkipReason,
    history,
    outlook,
    skipped,
    texts,
)
from ..services.operations import access
from ..services.operations.record import BULK, BulkKind, OperationKind
from ..services.other_panels import listing as other_panels
from ..services.panels import editing
from ..settings import load
from . import bulk_result
from .downloads import csv_download
from .inputs import INCOMPLETE, number
from .interrupted import shows_entries, to_check
from .removal import removal_of
from .rendering import page
from .serving import Needs, Route

TITLE = "Bulk Update"
_KEY = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class BulkAction:
    """An order as the page offers it: what it is called there, and the fields of the form that it needs."""

    kind: BulkKind
    label: str
    fields: tuple[str, ...]

    @property
    def name(self) -> str:
        """What the form sends for it, and the style sheet knows it by."""
        return self.kind.removeprefix("bulk-")

    @property
    def verb(self) -> str:
        """That of its button."""
        return texts.order_text(self.kind).verb


def _action(kind: BulkKind) -> BulkAction | None:
    """None for an order that is given elsewhere."""
    match kind:
        case OperationKind.BULK_ASSIGN:
            return BulkAction(kind, "Assign patients to a panel", ("provider_id", "panel_id", "status"))
        case OperationKind.BULK_MOVE:
            return BulkAction(kind, "Move patients to a different panel", ("from_panel_id", "panel_id", "status"))
        case OperationKind.BULK_REMOVE:
            return BulkAction(kind, "Remove patients from a panel", ("from_panel_id", "status"))
        case (
            OperationKind.BULK_CONFIRM
            | OperationKind.BULK_FILL
            | OperationKind.BULK_IMPORT
            | OperationKind.BULK_DEPARTURE
            | OperationKind.BULK_ATTACH
        ):
            return None  # for patients selected on the panel's page; on pages of their own
        case _:
            assert_never(kind)


ACTIONS = tuple(action for kind in BULK.values() if (action := _action(kind)))


@dataclass(frozen=True, slots=True)
class BulkForm:
    """The form as it is typed; which of its fields count depends on `kind`."""

    kind: str = "assign"
    provider_id: str = ""
    status: str = ""
    from_panel_id: str = ""
    panel_id: str = ""

    def order(self) -> Order:
        """The order that was entered. Raises Refused with a message for each field."""
        messages: dict[str, str] = {}

        def panel(field: str, message: str) -> int:
            try:
                return number(getattr(self, field), field, message)
            except Refused as refused:
                messages.update(refused.messages)
                return 0

        order: Order
        kind = next((action.kind for action in ACTIONS if action.name == self.kind), None)
        match kind:
            case OperationKind.BULK_ASSIGN:
                if not self.provider_id:
                    messages["provider_id"] = "Select the provider whose patients will be assigned."
                order = Assign(
                    self.provider_id, self.status, panel("panel_id", "Select the panel to assign patients to.")
                )
            case OperationKind.BULK_MOVE:
                source = panel("from_panel_id", "Select the panel to move patients from.")
                order = Move(source, panel("panel_id", "Select the panel to move patients to."), self.status)
            case OperationKind.BULK_REMOVE:
                order = Remove(panel("from_panel_id", "Select the panel to remove patients from."), self.status)
            case (
                OperationKind.BULK_CONFIRM
                | OperationKind.BULK_FILL
                | OperationKind.BULK_IMPORT
                | OperationKind.BULK_DEPARTURE
                | OperationKind.BULK_ATTACH
                | None
            ):
                messages["kind"] = "Select an action from the list."
            case _:
                assert_never(kind)
        if messages:
            raise Refused(messages)
        return order


@shows_entries
def bulk(host: Host, actor: Actor) -> ResponseReturnValue:
    """The form; the preview of what it would do; and doing it. Nothing is changed before the last of these.

    The preview has an address of its own, which names no patient: Back leads to it.
    """
    access.require_configured(host)
    if request.method == "GET" and "kind" not in request.args:
        return _form(host, BulkForm(status=host.roster.active_status))
    form = BulkForm(**{field: request.values.get(field, "") for field in BulkForm.__slots__})
    try:
        match request.values.get("step", "preview"):
            case "change":
                return _form(host, form)
            case "preview":
                order = form.order()
                return _preview(host, actor, form, order) if request.method == "GET" else _to_preview(form)
            case _ if request.method == "GET":
                raise Refused(INCOMPLETE)
            case "skipped":
                name = f"bulk update {form.kind} not changed"
                return csv_download(host, actor, name, skipped.export_preview(host, actor, form.order()))
            case "carry-out":
                order = form.order()
                if messages := to_check():
                    return _preview(host, actor, form, order, messages)
                if isinstance(order, Remove):
                    try:
                        order = replace(order, removal=removal_of(host, request.form))
                    except Refused as refused:
                        return _preview(host, actor, form, order, refused.messages)
                return _carry_out(host, actor, order)
            case _:
                raise Refused(INCOMPLETE)
    except Refused as refused:
        return _form(host, form, refused.messages)


def _to_preview(form: BulkForm) -> ResponseReturnValue:
    return redirect(url_for("cpar.bulk", step="preview", **asdict(form)), HTTPStatus.SEE_OTHER)


def _form(host: Host, form: BulkForm, messages: Mapping[str, str] | None = None) -> ResponseReturnValue:
    with host.database.engine.connect() as connection:
        choices: dict[str, Any] = {
            "actions": ACTIONS,
            "panels": editing.live_panels(connection, host),
            "providers": editing.provider_choices(connection, host),
            "statuses": service.status_choices(connection, host),
            "operations": history.latest(connection, host),
            "other_kinds": dict.fromkeys(panel.kind for panel in other_panels.live(connection, host)),
        }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if messages else HTTPStatus.OK
    return page(host, TITLE, "bulk.html", status, form=form, messages=messages or {}, summary=texts.summary, **choices)


def _preview(
    host: Host, actor: Actor, form: BulkForm, order: Order, messages: Mapping[str, str] | None = None
) -> ResponseReturnValue:
    if isinstance(order, Assign):
        with host.database.engine.connect() as connection:
            order = order.read_once(connection, host)
    preview = service.preview(host, actor, order)
    counts = preview.skipped
    with host.database.engine.connect() as connection:
        labels = {panel.panel_id: panel.label for panel in editing.live_panels(connection, host)}
        after = None
        if preview.changed and order.panel_id is not None:
            after = outlook.of_order(connection, host, actor, load(host.settings), order, preview.changed)
    return page(
        host,
        f"{TITLE}: review changes",
        "bulk_preview.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if messages else HTTPStatus.OK,
        messages=messages or {},
        form=form,
        preview=preview,
        order_text=_order_text(order, preview.provider, service.status_label(host, form.status), labels),
        verb=texts.order_text(order.kind).verb,
        removes=order.panel_id is None,
        removal=g.cpar_clinic.removal,
        skipped=[
            (count, texts.skip_notice(reason, count)) for reason in reversed(SkipReason) if (count := counts[reason])
        ],
        skipped_by_name=counts.total() - counts[SkipReason.NOT_VISIBLE],
        form_key=uuid4().hex,
        change_href=url_for("cpar.bulk", step="change", **asdict(form)),
        outlook=after,
        outlook_panel_id=None,
        reasons=Reason,
        wording=wordings(host.roster),
    )


def _order_text(order: Order, provider: str, status: str, labels: Mapping[int, str]) -> Markup:
    """What the order does, with the names of panels and providers in bold."""
    source, target = labels.get(order.from_panel_id or 0, ""), labels.get(order.panel_id or 0, "")
    match order:
        case Assign():
            text = Markup("Assign the patients of <strong>{}</strong> (status {}) to <strong>{}</strong>.")
            return text.format(provider, status, target)
        case Move():
            text = Markup("Move the patients with status {} from <strong>{}</strong> to <strong>{}</strong>.")
            return text.format(status, source, target)
        case Remove():
            return Markup("Remove the patients with status {} from <strong>{}</strong>.").format(status, source)
        case Attach():
            return Markup("Put the selected patients on the panels proposed for them.")
        case Fill():
            return Markup("Put active patients on the panel of their MRP.")
        case Confirm():
            return Markup("Confirm the patients with status {} on <strong>{}</strong>.").format(status, source)
        case Import():
            return Markup("Put the patients of the list on their panels.")
        case Depart():
            return Markup("Move the patients of the provider who leaves to panels of colleagues.")
        case _:
            assert_never(order)


def _carry_out(host: Host, actor: Actor, order: Order) -> ResponseReturnValue:
    result = service.carry_out(host, actor, order, form_key_of(request.form))
    if result.operation_id is None:
        flash("No patients were left to change. Nothing was done.", "cpar")
        return redirect(url_for("cpar.bulk"), HTTPStatus.SEE_OTHER)
    say_if_other(request.form, result)
    return redirect(url_for("cpar.bulk_result", operation_id=result.operation_id), HTTPStatus.SEE_OTHER)


def form_key_of(form: Mapping[str, str]) -> str | None:
    """The key of the preview's form, None without one. Raises Refused for what is none."""
    key = form.get("form_key", "")
    if key and not _KEY.fullmatch(key):
        raise Refused(INCOMPLETE)
    return key or None


def say_if_other(form: Mapping[str, str], result: service.BulkResult) -> None:
    """Say that another number of patients was changed than the preview said."""
    if form.get("expected", "") not in ("", str(result.changed)):
        flash(
            "Someone else changed some of these patients in the meantime, so the numbers differ from the review.",
            "cpar",
        )


ROUTES = (Route("/bulk", bulk, Needs.MANAGEMENT, ("GET", "POST")), *bulk_result.ROUTES)
