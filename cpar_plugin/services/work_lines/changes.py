"""What is done with lines to work on, and what came of it. A list of lines as one value, for `changing`."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple, assert_never

from sqlalchemy import ColumnElement, FromClause, Table

from ...hooks import Actor
from ..operations.record import OperationKind

NO_ONE: Final = "none"  # the owner of lines that no one has taken
LineId = tuple[Any, ...]  # the values of the columns that say which line


class LineAction(StrEnum):
    """What is done with lines, in the order of the buttons."""

    TAKE = "take"
    ASSIGN = "assign"
    RELEASE = "release"
    SET_STATE = "state"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class LineChange:
    """An action, with what it sets. A state may come with a note."""

    action: LineAction
    owner_id: str = ""  # to whom lines are assigned
    state: str = ""
    state_label: str = ""
    note: str = ""

    def values(self, actor: Actor) -> dict[str, Any]:
        """What it makes of a line."""
        match self.action:
            case LineAction.TAKE:
                return {"owner_id": actor.actor_id}
            case LineAction.ASSIGN:
                return {"owner_id": self.owner_id}
            case LineAction.RELEASE:
                return {"owner_id": None}
            case LineAction.SET_STATE:
                return {"state": self.state} | ({"note": self.note} if self.note else {})
            case LineAction.NOTE:
                return {"note": self.note}
            case _:
                assert_never(self.action)

    @property
    def clears_notes(self) -> bool:
        return self.action is LineAction.NOTE and not self.note

    @property
    def logged(self) -> str:
        """What the audit trail says of it: never the note."""
        match self.action:
            case LineAction.SET_STATE:
                return f"state: {self.state_label}"
            case LineAction.ASSIGN:
                return f"assign: {self.owner_id}"
            case LineAction.TAKE | LineAction.RELEASE | LineAction.NOTE:
                return self.action.value
            case _:
                assert_never(self.action)


@dataclass(frozen=True, slots=True)
class WorkList:
    """The lines of a table that an actor may see.

    The table has owner_id, state, note, closed_at, changed_at, changed_by and version, as those that there are.
    """

    table: Table
    key: tuple[ColumnElement[Any], ...]  # which line
    source: FromClause  # the table, joined to what says who its lines are about
    patient_id: ColumnElement[Any]  # whom a line is about; NULL for no one who is known
    visible: ColumnElement[bool]
    noun: str  # of the audit trail
    about: Callable[[LineId], str]  # what the audit trail says a line is
    kinds: Mapping[LineAction, OperationKind]
    changes: Table | None = None  # where changes are kept, to show and undo them: see `keeping.keep`


class SeenLine(NamedTuple):
    """A line as a page showed it."""

    key: LineId
    version: int


class LineConflict(NamedTuple):
    """A selected line that was not changed: someone else changed it first. Names are '' for no one."""

    key: LineId
    patient_id: int | None
    owner: str
    changed_by: str
    changed_at: datetime | None
    closed: bool


@dataclass(frozen=True, slots=True)
class LinesChanged:
    """How many lines were changed, and which were not; at most some are named. Those without access are in neither."""

    changed: int
    conflicts: Collection[LineConflict]
    skipped: int  # of all lines found: those that someone else has taken
    operation_id: int | None  # None where nothing was changed
