"""Who is sent and who is left out, held against the guide's list of criteria written out a second time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpar_plugin.domain import cautions
from cpar_plugin.domain.answers import fingerprint
from cpar_plugin.domain.cautions import Caution
from cpar_plugin.domain.confirmation import may_confirm
from cpar_plugin.domain.coverage import CoverageRules, CoverageUse
from cpar_plugin.domain.eligibility import Eligibility
from cpar_plugin.domain.name_faults import is_doubly_encoded
from cpar_plugin.domain.names import full_name, legal_names
from cpar_plugin.domain.reasons import Reason
from cpar_plugin.domain.texts import readable
from cpar_plugin.domain.wording import WORDING, wording_for, wordings
from cpar_plugin.hooks import StatusKind

TODAY = date(2026, 11, 10)
SHARED = "123456780"
OF_ANOTHER = "223456789"


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
    coverage_start: str | None = None
    coverage_end: str | None = None
    last_visit_on: date | None = date(2026, 5, 4)
    confirmed_on: date | None = date(2026, 6, 1)


def one_name(family: str | None, given: str | None = None, middle: str | None = None) -> str:
    """The answer that the card has just these names."""
    return f"given-name-missing={fingerprint(Caution.GIVEN_NAME_MISSING, (family, given, middle))}"


def has_one_name_only(row: Row) -> bool:
    """Whether there is one name, and the answer is about it."""
    names = (row.family_name, row.given_name)
    return sum(map(says_something, names)) == 1 and row.answers == one_name(*names)


RULES = Eligibility(active_status="AC", today=TODAY, shared_phns={SHARED}, phns_of_others={OF_ANOTHER})
STRICT = replace(RULES, given_name_required=True, coverage=CoverageRules(CoverageUse.EXCLUDE))


class Terms:
    active_status = "AC"
    status_labels: Mapping[str, str] = {
        "AC": "Active",
        "DE": "Deceased",
        "MO": "Moved",
        "IN": "Inactive",
        "FI": "Fired",
    }
    status_kinds: Mapping[str, StatusKind] = {
        "AC": StatusKind.ACTIVE,
        "DE": StatusKind.DECEASED,
        "MO": StatusKind.MOVED,
        "IN": StatusKind.INACTIVE,
        "FI": StatusKind.DISCHARGED,
    }
    field_labels: Mapping[str, str] = {
        "phn": "Health Ins. #",
        "status": "Patient Status",
        "phn_jurisdiction": "HC Type",
    }


TERMS = Terms()

rows = st.builds(
    Row,
    known=st.integers(0, 9).map(bool),
    status=st.sampled_from(["AC", "AC", "AC", "IN", "DE", "ac", "", None]),
    family_name=st.sampled_from(["O'Brien", "Ng", "", None]) | st.text(max_size=5),
    given_name=st.sampled_from(["Ann", "", None]),
    answers=st.sampled_from([None, None, one_name("Ng"), one_name(None, "Ann"), one_name("O'Brien")]),
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
    phn_jurisdiction=st.sampled_from(["AB", "AB", None, "unknown", "BC", "US-AK", "OT", ""]),
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
    return any(category(letter) not in unseen and not ignorable(letter) for letter in text or "")


def ignorable(letter: str) -> bool:
    """Unicode's Default_Ignorable_Code_Point that are no format characters, and the blank pattern of Braille."""
    others = (0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180F, 0x2065, 0x2800, 0x3164, 0xFFA0, 0xFFFE, 0xFFFF)
    ranges = (range(0x180B, 0x180E), range(0xFE00, 0xFE10), range(0xFFF0, 0xFFF9), range(0xE0000, 0xE1000))
    return ord(letter) in others or any(ord(letter) in some for some in ranges)


