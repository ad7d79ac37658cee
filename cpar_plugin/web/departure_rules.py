"""The rules of a departure in its form: a row for each panel of a colleague, and one for each list of the provider."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flask import request
from sqlalchemy import Connection

from ..domain.departure import LETTERS, Split, Target, checked_split
from ..domain.panel_kind import OTHER_KINDS
from ..domain.refusals import Refused
from ..hooks import Actor, Host
from ..services.departures import lists, people
from ..services.departures.lists import ListCounts
from ..services.departures.steps import Departure
from ..services.other_panels.listing import OtherPanel
from ..services.panels import listing
from ..services.panels.listing import Panel
from .inputs import INCOMPLETE, number

_END: Final = "end"


@dataclass(frozen=True, slots=True)
class SplitRow:
    """A panel in the form of the rules, as it is typed."""

    panel: Panel
    percent: str = ""
    first: str = ""
    last: str = ""
    last_seen: bool = False
    affiliation: str = ""  # the id of the list for those who go to the panel
    caseload: str = ""


@dataclass(frozen=True, slots=True)
class LeavingList:
    """An affiliation or a caseload of the provider, with what becomes of it."""

    panel: OtherPanel
    counts: ListCounts
    ends: bool
    moves: tuple[tuple[str, int], ...]  # label of the list, and how many go or went there
    ended_only: int  # who are on nothing else: on one that ends

    @property
    def rest(self) -> int:
        """How many of it go nowhere."""
        return self.counts.patients - sum(count for _, count in self.moves)


def rows_of_form(host: Host, panel_id: int) -> list[SplitRow]:
    """The rows that the form has sent. Raises Refused for a panel that is not offered."""
    form = request.form
    with host.database.engine.connect() as connection:
        panels = {one.panel_id: one for one in targets_of(listing.live_panels(connection, host), panel_id)}
    rows = []
    for text in form.getlist("target"):
        target = panels.get(number(text, "targets", INCOMPLETE))
        if target is None:
            raise Refused({"targets": "One of these panels no longer takes patients: reload the page."})
        fields = ("percent", "first", "last", *OTHER_KINDS)
        own = {name: form.get(f"{name}-{target.panel_id}", "") for name in fields}
        rows.append(SplitRow(target, **own, last_seen=f"last_seen-{target.panel_id}" in form))
    return rows


def targets_of(panels: list[Panel], panel_id: int) -> list[Panel]:
    """The panels that can get patients of this one."""
    return [one for one in panels if one.panel_id != panel_id and one.state.takes_patients]


def rows_of(found: Departure, panels: list[Panel], open_lists: Sequence[OtherPanel]) -> list[SplitRow]:
    """As the rules are stored; before they are, each panel's own providers' lists are proposed."""
    by_panel = {target.panel_id: target for target in found.split.targets} if found.split else {}
    rows = []
    for one in panels:
        target = by_panel.get(one.panel_id, Target(one.panel_id))
        percent = str(target.percent) if target.percent else ""
        ids = {provider.provider_id for provider in one.providers}
        list_ids = {
            kind: target.list_of(kind)
            or next(
                (other.other_panel_id for other in open_lists if other.kind == kind and other.provider_id in ids), 0
            )
            for kind in OTHER_KINDS.values()
        }
        of_kind = {kind.value: str(list_id) if list_id else "" for kind, list_id in list_ids.items()}
        rows.append(SplitRow(one, percent, target.first, target.last, target.last_seen, **of_kind))
    return rows


def list_rows(
    connection: Connection, host: Host, actor: Actor, found: Departure, own: Sequence[OtherPanel], moves: lists.Moves
) -> list[LeavingList]:
    """The provider's lists with what becomes of each: before it is entered, one without patients is to end."""
    ids = [one.other_panel_id for one in own]
    counts, labels = lists.counts(connection, host, actor, ids), lists.labels(connection, host)
    split = found.split or Split()
    is_entered = request.form.get("step") == "split"
    ended_only = people.ended_only(connection, host, actor, found, split.ended_lists)
    return [
        LeavingList(
            one,
            counts.get(one.other_panel_id, ListCounts(0, 0)),
            _ends(one) if is_entered else one.other_panel_id in split.ended_lists or not (found.split or one.members),
            _moves_of(one, moves, labels),
            ended_only.get(one.other_panel_id, 0),
        )
        for one in own
    ]


def _moves_of(one: OtherPanel, moves: lists.Moves, labels: Mapping[int, str]) -> tuple[tuple[str, int], ...]:
    of_this = [(to_id, count) for (source_id, to_id), count in moves.items() if source_id == one.other_panel_id]
    return tuple(sorted((labels.get(to_id, "Deleted"), count) for to_id, count in of_this))


def _ends(one: OtherPanel) -> bool:
    """Whether the form says that a list of the provider's ends."""
    return request.form.get(f"list-{one.other_panel_id}", "") == _END


def entered(host: Host, panel_id: int) -> Split:
    """The rules as they were entered. Raises Refused by field."""
    form = request.form
    rows = rows_of_form(host, panel_id)
    messages: dict[str, str] = {}
    targets = []
    for place, row in enumerate(rows):
        percent = row.percent.strip().removesuffix("%").strip()
        if percent and not (percent.isascii() and percent.isdigit() and len(percent) <= 3):
            messages[f"percent-{place}"] = "Enter a whole number from 0 to 100."
        if any(letter not in ("", *LETTERS) for letter in (row.first, row.last)):
            raise Refused(INCOMPLETE)
        whole = int(percent) if percent and f"percent-{place}" not in messages else 0
        list_ids = [number(text or "0", "targets", INCOMPLETE) for text in (row.affiliation, row.caseload)]
        targets.append(Target(row.panel.panel_id, whole, row.first, row.last, row.last_seen, *list_ids))
    if messages:
        raise Refused(messages)
    with host.database.engine.connect() as connection:
        own = lists.of_provider(connection, host, panel_id)
    divided = {one.other_panel_id: one.kind for one in own if not _ends(one)}
    ended = [one.other_panel_id for one in own if _ends(one)]
    return checked_split(targets, together="together" in form, divided_lists=divided, ended_lists=ended)
