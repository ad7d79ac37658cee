"""The patients that a user has selected on the page of an affiliation or a caseload, and the order about them."""

from collections.abc import Collection
from enum import StrEnum
from typing import Final, assert_never

from ...domain.other_panel import signed_on
from ...domain.refusals import Refused
from ...hooks import Host
from ...store.types import KEYS
from .listing import OtherPanel
from .orders import ANY_STATUS, OtherAction, OtherOrder

AT_MOST: Final = 1000
SIGNED: Final = "signed_on"


class OtherSelected(StrEnum):
    """What can be done with them."""

    SIGN = "sign"
    MOVE = "move"
    REMOVE = "remove"


def order_for(
    host: Host,
    panel: OtherPanel,
    action: OtherSelected,
    patient_ids: Collection[int],
    *,
    to_id: int | None = None,
    signed: str = "",
    all_found: bool = False,
) -> OtherOrder:
    """The order about these patients of a panel. `to_id` with MOVE, `signed` as it is typed with SIGN.

    `all_found`: they are everyone whom a list has found, however many. Raises Refused by field.
    """
    only = frozenset(patient_id for patient_id in patient_ids if patient_id in KEYS)
    if not only:
        raise Refused({"selected": "Select at least one patient."})
    if len(only) > AT_MOST and not all_found:
        raise Refused({"selected": f"Select at most {AT_MOST:,} patients at a time, or use Bulk Update."})
    from_id, kind = panel.other_panel_id, panel.kind
    match action:
        case OtherSelected.SIGN:
            today = host.clock.now().astimezone(host.clock.zone).date()
            day = signed_on(signed, SIGNED, today, None) if kind.is_signed else None
            if day is None:
                raise Refused({SIGNED: "Enter the date of the signed form."})
            return OtherOrder(OtherAction.SIGN, kind, ANY_STATUS, from_id=from_id, signed_on=day, only=only)
        case OtherSelected.MOVE:
            if to_id is None:
                raise Refused({"to_id": f"Select the {kind.noun} to move patients to."})
            return OtherOrder(OtherAction.MOVE, kind, ANY_STATUS, from_id=from_id, to_id=to_id, only=only)
        case OtherSelected.REMOVE:
            return OtherOrder(OtherAction.REMOVE, kind, ANY_STATUS, from_id=from_id, only=only)
        case _:
            assert_never(action)