def meets_every_criterion(row: Row) -> bool:
    """The guide's list of valid patients, and the design's additions to it."""
    phn_is_good = (
        row.phn is not None
        and len(row.phn) == 9
        and set(row.phn) <= set("0123456789")
        and row.phn != SHARED
        and row.phn_jurisdiction in {"AB", "unknown", None}
    )
    birth = born(row)
    return bool(
        row.known
        and row.status == "AC"
        and birth is not None
        and birth <= TODAY
        and (says_something(row.family_name) or has_one_name_only(row))
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
def test_no_member_is_lost_between_those_sent_and_those_excluded(panel: list[Row]) -> None:
    sent = [row for row in panel if not RULES.reasons(row)]
    excluded = [row for row in panel if any(reason in Reason for reason in RULES.reasons(row))]
    assert len(sent) + len(excluded) == len(panel)


@given(rows, st.booleans())
def test_reasons_are_reported_once_each_and_in_their_order(row: Row, strict: bool) -> None:
    reasons = (STRICT if strict else RULES).reasons(row)
    assert list(reasons) == [reason for reason in Reason if reason in reasons]


@given(rows)
def test_requiring_the_given_name_adds_that_reason_and_changes_no_other(row: Row) -> None:
    without = [reason for reason in STRICT.reasons(row) if reason is not Reason.NO_GIVEN_NAME]
    assert without == list(RULES.reasons(row))
    expected = row.known and not row.given_name and not has_one_name_only(row)
    assert (Reason.NO_GIVEN_NAME in STRICT.reasons(row)) == expected


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
        Row(birth_date="0001-01-01"),
    ),
    Reason.NO_GENDER: (Row(gender=None), Row(gender="")),
    Reason.NO_PHN: (Row(phn=None), Row(phn=""), Row(phn=None, phn_jurisdiction="BC")),
    Reason.OTHER_JURISDICTION: (
        Row(phn_jurisdiction="BC"),
        Row(phn="9876543210", phn_jurisdiction="ON"),
        Row(phn_jurisdiction="US-AK"),
        Row(phn_jurisdiction="OT", phn=SHARED),
    ),
    Reason.MALFORMED_PHN: (
        Row(phn="12346678"),
        Row(phn="1234667890"),
        Row(phn="１２３４６６７８９"),
        Row(phn="1234", phn_jurisdiction="unknown"),
    ),
    Reason.COVERAGE_ENDED: (
        Row(coverage_end="2026-11-09"),
        Row(coverage_start="2020-01-01", coverage_end="2020-01-01"),
    ),
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
        lambda row: replace(row, phn_jurisdiction="unknown"),
        lambda row: replace(row, family_name="Sukarno", given_name=None, answers=one_name("Sukarno")),
        lambda row: replace(row, family_name=None, given_name="Sukarno", answers=one_name(None, "Sukarno")),
        lambda row: replace(row, birth_date="1899-12-31", last_visit_on=TODAY),
        lambda row: replace(row, phn="123456789"),
        lambda row: replace(row, gender="U"),
        lambda row: replace(row, confirmed_on=TODAY - timedelta(days=4000)),
    ],
    ids=[
        "newborn seen today",
        "seen on the day of birth",
        "no card types",
        "unknown card type",
        "one name as family name",
        "one name as given name",
        "born long ago",
        "doubtful PHN",
        "gender unknown",
        "long ago",
    ],
)
def test_what_is_unusual_but_valid_is_sent(change: Callable[[Row], Row]) -> None:
    assert STRICT.reasons(change(Row())) == ()


def test_a_birth_in_the_future_is_impossible() -> None:
    assert Reason.IMPOSSIBLE_BIRTH_DATE in RULES.reasons(Row(birth_date="2026-11-11"))
    assert Reason.IMPOSSIBLE_BIRTH_DATE not in RULES.reasons(Row(birth_date="2026-11-10"))


def test_every_fault_of_a_patient_is_reported_not_only_the_first() -> None:
    row = Row(status="IN", family_name="", birth_date="", gender="", phn="", last_visit_on=None, confirmed_on=None)
    assert len(RULES.reasons(row)) == 7


