"""When a submission is held instead of sent: it differs too much from the panel's last one that arrived.

Physicians are paid by the last month's submission, so that what a wrong bulk update has done should be seen before it
is sent. Who was changed does not count: a visit and a confirmation change a patient, month after month.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from .exhaustive import exhaustive
from .reasons import Reason


class HoldCause(StrEnum):
    """Why a submission is held."""

    NONE_LEFT = "none-left"  # there are members, none of them would be sent, and the last submission had some
    DIFFERS = "differs"
    REASON_JUMPED = "reason-jumped"


class WindowEnd(StrEnum):
    """What becomes of a held submission in the last night run before the blackout. The value is that of the setting."""

    SEND = "send"
    HOLD = "hold"


class Releaser(StrEnum):
    """Who may release a held submission. The value is that of the setting."""

    ONE = "one"  # whoever manages panels
    TWO = "two"  # one asks, and another who administers the EMR releases


@dataclass(frozen=True, slots=True)
class SentBefore:
    """The panel's last submission that arrived: how many were sent, and how many were excluded for each reason.

    `kept`: who was sent is still known, so that those added and removed can be counted.
    """

    sent: int
    reasons: Mapping[Reason, int]
    kept: bool = True


@dataclass(frozen=True, slots=True)
class SubmissionOutlook:
    """A submission as it would be now, in numbers of patients. `reasons`: one excluded patient may have several.

    `added`, `removed` and `changed` are against the last that arrived; of a first submission all who are sent are
    added.
    """

    sent: int
    excluded: int
    added: int
    removed: int
    changed: int
    reasons: Mapping[Reason, int]

    @property
    def members(self) -> int:
        """All members of the panel."""
        return self.sent + self.excluded


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """What is too much: more than a share of those sent before, and at least so many patients. Shares in percent."""

    differing_percent: float
    reason_percent: float
    least_patients: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a submission is held. `reason` and `more` patients excluded for it: of a reason that jumped."""

    cause: HoldCause
    reason: Reason | None = None
    more: int = 0


def hold(before: SentBefore | None, now: SubmissionOutlook, limits: GuardLimits) -> Hold | None:
    """Why a submission is held, None where it may be sent. A first one, and one of an empty panel, is never held."""
    if before is None or not before.sent or not now.members:
        return None
    if not now.sent:
        return Hold(HoldCause.NONE_LEFT)
    if before.kept and _too_many(now.added + now.removed, before.sent, limits.differing_percent, limits):
        return Hold(HoldCause.DIFFERS)
    more, reason = max(
        ((count - before.reasons.get(reason, 0), reason) for reason, count in now.reasons.items()),
        default=(0, None),
        key=lambda pair: pair[0],
    )
    if _too_many(more, before.sent, limits.reason_percent, limits):
        return Hold(HoldCause.REASON_JUMPED, reason, more)
    return None


def _too_many(patients: int, sent_before: int, percent: float, limits: GuardLimits) -> bool:
    return patients >= max(1, limits.least_patients) and patients * 100 > sent_before * percent


# What a person looks at first.
REMEDY = exhaustive(
    __name__,
    HoldCause,
    {
        HoldCause.NONE_LEFT: "Look at the reasons for exclusion on the Exclusions tab.",
        HoldCause.DIFFERS: "The panel's rehearsal shows who is added and removed, and through what.",
        HoldCause.REASON_JUMPED: "Look at the reasons for exclusion on the Exclusions tab.",
    },
)
