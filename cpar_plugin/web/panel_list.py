"""The list of the Panels tab: which panels a search finds, and in which order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, assert_never

from werkzeug.datastructures import MultiDict

from ..domain.panel_kind import PanelKind
from ..domain.refusals import Refused
from ..services.other_panels.listing import OtherPanel
from ..services.panels.listing import Panel
from ..services.submissions.history import Submission

LONGEST_SEARCH: Final = 100
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


class PanelSort(StrEnum):
    """What the list is ordered by."""

    NUMBER = "number"
    PROVIDER = "provider"
    FACILITY = "facility"
    PATIENTS = "patients"
    SUBMITTED = "submitted"


@dataclass(frozen=True, slots=True)
class PanelList:
    """How the list is asked for. `text` is searched in numbers, names, providers and IDs: no patient data.

    `kind` is the one that is shown, None for all.
    """

    text: str = ""
    sort: PanelSort = PanelSort.NUMBER
    descending: bool = False
    kind: PanelKind | None = None

    def shows(self, kind: PanelKind) -> bool:
        """Whether panels of this kind are on the list."""
        return self.kind in (None, kind)

    def others_of(self, panels: Sequence[OtherPanel]) -> list[OtherPanel]:
        """The affiliations and caseloads that are found, in the order in which they come."""
        text = self.text.casefold()
        return [panel for panel in panels if self.shows(panel.kind) and text in panel.label.casefold()]

    def of(self, panels: Sequence[Panel], last_submissions: Mapping[int, Submission]) -> list[Panel]:
        """The panels that are found, in order; those that are equal by number."""
        found = [panel for panel in panels if self.shows(PanelKind.CPAR) and panel.fits(self.text)]
        return sorted(found, key=self._key(last_submissions), reverse=self.descending)

    def next(self, sort: PanelSort) -> str:
        """What a click on the heading of this column asks for: the other direction, where it is sorted by it."""
        return f"-{sort.value}" if sort is self.sort and not self.descending else sort.value

    def _key(self, last_submissions: Mapping[int, Submission]) -> Callable[[Panel], Any]:
        match self.sort:
            case PanelSort.NUMBER:
                return lambda panel: panel.number
            case PanelSort.PROVIDER:
                return lambda panel: [provider.name.casefold() for provider in panel.providers]
            case PanelSort.FACILITY:
                return lambda panel: panel.facilities
            case PanelSort.PATIENTS:
                return lambda panel: panel.members
            case PanelSort.SUBMITTED:
                dates = {panel_id: submission.shown_at for panel_id, submission in last_submissions.items()}
                return lambda panel: dates.get(panel.panel_id, _NEVER)
            case _:
                assert_never(self.sort)


def from_query(query: MultiDict[str, str]) -> PanelList:
    """The list that an address asks for. Raises Refused for an order or a kind that there is not."""
    sort, kind = query.get("sort", "") or PanelSort.NUMBER, query.get("kind", "")
    if sort.removeprefix("-") not in list(PanelSort) or kind not in ("", *PanelKind):
        raise Refused("Panel list not found. Start from the Panels tab.")
    text = query.get("text", "").strip()[:LONGEST_SEARCH]
    sorting = PanelSort(sort.removeprefix("-"))
    return PanelList(text, sorting, descending=sort.startswith("-"), kind=PanelKind(kind) if kind else None)
