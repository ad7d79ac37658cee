"""The four-cut: which provider's patient someone is, by who has seen them. With the rules about what counts.

Source: as public guides for Alberta's clinics describe it. Where they are open: "seen most" is the highest number, not
more than half, and in a tie the last physical, or the last visit, may be by anyone.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final

from .exhaustive import exhaustive


class Cut(IntEnum):
    """Which of the four decides. The first that can, does."""

    ONLY_PROVIDER = 1
    MOST_VISITS = 2
    LAST_PHYSICAL = 3
    LAST_VISIT = 4


CUT_LABELS: Final = exhaustive(
    __name__,
    Cut,
    {
        Cut.ONLY_PROVIDER: "The only provider seen",
        Cut.MOST_VISITS: "The provider seen most",
        Cut.LAST_PHYSICAL: "A tie: the last physical",
        Cut.LAST_VISIT: "A tie without a physical: the last visit",
    },
)


@dataclass(frozen=True, slots=True)
class CountedVisit:
    """A visit that counts. `started_at` is the clinic's time, to the second; midnight where none was entered."""

    provider_id: str
    started_at: datetime
    is_physical: bool = False


@dataclass(frozen=True, slots=True)
class FourCutDecision:
    """Whose patient it is, and which cut says so.

    `visits` of `all_visits` were with this provider. `same_moment`: another provider had the visit that decided at the
    same moment, and the lower provider number was taken.
    """

    provider_id: str
    cut: Cut
    visits: int
    all_visits: int
    same_moment: bool = False


@dataclass(frozen=True, slots=True)
class FourCutRules:
    """What the four-cut counts. An empty set of statuses, types or providers: all of them.

    `months` is how far back it looks. Statuses count to the letter. Types and the words of physicals are as `word`
    makes them; a visit whose type or reason is one of `physicals` is a physical. `panel_providers_only`: no others
    count than those of live panels.
    """

    months: int
    statuses: frozenset[str] = frozenset()
    visit_types: frozenset[str] = frozenset()
    provider_ids: frozenset[str] = frozenset()
    panel_providers_only: bool = False
    physicals: frozenset[str] = frozenset()

    def counts(self, status: str | None, visit_type: str | None) -> bool:
        """Whether a visit counts, whatever its provider."""
        has_status = not self.statuses or (status or "") in self.statuses
        return has_status and (not self.visit_types or word(visit_type) in self.visit_types)

    def is_physical(self, visit_type: str | None, reason: str | None) -> bool:
        """Whether a visit was a physical."""
        return word(visit_type) in self.physicals or word(reason) in self.physicals


def word(text: str | None) -> str:
    """A type or a reason as it is compared: without spaces around it, and in small letters."""
    return (text or "").strip(" ").lower()


def provider_order(provider_id: str) -> tuple[int, str]:
    """Sorts provider numbers as numbers, and other names of providers in some order that is always the same."""
    return len(provider_id), provider_id


def four_cut(visits: Iterable[CountedVisit]) -> FourCutDecision | None:
    """Whose patient someone with these visits is; None without a visit."""
    visits = list(visits)
    counts = Counter(visit.provider_id for visit in visits)
    if not counts:
        return None
    most = [provider_id for provider_id, count in counts.items() if count == max(counts.values())]
    if len(most) == 1:
        cut = Cut.ONLY_PROVIDER if len(counts) == 1 else Cut.MOST_VISITS
        return FourCutDecision(most[0], cut, counts[most[0]], len(visits))
    physicals = [visit for visit in visits if visit.is_physical]
    decisive = physicals or visits
    latest = max(visit.started_at for visit in decisive)
    at_once = {visit.provider_id for visit in decisive if visit.started_at == latest}
    provider_id = min(at_once, key=provider_order)
    cut = Cut.LAST_PHYSICAL if physicals else Cut.LAST_VISIT
    return FourCutDecision(provider_id, cut, counts[provider_id], len(visits), same_moment=len(at_once) > 1)
