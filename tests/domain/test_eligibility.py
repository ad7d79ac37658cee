"""Who is sent and who is left out, held against the guide's list of criteria written out a second time."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpar_plugin.domain.cautions import Caution
from cpar_plugin.domain.eligibility import Eligibility
from cpar_plugin.domain.reasons import Reason
from cpar_plugin.domain.wording import WORDING

TODAY = date(2026, 11, 10)
SHARED = "123456780"


@dataclass(frozen=True)
class Row:
    known: bool = True
    status: str | None = "AC"
    family_name: str | None = "Tremblay"
    given_name: str | None = "Zoé"
    answers: str | None = None
    middle_names: str | None = None
    preferred_name: str | None = None
    birth_date: str | None = "1980-02-29"
    gender: str | None = "F"
    phn: str | None = "123466789"
    phn_jurisdiction: str | None = "AB"
    last_visit_on: date | None = date(2026, 5, 4)
    confirmed_on: date | None = date(2026, 6, 1)


RULES = Eligibility(active_status="AC", today=TODAY, shared_phns={SHARED})
STRICT = replace(RULES, given_name_required=True)

rows = st.builds(
    Row,
    known=st.integers(0, 9).map(bool),
    status=st.sampled_from(["AC", "AC", "AC", "IN", "DE", "ac", "", None]),
    family_name=st.sampled_from(["O'Brien", "Ng", "", None]) | st.text(max_size=5),
    given_name=st.sampled_from(["Ann", "", None]),
    preferred_name=st.sampled_from([None, "", "Ann", "Annie"]),
    birth_date=st.sampled_from(
        [
            "1980-01-01",
            "2026-11-10",
            "2026-11-11",
            "1990-02-30",
            "1990-00-01",
            "0000-00-00",
            "19900101",
            "1990-1-1",
            "",
            None,
        ]
    )
    | st.dates(date(1890, 1, 1), date(2030, 1, 1)).map(date.isoformat),
    gender=st.sampled_from(["M", "F", "X", "U", "", "\x1f", None]),
    phn=st.sampled_from(["123466789", SHARED, "12345678", "1234567890", "12345678x", "１２３４５６７８９", "", None]),
    phn_jurisdiction=st.sampled_from(["AB", "AB", None, "BC", "OT", ""]),
    last_visit_on=st.none() | st.dates(date(1900, 1, 1), TODAY),
    confirmed_on=st.none() | st.dates(date(2020, 1, 1), TODAY),
)


def born(row: Row) -> date | None:
    parts = (row.birth_date or "").split("-")
    if [len(part) for part in parts] != [4, 2, 2]:
        return None
    try:
        return date(*map(int, parts))
    except ValueError:
        return None


def says_something(text: str | None) -> bool:
    unseen = {"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"}
    return any(category(letter) not in unseen and ord(letter) not in (0xFFFE, 0xFFFF) for letter in text or "")


def meets_every_criterion(row: Row) -> bool:
    """The guide's list of valid patients, and the design's additions to it."""
    phn_is_good = (
        row.phn is not None
        and len(row.phn) == 9
        and set(row.phn) <= set("0123456789")
        and row.phn != SHARED
        and row.phn_jurisdiction in {"AB", None}
    )
    birth = born(row)
    return bool(
        row.known
        and row.status == "AC"
        and birth is not None
        and birth <= TODAY
        and says_something(row.family_name)
        and says_something(row.gender)
        and phn_is_good
        and row.last_visit_on is not None
        and row.last_visit_on >= birth
        and row.confirmed_on is not None
    )


@given(rows)
def test_a_member_is_sent_exactly_when_every_criterion_of_the_guide_is_met(row: Row) -> None:
    assert (RULES.reasons(row) == ()) == meets_every_criterion(row)


@given(st.lists(rows, max_size=30))
def test_no_member_is_lost_between_those_sent_and_those_left_out(panel: list[Row]) -> None:
    sent = [row for row in panel if not RULES.reasons(row)]
    left_out = [row for row in panel if any(reason in Reason for reason in RULES.reasons(row))]
    assert len(sent) + len(left_out) == len(panel)


@given(rows, st.booleans())
def test_reasons_are_told_once_each_and_in_their_order(row: Row, strict: bool) -> None:
    reasons = (STRICT if strict else RULES).reasons(row)
    assert list(reasons) == [reason for reason in Reason if reason in reasons]


@given(rows)
def test_requiring_the_given_name_adds_that_reason_and_changes_no_other(row: Row) -> None:
    without = [reason for reason in STRICT.reasons(row) if reason is not Reason.NO_GIVEN_NAME]
    assert without == list(RULES.reasons(row))
    assert (Reason.NO_GIVEN_NAME in STRICT.reasons(row)) == (row.known and not row.given_name)


ONE_FAULT: dict[Reason, tuple[Row, ...]] = {
    Reason.UNKNOWN_PATIENT: (Row(known=False), Row(known=False, status=None, family_name=None, phn=None)),
    Reason.NOT_ACTIVE: (Row(status="IN"), Row(status="DE"), Row(status=None), Row(status="ac")),
    Reason.NO_FAMILY_NAME: (Row(family_name=None), Row(family_name=""), Row(family_name=" \x00\u200b")),
    Reason.NO_GIVEN_NAME: (Row(given_name=None), Row(given_name="")),
    Reason.NO_BIRTH_DATE: (Row(birth_date=None), Row(birth_date="")),
    Reason.IMPOSSIBLE_BIRTH_DATE: (
        Row(birth_date="1981-02-29"),
        Row(birth_date="0000-00-00"),
        Row(birth_date="19800229"),
        Row(birth_date="1980-W09-5"),
    ),
    Reason.NO_GENDER: (Row(gender=None), Row(gender="")),
    Reason.NO_PHN: (Row(phn=None), Row(phn=""), Row(phn=None, phn_jurisdiction="BC")),
    Reason.OTHER_PROVINCE: (Row(phn_jurisdiction="BC"), Row(phn="9876543210", phn_jurisdiction="ON")),
    Reason.MALFORMED_PHN: (Row(phn="12346678"), Row(phn="1234667890"), Row(phn="１２３４６６７８９")),
    Reason.SHARED_PHN: (Row(phn=SHARED),),
    Reason.NO_VISIT: (Row(last_visit_on=None),),
    Reason.VISIT_BEFORE_BIRTH: (Row(last_visit_on=date(1980, 2, 28)),),
    Reason.NO_CONFIRMATION: (Row(confirmed_on=None),),
}


@pytest.mark.parametrize("reason", Reason)
def test_one_fault_gives_one_named_reason(reason: Reason) -> None:
    for row in ONE_FAULT[reason]:
        assert STRICT.reasons(row) == (reason,)


@pytest.mark.parametrize(
    "change",
    [
        lambda row: replace(row, birth_date=TODAY.isoformat(), last_visit_on=TODAY),
        lambda row: replace(row, last_visit_on=date(1980, 2, 29)),
        lambda row: replace(row, phn_jurisdiction=None),
        lambda row: replace(row, phn="123456789"),
        lambda row: replace(row, gender="U"),
        lambda row: replace(row, confirmed_on=TODAY - timedelta(days=4000)),
    ],
    ids=["newborn seen today", "seen on the day of birth", "no province", "doubtful PHN", "gender unknown", "long ago"],
)
def test_what_is_unusual_but_valid_is_sent(change: Callable[[Row], Row]) -> None:
    assert STRICT.reasons(change(Row())) == ()


def test_a_birth_in_the_future_is_impossible() -> None:
    assert Reason.IMPOSSIBLE_BIRTH_DATE in RULES.reasons(Row(birth_date="2026-11-11"))
    assert Reason.IMPOSSIBLE_BIRTH_DATE not in RULES.reasons(Row(birth_date="2026-11-10"))


def test_every_fault_of_a_patient_is_told_not_only_the_first() -> None:
    row = Row(status="IN", family_name="", birth_date="", gender="", phn="", last_visit_on=None, confirmed_on=None)
    assert len(RULES.reasons(row)) == 7


@pytest.mark.parametrize(
    ("row", "cautions"),
    [
        (Row(), ()),
        (Row(given_name=None), (Caution.GIVEN_NAME_MISSING,)),
        (Row(gender="U"), (Caution.GENDER_UNKNOWN,)),
        (Row(phn="123456789"), (Caution.DOUBTFUL_PHN,)),
        (Row(preferred_name="Zo"), (Caution.PREFERRED_NAME,)),
        (Row(preferred_name="Zoé"), ()),
    ],
)
def test_what_is_doubtful_is_told_and_sent_all_the_same(row: Row, cautions: tuple[Caution, ...]) -> None:
    assert RULES.cautions(row) == cautions
    assert RULES.reasons(row) == ()


@given(rows)
def test_cautions_never_stop_at_any_row(row: Row) -> None:
    assert set(RULES.cautions(row)) <= set(Caution)


@pytest.mark.parametrize("told", [*Reason, *Caution])
def test_every_reason_and_caution_says_what_it_is_and_what_to_do(told: Reason | Caution) -> None:
    wording = WORDING[told]
    assert wording.label
    assert not wording.label.endswith(".")
    assert wording.mend.endswith(".")


def test_all_reason_codes_of_one_patient_fit_the_column_that_keeps_them() -> None:
    assert len(" ".join(Reason)) <= 250
