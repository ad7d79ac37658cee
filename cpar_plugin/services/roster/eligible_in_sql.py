"""A quick answer in SQL for the many members who will plainly be submitted. For all others ask the rules."""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from sqlalchemy import ColumnElement, String, and_, cast, false, func, true

from ...domain.coverage import LAST_DAY, ZERO_DATE, CoverageUse
from ...domain.eligibility import Eligibility
from ...domain.jurisdictions import ALBERTA, SENT
from ...domain.reasons import Reason
from ...store.plain_texts import has_letter, nine_digits, ordinary_day

_MOST_SHARED: Final = 1000  # that are handed to the database one by one

Condition = Callable[[Any, Eligibility], ColumnElement[bool]]


def ask_the_rules(_columns: Any, _rules: Eligibility) -> ColumnElement[bool]:
    """For a reason that SQL cannot rule out: every member is then read, and judged by the rules."""
    return false()


def _not_shared(columns: Any, rules: Eligibility) -> ColumnElement[bool]:
    if not rules.shared_phns:
        return true()
    if len(rules.shared_phns) > _MOST_SHARED:
        return ask_the_rules(columns, rules)
    not_shared: ColumnElement[bool] = columns.phn.not_in(rules.shared_phns)
    return not_shared


# Under which condition on the columns of member_rows.members a reason plainly does not hold. Databases work out a
# column again each time that it is named: each is named once or twice for all of its reasons, cheap ones first.
RULES_OUT: Final[Mapping[tuple[Reason, ...], Condition]] = {
    (Reason.UNKNOWN_PATIENT, Reason.NOT_ACTIVE): lambda columns, rules: columns.status == rules.active_status,
    (Reason.NO_CONFIRMATION,): lambda columns, _: columns.confirmed_on.is_not(None),
    (Reason.NO_GENDER,): lambda columns, _: columns.gender.in_(("F", "M", "X", "U")),
    (Reason.NO_FAMILY_NAME,): lambda columns, _: has_letter(columns.family_name),
    (Reason.NO_GIVEN_NAME,): lambda columns, rules: (
        has_letter(columns.given_name) if rules.given_name_required else true()
    ),
    (Reason.OTHER_JURISDICTION,): lambda columns, _: func.coalesce(columns.phn_jurisdiction, ALBERTA).in_(SENT),
    (Reason.NO_PHN, Reason.MALFORMED_PHN): lambda columns, _: nine_digits(columns.phn),
    (Reason.COVERAGE_ENDED,): lambda columns, rules: (
        func.coalesce(func.nullif(columns.coverage_end, ZERO_DATE), LAST_DAY) >= rules.today.isoformat()
        if rules.coverage.use is CoverageUse.EXCLUDE
        else true()
    ),
    (Reason.SHARED_PHN,): _not_shared,
    # Other days, such as those of centuries long ago, are for the rules.
    (Reason.NO_BIRTH_DATE, Reason.IMPOSSIBLE_BIRTH_DATE): lambda columns, _: ordinary_day(columns.birth_date),
    # A visit is never in the future: who was born before it was not born after today.
    (Reason.NO_VISIT, Reason.VISIT_BEFORE_BIRTH, Reason.IMPOSSIBLE_BIRTH_DATE): lambda columns, _: (
        cast(columns.last_visit_on, String(10)) >= columns.birth_date
    ),
}


_COLUMNS: Final = (
    "status",
    "confirmed_on",
    "gender",
    "family_name",
    "phn_jurisdiction",
    "phn",
    "birth_date",
    "last_visit_on",
)


def columns_named(rules: Eligibility) -> Sequence[str]:
    """All that the conditions above name by these rules: a column that a subquery has is worked out, needed or not."""
    given_name = ["given_name"] if rules.given_name_required else []
    coverage_end = ["coverage_end"] if rules.coverage.use is CoverageUse.EXCLUDE else []
    return [*_COLUMNS, *given_name, *coverage_end]


def require_every_reason(ruled_out: Collection[tuple[Reason, ...]]) -> None:
    """Raise RuntimeError for a reason of the rules that no SQL rules out: pages would count its patients as sent."""
    if missing := [reason for reason in Reason if reason not in chain.from_iterable(ruled_out)]:
        raise RuntimeError(
            f"Reason without SQL: {', '.join(map(repr, missing))}. Add to RULES_OUT in {__name__} the condition under "
            "which it plainly does not hold, or ask_the_rules."
        )


require_every_reason(RULES_OUT)


def certainly_eligible(columns: Any, rules: Eligibility) -> ColumnElement[bool]:
    """Whether SQL alone rules out every reason to exclude a member; NULL or false for all others.

    It may doubt a member who will be submitted, such as one whose family name is written without capital and small
    letters. It is never true of one who will be excluded. `columns` are those of member_rows.members at the moment of
    the rules, at least the ones of `columns_named`.
    """
    return and_(*(condition(columns, rules) for condition in RULES_OUT.values()))
