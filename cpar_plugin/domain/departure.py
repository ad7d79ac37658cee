"""How the patients of a provider who leaves are split among panels: the same data and rules give the same split."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Final, NamedTuple, assert_never

from .panel_kind import OtherKind, PanelKind
from .refusals import Refused
from .texts import readable

LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
WHOLE: Final = 100
LONGEST_AHEAD: Final = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class Target:
    """A panel that gets patients. `percent` is its share of all, 0 for none.

    `first` and `last` are the letters between which family names begin, '' for no range; `last_seen`: it gets the
    patients whom its providers have seen last. `affiliation_id` and `caseload_id`: the lists that those who go to the
    panel are put on, where they are on one of the provider's; 0 for none.
    """

    panel_id: int
    percent: int = 0
    first: str = ""
    last: str = ""
    last_seen: bool = False
    affiliation_id: int = 0
    caseload_id: int = 0

    @property
    def has_rule(self) -> bool:
        """Whether any rule gives it patients."""
        return bool(self.percent or self.first or self.last_seen)

    def list_of(self, kind: OtherKind) -> int:
        """The list of this kind, 0 for none."""
        match kind:
            case PanelKind.AFFILIATION:
                return self.affiliation_id
            case PanelKind.CASELOAD:
                return self.caseload_id
            case _:
                assert_never(kind)


@dataclass(frozen=True, slots=True)
class Split:
    """The rules in the order in which they decide: last seen, family name, share. `together`: one home, one panel.

    `divided_lists` are the provider's affiliations and caseloads whose patients go where the rules say too,
    `ended_lists` those that end with the departure.
    """

    targets: tuple[Target, ...] = ()
    together: bool = False
    divided_lists: tuple[int, ...] = ()
    ended_lists: tuple[int, ...] = ()

    @property
    def shares(self) -> bool:
        """Whether everyone else is divided by shares."""
        return any(target.percent for target in self.targets)


class LeavingPatient(NamedTuple):
    """A patient to be moved. `seen_on`: the panel of the provider who saw the patient last; `home`: '' for unknown.

    `on_panel`: the panel of one who is on a list of the provider's, and on another panel than the provider's.
    """

    patient_id: int
    family_name: str
    seen_on: int | None = None
    home: str = ""
    on_panel: int | None = None


def checked_split(
    targets: Sequence[Target],
    *,
    together: bool,
    divided_lists: Mapping[int, OtherKind] = MappingProxyType({}),
    ended_lists: Sequence[int] = (),
) -> Split:
    """The rules as they were entered. Raises Refused by field: `targets`, `percent-0`, `affiliation-0` ..."""
    messages: dict[str, str] = {}
    for place, target in enumerate(targets):
        if not 0 <= target.percent <= WHOLE:
            messages[f"percent-{place}"] = "Enter a whole number from 0 to 100."
        if bool(target.first) != bool(target.last):
            messages[f"range-{place}"] = "Select both letters, or neither."
        elif target.first > target.last:
            messages[f"range-{place}"] = "Select the letters in the order of the alphabet."
    for place, target in enumerate(targets):
        for before in targets[:place]:
            both = target.first and before.first and f"range-{place}" not in messages
            if both and target.first <= before.last and before.first <= target.last:
                messages[f"range-{place}"] = "Two panels have the same letter: change one of the ranges."
    for place, target in enumerate(targets):
        for kind in sorted(set(divided_lists.values())) if target.has_rule else ():
            if not target.list_of(kind):
                messages[f"{kind.value}-{place}"] = f"Select the {kind.noun} of those who go to this panel."
    chosen = tuple(target for target in targets if target.has_rule)
    whole = sum(target.percent for target in chosen)
    if not chosen:
        messages["targets"] = "Give at least one panel a share, a range of letters, or the patients seen last."
    elif whole not in (0, WHOLE) and not messages:
        messages["targets"] = f"The shares add up to {whole}%: change them so that they add up to 100%, or clear all."
    if messages:
        raise Refused(messages)
    return Split(chosen, together, tuple(divided_lists), tuple(ended_lists))


def checked_date(day: date | None, today: date) -> date:
    """The day of leaving. Raises Refused (`leaves_on`)."""
    if day is None:
        raise Refused({"leaves_on": "Enter the day on which the provider leaves."})
    if day > today + LONGEST_AHEAD:
        raise Refused({"leaves_on": "Enter a day within the next two years."})
    if day < today:
        raise Refused({"leaves_on": "This day is over: enter today or a later day."})
    return day


def initial(family_name: str) -> str:
    """The letter that a name counts as, without accents: A for what comes before A, or for no name; Z for the rest."""
    first = unicodedata.normalize("NFKD", readable(family_name) or "")[:1].upper()
    return min(max(first, LETTERS[0]), LETTERS[-1])


def quotas(count: int, targets: Sequence[Target]) -> dict[int, int]:
    """How many of so many each panel gets by its share: they add up, and none is off by a whole patient."""
    exact = {target.panel_id: count * target.percent for target in targets if target.percent}
    whole = {panel_id: share // WHOLE for panel_id, share in exact.items()}
    by_rest = sorted(exact, key=lambda panel_id: -(exact[panel_id] % WHOLE))
    for panel_id in by_rest[: count - sum(whole.values())] if exact else ():
        whole[panel_id] += 1
    return whole


def divided(patients: Iterable[LeavingPatient], split: Split) -> dict[int, int]:
    """The panel of each patient that a rule decides about, by patient id. Who is missing is decided by none.

    Those of one home have one panel: the one that most of them would get by the first two rules, else by the shares.
    """
    units = _units(patients, together=split.together)
    decided: dict[int, int] = {}
    undecided: list[list[LeavingPatient]] = []
    for unit in units:
        panel_id = _by_rules(unit, split)
        if panel_id is None:
            undecided.append(unit)
        else:
            decided |= dict.fromkeys((patient.patient_id for patient in unit), panel_id)
    if split.shares:
        decided |= _by_shares(undecided, decided, split)
    return decided


def _units(patients: Iterable[LeavingPatient], *, together: bool) -> list[list[LeavingPatient]]:
    """Those of one home together, in an order that does not depend on that of the patients."""
    by_home: dict[str, list[LeavingPatient]] = defaultdict(list)
    for patient in patients:
        by_home[patient.home if together and patient.home else f" {patient.patient_id}"].append(patient)
    for unit in by_home.values():
        unit.sort()
    return sorted(by_home.values())


def _by_rules(unit: Sequence[LeavingPatient], split: Split) -> int | None:
    """Where most of a home would go: of as many, the panel that comes first."""
    votes = {target.panel_id: 0 for target in split.targets}
    for patient in unit:
        panel_id = _by_rules_alone(patient, split)
        if panel_id is not None:
            votes[panel_id] += 1
    most = max(votes.values(), default=0)
    return next((panel_id for panel_id, count in votes.items() if count == most), None) if most else None


def _by_rules_alone(patient: LeavingPatient, split: Split) -> int | None:
    if any(patient.on_panel == target.panel_id for target in split.targets):
        return patient.on_panel
    for target in split.targets:
        if target.last_seen and patient.seen_on == target.panel_id:
            return target.panel_id
    letter = initial(patient.family_name)
    for target in split.targets:
        if target.first and target.first <= letter <= target.last:
            return target.panel_id
    return None


def _by_shares(units: Sequence[Sequence[LeavingPatient]], decided: Mapping[int, int], split: Split) -> dict[int, int]:
    """The larger homes first, each to the panel that lacks most of its share; who is decided about already counts."""
    lacking = quotas(sum(map(len, units)) + len(decided), split.targets)
    for panel_id in decided.values():
        if panel_id in lacking:
            lacking[panel_id] -= 1
    result: dict[int, int] = {}
    for unit in sorted(units, key=len, reverse=True):
        panel_id = max(lacking, key=lacking.__getitem__)
        lacking[panel_id] -= len(unit)
        result |= dict.fromkeys((patient.patient_id for patient in unit), panel_id)
    return result
