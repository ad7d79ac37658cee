"""The members that a user has selected on the page of a panel, and the order about them."""

from collections.abc import Collection
from enum import StrEnum
from typing import Final, assert_never

from ...domain.confirmation import ConfirmedHow
from ...domain.refusals import Refused
from ...domain.removal import NO_REASON, Removal
from ...store.types import KEYS
from .orders import SAME_PANEL, Confirm, Move, Order, Remove, Selection

AT_MOST: Final = 1000


class SelectedAction(StrEnum):
    """What can be done with the selected members."""

    CONFIRM = "confirm"
    MOVE = "move"
    REMOVE = "remove"

    @property
    def button(self) -> str:
        """The text of its button."""
        match self:
            case SelectedAction.CONFIRM:
                return "Confirm"
            case SelectedAction.MOVE:
                return "Move"
            case SelectedAction.REMOVE:
                return "Remove from this panel"
            case _:
                assert_never(self)


def order_for(
    action: SelectedAction,
    panel_id: int,
    patient_ids: Collection[int],
    to_panel_id: int | None = None,
    *,
    removal: Removal = NO_REASON,
    own_button: bool = False,
    all_found: bool = False,
) -> Order:
    """The order about these members of a panel. `to_panel_id` with MOVE only, `removal` with REMOVE.

    `own_button`: the one patient's own button was clicked, not the one for all that are selected. `all_found`: they are
    everyone whom a list has found, however many. Raises Refused when no patient is selected, or too many one by one, or
    no other panel to move them to.
    """
    selection = Selection(frozenset(patient_id for patient_id in patient_ids if patient_id in KEYS))
    if not selection.patient_ids:
        raise Refused({"selected": "Select at least one patient."})
    if len(selection.patient_ids) > AT_MOST and not all_found:
        raise Refused({"selected": f"Select at most {AT_MOST:,} patients at a time, or use Bulk Update."})
    match action:
        case SelectedAction.CONFIRM:
            return Confirm(panel_id, selection, ConfirmedHow.BY_PERSON if own_button else ConfirmedHow.FROM_LIST)
        case SelectedAction.MOVE:
            if to_panel_id is None:
                raise Refused({"to_panel_id": "Select the panel to move patients to."})
            if to_panel_id == panel_id:
                raise Refused({"to_panel_id": SAME_PANEL})
            return Move(panel_id, to_panel_id, selection)
        case SelectedAction.REMOVE:
            return Remove(panel_id, selection, removal)
        case _:
            assert_never(action)
