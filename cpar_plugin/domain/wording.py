"""How reasons and cautions are put to people: what each is called, and what a clerk does about it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol, assert_never

from ..hooks.values import StatusKind
from . import cautions
from .cautions import Caution
from .coverage import coverage_day
from .dates import date_text
from .exhaustive import exhaustive
from .member import Member
from .reasons import Reason
from .texts import holds_unseen, readable


class Terms(Protocol):
    """What the host calls things, as its `Roster` says."""

    @property
    def active_status(self) -> str: ...
    @property
    def status_labels(self) -> Mapping[str, str]: ...
    @property
    def status_kinds(self) -> Mapping[str, StatusKind]: ...
    @property
    def field_labels(self) -> Mapping[str, str]: ...  # by the names of Member's fields


@dataclass(frozen=True, slots=True)
class Wording:
    """What a reason or a caution is called, and what a clerk does about it."""

    label: str
    remedy: str


_UNSEEN = "The field contains an invisible character: clear it and type it again."

WORDING: Mapping[Reason | Caution, Wording] = exhaustive(
    __name__,
    Caution,
    {
        **{reason: Wording(reason.label, reason.remedy) for reason in Reason},
        Caution.GIVEN_NAME_MISSING: Wording(
            "No given name",
            "The registry uses it to match patients: enter the given name as shown on the health care card.",
        ),
        Caution.PROGRAM_WORD: Wording(
            "Name looks like a placeholder",
            "The registry uses names to match patients: enter them as shown on the health care card.",
        ),
        Caution.HTML_ENTITY: Wording(
            "Name contains an HTML code such as &amp;",
            "Replace the code with the character shown on the health care card.",
        ),
        Caution.BACKSLASH: Wording(
            "Name contains a backslash", "Delete the backslash; enter the name as shown on the health care card."
        ),
        Caution.DOUBLED_ENCODING: Wording(
            "Name contains garbled letters such as Ã©",
            "Enter the name with its accents as shown on the health care card.",
        ),
        Caution.LOST_LETTERS: Wording(
            "Name contains question marks in place of letters", "Enter the name as shown on the health care card."
        ),
        Caution.BORN_LONG_AGO: Wording(
            "Born before 1900 or more than 120 years ago", "Check the date of birth against the health care card."
        ),
        Caution.GENDER_UNKNOWN: Wording(
            "Gender is unknown", "The registry uses it to match patients: enter the gender if known."
        ),
        Caution.CARD_TYPE_UNKNOWN: Wording(
            "HC Type does not name a province",
            "The PHN is submitted as an Alberta number: set HC Type to AB if it is one.",
        ),
        Caution.REPEATED_DIGIT: Wording(
            "PHN is the same digit repeated", "Enter the PHN as shown on the health care card, or delete it."
        ),
        Caution.DOUBTFUL_PHN: Wording(
            "PHN may contain a typing error", "Check it against the health care card. This check is unofficial."
        ),
        Caution.PHN_OF_ANOTHER: Wording(
            "Another record has the same PHN",
            "That patient will be excluded: check both against the health care card, or merge the records.",
        ),
        Caution.PREFERRED_NAME: Wording(
            "A preferred name is in use",
            "The registry uses the legal name to match patients: check that the given name is the legal one.",
        ),
        Caution.COVERAGE_ENDED: Wording(
            "Health care coverage has ended",
            "Ask the patient for the health care card, and check the coverage: enter the new end, or remove the "
            "patient from the panel.",
        ),
        Caution.COVERAGE_ENDS_SOON: Wording(
            "Health care coverage ends soon",
            "Ask the patient whether the coverage was renewed, and enter the new end.",
        ),
        Caution.COVERAGE_BEGINS_LATER: Wording(
            "Health care coverage has not begun",
            "Check the first day of coverage against the health care card.",
        ),
        Caution.COVERAGE_UNKNOWN: Wording(
            "Health care coverage is unknown",
            "The EMR has no usable end of coverage: enter the dates as shown on the health care card.",
        ),
    },
)


# The field that a caution is about, and that its label names the day of.
_DAY_OF: Mapping[Reason | Caution, str] = {
    Reason.COVERAGE_ENDED: "coverage_end",
    Caution.COVERAGE_ENDED: "coverage_end",
    Caution.COVERAGE_ENDS_SOON: "coverage_end",
    Caution.COVERAGE_BEGINS_LATER: "coverage_start",
}


def wordings(terms: Terms) -> Mapping[Reason | Caution, Wording]:
    """The words for any member, with the host's names of the fields to correct."""
    return {doubt: _with_fields(terms, doubt, WORDING[doubt]) for doubt in WORDING}