@pytest.mark.parametrize(
    ("row", "cautions"),
    [
        (Row(), ()),
        (Row(given_name=None), (Caution.GIVEN_NAME_MISSING,)),
        (Row(given_name=None, answers=one_name("Tremblay")), ()),
        (Row(family_name=None, given_name="Sukarno", answers=one_name(None, "Sukarno")), ()),
        (Row(gender="U"), (Caution.GENDER_UNKNOWN,)),
        (Row(gender="u"), (Caution.GENDER_UNKNOWN,)),
        (Row(gender="N"), (Caution.GENDER_UNKNOWN,)),
        (Row(gender="9"), (Caution.GENDER_UNKNOWN,)),
        (Row(gender="f"), ()),
        (Row(gender="T"), ()),
        (Row(phn_jurisdiction="unknown"), (Caution.CARD_TYPE_UNKNOWN,)),
        (Row(phn_jurisdiction=None), ()),
        (Row(phn="123456789", phn_jurisdiction="unknown"), (Caution.CARD_TYPE_UNKNOWN, Caution.DOUBTFUL_PHN)),
        (Row(phn="999999999"), (Caution.REPEATED_DIGIT,)),
        (Row(phn="000000000"), (Caution.REPEATED_DIGIT,)),
        (Row(birth_date="1899-12-31"), (Caution.BORN_LONG_AGO,)),
        (Row(birth_date="1906-11-09"), (Caution.BORN_LONG_AGO,)),
        (Row(birth_date="1906-11-10"), ()),
        (Row(birth_date="1904-02-29"), (Caution.BORN_LONG_AGO,)),
        (Row(family_name="NULL"), (Caution.PROGRAM_WORD,)),
        (Row(given_name="(none)"), (Caution.PROGRAM_WORD,)),
        (Row(given_name="N/A"), (Caution.PROGRAM_WORD,)),
        (Row(given_name="Undefined"), (Caution.PROGRAM_WORD,)),
        (Row(family_name="Nullmeyer", given_name="Nona"), ()),
        (Row(middle_names="null"), ()),
        (Row(preferred_name="none"), ()),
        (Row(family_name="O&#39;Brien"), (Caution.HTML_ENTITY,)),
        (Row(family_name="Smith &amp; Ng"), (Caution.HTML_ENTITY,)),
        (Row(given_name="Zo&eacute;"), (Caution.HTML_ENTITY,)),
        (Row(family_name="Smith & Ng; Co"), ()),
        (Row(family_name="O\\'Brien"), (Caution.BACKSLASH,)),
        (Row(middle_names="D\\\\'Arcy"), (Caution.BACKSLASH,)),
        (Row(family_name="O'Brien", given_name="D\u2019Arcy"), ()),
        (Row(given_name="RenÃ©e"), (Caution.DOUBLED_ENCODING,)),
        (Row(family_name="Oâ€™Brien"), (Caution.DOUBLED_ENCODING,)),
        (Row(given_name="AndrÃ"), (Caution.DOUBLED_ENCODING,)),
        (Row(given_name="Ren??"), (Caution.LOST_LETTERS,)),
        (Row(given_name="Ren\ufffd"), (Caution.LOST_LETTERS,)),
        (Row(given_name="Ren?"), ()),
        (Row(family_name="CÔTÉ-MAGALHÃES", given_name="João Ângelo"), ()),
        (Row(phn=OF_ANOTHER), (Caution.PHN_OF_ANOTHER,)),
        (Row(phn="123456789"), (Caution.DOUBTFUL_PHN,)),
        (Row(preferred_name="Zo"), (Caution.PREFERRED_NAME,)),
        (Row(preferred_name="Zoé"), ()),
    ],
)
def test_what_is_doubtful_is_reported_and_sent_all_the_same(row: Row, cautions: tuple[Caution, ...]) -> None:
    assert RULES.cautions(row) == cautions
    assert RULES.reasons(row) == ()


@given(rows)
def test_cautions_never_stop_at_any_row(row: Row) -> None:
    assert set(RULES.cautions(row)) <= set(Caution)


UNSEEN = "The field contains an invisible character"


@pytest.mark.parametrize("code", [*Reason, *Caution])
def test_every_reason_and_caution_says_what_it_is_and_what_to_do(code: Reason | Caution) -> None:
    wording = wording_for(TERMS, Row(), code)
    assert wording.label
    if code is not Reason.NOT_ACTIVE:
        assert wording.label == WORDING[code].label
        assert wording.remedy.startswith(WORDING[code].remedy)
    assert not wording.label.endswith(".")
    assert wording.remedy.endswith(".")


@pytest.mark.parametrize(
    ("status", "label", "begins"),
    [
        ("DE", "Patient is not active (Deceased)", "Remove the patient from the panel. If the status is wrong"),
        ("MO", "Patient is not active (Moved)", "Remove the patient from the panel if the patient has left"),
        ("IN", "Patient is not active (Inactive)", "Set the status to Active if the patient attends the clinic again"),
        ("FI", "Patient is not active (Fired)", "Remove the patient from the panel. Set the status to Active only if"),
        ("LTC", "Patient is not active (LTC)", "Only patients with the status Active are submitted."),
        (None, "Patient has no status", "Set the status to Active if the patient attends the clinic;"),
        ("\u200b", "Patient is not active (unreadable status)", UNSEEN),
    ],
)
def test_the_advice_is_that_for_the_status(status: str | None, label: str, begins: str) -> None:
    wording = wording_for(TERMS, Row(status=status), Reason.NOT_ACTIVE)
    assert wording.label == label
    assert wording.remedy.startswith(begins)
    assert wording.remedy.endswith("EMR field: Patient Status.")
    assert "remove the patient from the panel" in wording.remedy.lower()


def test_no_one_is_advised_to_confirm_the_deceased_or_to_make_them_active() -> None:
    row = Row(status="DE", confirmed_on=None)
    for reason in RULES.reasons(row):
        advice = wording_for(TERMS, row, reason).remedy
        assert "Confirm" not in advice
        assert "Active" not in advice
    assert not may_confirm(None, TODAY, StatusKind.DECEASED)
    assert may_confirm(None, TODAY, StatusKind.INACTIVE)


