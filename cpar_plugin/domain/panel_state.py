"""Whether a panel takes patients, and is submitted."""

from enum import StrEnum
from typing import assert_never

from .refusals import Refused


class PanelState(StrEnum):
    """Where a panel is in its life. In transition: its provider leaves, and those on it are moved away in time."""

    ACTIVE = "active"
    IN_TRANSITION = "in-transition"
    ENDED = "ended"

    @property
    def label(self) -> str:
        """What people read."""
        match self:
            case PanelState.ACTIVE:
                return "Active"
            case PanelState.IN_TRANSITION:
                return "In transition"
            case PanelState.ENDED:
                return "Ended"
            case _:
                assert_never(self)

    @property
    def takes_patients(self) -> bool:
        """Whether a patient can be put on the panel."""
        return self is PanelState.ACTIVE

    @property
    def takes_back(self) -> bool:
        """Whether an undo can put its own patients back: that restores a membership, and makes no new one."""
        return self is not PanelState.ENDED

    @property
    def is_submitted(self) -> bool:
        """Whether submissions go out for it."""
        return self is not PanelState.ENDED


CLOSED = tuple(state for state in PanelState if not state.takes_patients)
NOT_SUBMITTED = tuple(state for state in PanelState if not state.is_submitted)


def state_of(text: str) -> PanelState:
    """The state that a form sends. Raises Refused (`state`)."""
    try:
        return PanelState(text)
    except ValueError:
        raise Refused({"state": "Select a state from the list."}) from None


def why_no_one_is_added(number: str, state: PanelState) -> str:
    """Why a patient cannot be put on the panel, and what to do. Raises ValueError for an active one."""
    match state:
        case PanelState.ACTIVE:
            raise ValueError("an active panel takes patients")
        case PanelState.IN_TRANSITION:
            return f"Panel {number} is in transition: no one can be added to it. Select another panel."
        case PanelState.ENDED:
            return (
                f"Panel {number} has ended: no one can be added to it. Select another panel, or ask an EMR "
                "administrator to reopen this one."
            )
        case _:
            assert_never(state)


def not_submitted(number: str) -> str:
    """Why an ended panel is not submitted, and what to do."""
    return f"Panel {number} has ended and is not submitted. Move its patients to another panel."