def wording_for(terms: Terms, member: Member, doubt: Reason | Caution) -> Wording:
    """The words for this member: they name the status, and a day of coverage; and say so where not all of a value can
    be seen."""
    about = (
        [getattr(member, field) for field in doubt.about]
        if isinstance(doubt, Reason)
        else cautions.values(doubt, member)
    )
    wording = WORDING[doubt]
    if doubt is Reason.NOT_ACTIVE:
        wording = _status_wording(terms, member.status)
    elif doubt is Reason.NO_CONFIRMATION and kind_of(terms, member.status) is StatusKind.DECEASED:
        wording = replace(wording, remedy="The patient is deceased: remove the patient from the panel.")
    elif doubt in _DAY_OF and (day := coverage_day(getattr(member, _DAY_OF[doubt]))):
        wording = replace(wording, label=f"{wording.label} ({date_text(day)})")
    if any(text and holds_unseen(text) for text in about):
        wording = replace(wording, remedy=f"{_UNSEEN} {wording.remedy}")
    return _with_fields(terms, doubt, wording)


def advice_for(terms: Terms, member: Member, doubt: Reason | Caution) -> Wording:
    """The same once for all of a list: without the day of coverage, of which every member has another."""
    wording = wording_for(terms, member, doubt)
    return replace(wording, label=WORDING[doubt].label) if doubt in _DAY_OF else wording


def kind_of(terms: Terms, status: str | None) -> StatusKind | None:
    """What a status means; None for one of the clinic's own, and for none."""
    return terms.status_kinds.get(status or "")


def _with_fields(terms: Terms, doubt: Reason | Caution, wording: Wording) -> Wording:
    """The same with where to correct it, unless it says so already."""
    fields = [terms.field_labels[field] for field in _fields(doubt) if field in terms.field_labels]
    unnamed = [field for field in fields if field not in wording.remedy]
    return replace(wording, remedy=f"{wording.remedy} EMR field: {', '.join(unnamed)}.") if unnamed else wording


def _fields(doubt: Reason | Caution) -> tuple[str, ...]:
    if isinstance(doubt, Reason):
        return doubt.about
    if doubt is Caution.COVERAGE_UNKNOWN:
        return ("coverage_start", "coverage_end")
    return (_DAY_OF[doubt],) if doubt in _DAY_OF else ()


def _status_wording(terms: Terms, status: str | None) -> Wording:
    active = terms.status_labels[terms.active_status]
    if not status:
        return Wording(
            "Patient has no status",
            f"Set the status to {active} if the patient attends the clinic; otherwise remove the patient from the "
            "panel.",
        )
    label = f"{Reason.NOT_ACTIVE.label} ({terms.status_labels.get(status) or readable(status) or 'unreadable status'})"
    return Wording(label, _status_remedy(kind_of(terms, status), active))


def _status_remedy(kind: StatusKind | None, active: str) -> str:
    match kind:
        case StatusKind.DECEASED:
            return "Remove the patient from the panel. If the status is wrong, correct it."
        case StatusKind.MOVED:
            return (
                "Remove the patient from the panel if the patient has left the clinic. If the patient still attends, "
                f"set the status to {active}."
            )
        case StatusKind.INACTIVE:
            return (
                f"Set the status to {active} if the patient attends the clinic again; otherwise remove the patient "
                "from the panel."
            )
        case StatusKind.DISCHARGED:
            return (
                f"Remove the patient from the panel. Set the status to {active} only if the clinic has accepted the "
                "patient again."
            )
        case StatusKind.ACTIVE | None:  # a status of the clinic's own
            return (
                f"Only patients with the status {active} are submitted. Change the status if this patient should be; "
                "otherwise remove the patient from the panel."
            )
        case _:
            assert_never(kind)