def test_a_reason_names_the_field_of_the_emr_once() -> None:
    general = wordings(TERMS)
    assert general[Reason.NO_PHN].remedy == "Enter the patient's PHN. EMR field: Health Ins. #."
    assert general[Reason.OTHER_JURISDICTION].remedy.count("HC Type") == 1
    assert general[Reason.NO_GENDER].remedy == "Enter the patient's gender."
    assert wording_for(TERMS, Row(phn="1"), Reason.MALFORMED_PHN).remedy.endswith("EMR field: Health Ins. #.")


def test_all_reason_codes_of_one_patient_fit_the_column_that_keeps_them() -> None:
    assert len(" ".join(Reason)) <= 250


def test_a_phn_is_not_shared_next_to_another_reason() -> None:
    """Whoever is left out for another reason does not keep anybody else from being sent."""
    for reason, faulty in ONE_FAULT.items():
        for row in faulty:
            if reason not in (Reason.SHARED_PHN, Reason.NO_PHN, Reason.MALFORMED_PHN):
                assert STRICT.reasons(replace(row, phn=SHARED)) == (reason,)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (Row(family_name="\u200b"), Reason.NO_FAMILY_NAME),
        (Row(given_name="\u00a0"), Reason.NO_GIVEN_NAME),
        (Row(given_name="\u202e"), Caution.GIVEN_NAME_MISSING),
        (Row(gender="\u200e"), Reason.NO_GENDER),
        (Row(gender="F\u200b"), None),
        (Row(status="AC\u200b"), Reason.NOT_ACTIVE),
        (Row(birth_date="1980-02-2\u200b"), Reason.IMPOSSIBLE_BIRTH_DATE),
        (Row(phn="123466789\u200b"), Reason.MALFORMED_PHN),
    ],
)
def test_a_reason_or_caution_about_what_cannot_be_seen_says_so(row: Row, code: Reason | Caution | None) -> None:
    if code is None:
        assert RULES.reasons(row) == RULES.cautions(row) == ()
    else:
        result = RULES.cautions(row) if isinstance(code, Caution) else STRICT.reasons(row)
        assert result == (code,)
        assert wording_for(TERMS, row, code).remedy.startswith(UNSEEN)


def test_a_caution_is_about_the_values_that_are_doubtful_and_no_others() -> None:
    odd = Row(family_name="Null", given_name="Ren??", middle_names="null", phn="000000000")
    assert cautions.values(Caution.PROGRAM_WORD, odd) == ("Null",)
    assert cautions.values(Caution.PROGRAM_WORD, replace(odd, given_name="Ann")) == ("Null",)
    assert cautions.values(Caution.LOST_LETTERS, odd) == ("Ren??",)
    assert cautions.values(Caution.REPEATED_DIGIT, odd) == ("000000000",)


@pytest.mark.parametrize("caution", Caution)
def test_every_caution_names_a_value(caution: Caution) -> None:
    damaged = Row(
        family_name="O\\'Brien &amp; ?? AndrÃ©", given_name="null", preferred_name="Nic", coverage_end="2026-02-30"
    )
    assert any(cautions.values(caution, damaged))


@pytest.mark.parametrize(
    ("held", "code"),
    [
        (("Sukarno", None, None), ("Sukarno", None, None)),
        ((None, "Sukarno", None), ("Sukarno", None, None)),
        (("\u200b", " Sukarno ", "null"), ("Sukarno", None, None)),
        (("Ng", "Ann", "undefined"), ("Ng", "Ann", None)),
        (("Null", "None", "Nona"), ("Null", "None", "Nona")),
    ],
)
def test_one_name_is_the_family_name_and_words_of_programs_are_no_middle_name(
    held: tuple[str | None, ...], code: tuple[str | None, ...]
) -> None:
    family, given, middle = held
    row = Row(family_name=family, given_name=given, middle_names=middle, answers=one_name(*held))
    assert legal_names(row) == code
    assert full_name(*code[:2]) == ", ".join(filter(None, code[:2]))


ACCENTS = "ÀÂÇÉÈÊËÎÏÔÛÙÜàâçéèêëîïôûùüÿñóúíšž"


@given(st.text(ACCENTS, min_size=1, max_size=4), st.sampled_from(["cp1252", "latin-1"]))
def test_accents_that_were_encoded_twice_are_noticed(accents: str, charset: str) -> None:
    damaged = f"Ma{accents}re".encode().decode(charset, "replace")
    assert is_doubly_encoded(readable(damaged) or "")


@given(st.text(st.characters(min_codepoint=0x41, max_codepoint=0x17F, categories=("L",), exclude_characters="ÂÃªºµ")))
def test_accents_that_are_right_are_not_taken_for_damage(name: str) -> None:
    assert not is_doubly_encoded(name)
