"""What was told of a patient, read back from what was sent."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from cpar_plugin.domain.confirmation import ConfirmedHow
from cpar_plugin.domain.name_faults import unless_program_word
from cpar_plugin.domain.texts import readable
from cpar_plugin.fhir_mappings.bundle import patient_entries, urns
from cpar_plugin.fhir_mappings.panel_group import ChangeType, member_texts
from cpar_plugin.fhir_mappings.patient import Statuses
from cpar_plugin.fhir_mappings.sent_patient import SentPatient, sent_patient
from cpar_plugin.settings import Settings

STATUSES = Statuses("AC", frozenset())
SINCE = datetime(2026, 3, 1, 16, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    patient_id: int = 17
    phn: str | None = "123466789"
    phn_jurisdiction: str | None = "AB"
    family_name: str | None = "Lefèvre-O'Brien"
    given_name: str | None = "Zoë"
    answers: str | None = None
    middle_names: str | None = "Ann Marie"
    preferred_name: str | None = "Zo"
    birth_date: str | None = "1980-02-29"
    gender: str | None = "F"
    status: str | None = "AC"
    since: datetime = SINCE
    confirmed_on: date | None = date(2026, 5, 4)
    confirmed_how: str | None = ConfirmedHow.BY_PERSON.value
    last_visit_on: date | None = date(2026, 4, 1)


def read_back(row: Row, settings: Settings | None = None) -> SentPatient:
    """Send a row and read it back, as the stored lines are."""
    settings, refer = settings or Settings(), urns("site")
    full_url, sent = patient_entries(settings, refer, statuses=STATUSES)(row, "[]")
    return sent_patient(sent, member_texts(settings)(row, full_url, ChangeType.CHANGED).encode())


def test_everything_that_was_reported_is_read_back() -> None:
    assert read_back(Row()) == SentPatient(
        patient_id=17,
        family_name="Lefèvre-O'Brien",
        given_names="Zoë Ann Marie",
        preferred_name="Zo",
        phn="123466789",
        birth_date="1980-02-29",
        gender="female",
        since=SINCE,
        confirmed_on=date(2026, 5, 4),
        confirmed_how="confirmed by a person",
        last_visit_on=date(2026, 4, 1),
    )


def test_what_was_sent_under_other_addresses_is_read_back_too() -> None:
    others = Settings(uri_phn="urn:a", uri_patient_record="urn:b", uri_definitions="urn:c")
    assert read_back(Row(), others) == read_back(Row())


def test_differences_name_each_field_with_what_it_was_and_is() -> None:
    before = read_back(Row())
    after = read_back(replace(Row(), family_name="Wren", last_visit_on=None))
    assert after.differences(before) == [
        ("family_name", "Lefèvre-O'Brien", "Wren"),
        ("last_visit_on", date(2026, 4, 1), None),
    ]
    assert before.differences(before) == []


texts = st.none() | st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=30)


@given(
    st.builds(
        Row,
        patient_id=st.integers(1, 2**63 - 1),
        phn=st.none() | st.from_regex(r"[0-9]{9}", fullmatch=True),
        family_name=texts,
        given_name=texts,
        middle_names=texts,
        preferred_name=texts,
        birth_date=st.dates(date(1900, 1, 1)).map(str),
        gender=texts | st.sampled_from("MFXOTU"),
        confirmed_on=st.none() | st.dates(),
        confirmed_how=st.none() | st.sampled_from([how.value for how in ConfirmedHow]),
        last_visit_on=st.none() | st.dates(),
    )
)
def test_a_patient_who_was_sent_is_read_back(row: Row) -> None:
    result = read_back(row)
    assert (result.patient_id, result.phn, result.birth_date) == (row.patient_id, row.phn or "", row.birth_date)
    assert result.family_name == (readable(row.family_name) or "")
    assert result.given_names == " ".join(
        filter(None, (readable(row.given_name), unless_program_word(row.middle_names)))
    )
    assert result.preferred_name == (unless_program_word(row.preferred_name) or "")
    assert (result.confirmed_on, result.last_visit_on) == (row.confirmed_on, row.last_visit_on)
    assert result.confirmed_how == (row.confirmed_how or "")
