"""Why a patient was removed from a panel, as the person who removed them says, with a note."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from .exhaustive import exhaustive
from .refusals import Refused
from .texts import readable

LONGEST_REASON: Final = 60
LONGEST_NOTE: Final = 200
_MOST_OWN: Final = 20
_REASON, _NOTE = "reason", "note"


class RemovalReason(StrEnum):
    """The value is its code; `RemovalReason.text` is for people, after "Removed from panel ...:"."""

    OTHER_PROVIDER = "other-provider"
    MOVED_AWAY = "moved-away"
    LEFT = "left"
    NOT_SEEN = "not-seen"
    DECEASED = "deceased"
    MISTAKE = "mistake"

    @property
    def text(self) -> str:
        """In words."""
        return _TEXTS[self]


_TEXTS = exhaustive(
    __name__,
    RemovalReason,
    {
        RemovalReason.OTHER_PROVIDER: "has another provider",
        RemovalReason.MOVED_AWAY: "moved away",
        RemovalReason.LEFT: "asked to leave the clinic",
        RemovalReason.NOT_SEEN: "not seen for a long time",
        RemovalReason.DECEASED: "deceased",
        RemovalReason.MISTAKE: "added by mistake",
    },
)


@dataclass(frozen=True, slots=True)
class RemovalRules:
    """What the clinic has added to the reasons, in its own words, and whether it demands one."""

    own: tuple[str, ...] = ()
    required: bool = False

    @property
    def choices(self) -> Sequence[tuple[str, str]]:
        """Every reason: what forms send for it, and what it is called."""
        return [*((reason.value, reason.text) for reason in RemovalReason), *((text, text) for text in self.own)]


@dataclass(frozen=True, slots=True)
class Removal:
    """Why: a code of RemovalReason, or the clinic's own words; '' for no reason. `note` is '' for none."""

    reason: str = ""
    note: str = ""

    @classmethod
    def stored(cls, detail: Mapping[str, Any]) -> "Removal":
        """As the detail of an operation has it."""
        return cls(detail.get(_REASON, ""), detail.get(_NOTE, ""))

    @property
    def detail(self) -> dict[str, str]:
        """What the detail of an operation keeps."""
        return {name: text for name, text in ((_REASON, self.reason), (_NOTE, self.note)) if text}

    @property
    def text(self) -> str:
        """For people: `moved away; to Calgary`, '' where nothing is said."""
        reason = RemovalReason(self.reason).text if self.reason in list(RemovalReason) else self.reason
        return "; ".join(filter(None, (reason, self.note)))


NO_REASON: Final = Removal()
GIVEN_REASONS: Final = RemovalRules()


def entered_removal(reason: str, note: str, rules: RemovalRules) -> Removal:
    """What a form says. Raises Refused (`reason`, `note`) for what the clinic does not offer, or demands."""
    if reason not in ("", *(code for code, _ in rules.choices)):
        raise Refused({"reason": "Select a reason from the list."})
    if rules.required and not reason:
        raise Refused({"reason": "Select the reason for the removal."})
    text = readable(note) or ""
    if len(text) > LONGEST_NOTE:
        raise Refused({"note": f"The note is too long: at most {LONGEST_NOTE} characters."})
    return Removal(reason, text)


def own_reasons(text: str) -> tuple[str, ...]:
    """The clinic's own reasons, one in each line. Raises Refused (`removal_reasons`)."""
    reasons = tuple(dict.fromkeys(filter(None, map(readable, text.splitlines()))))
    if len(reasons) > _MOST_OWN or any(len(reason) > LONGEST_REASON for reason in reasons):
        raise Refused(
            {"removal_reasons": f"Enter at most {_MOST_OWN} reasons of at most {LONGEST_REASON} characters each."}
        )
    return reasons
