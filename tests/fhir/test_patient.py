from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpar_plugin.domain.answers import fingerprint
from cpar_plugin.domain.cautions import Caution
from cpar_plugin.domain.gender import Gender
from cpar_plugin.fhir_mappings.bundle import entry, patient_entries, urns
from cpar_plugin.fhir_mappings.identifiers import IdentifierType, relative
from cpar_plugin.fhir_mappings.patient import Statuses, as_text, patient_texts, retired_patient
from cpar_plugin.settings import Settings

Check = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Row:
    patient_id: int = 17
    phn: str | None = "123466789"
    phn_jurisdiction: str | None = "AB"
    family_name: str | None = "Lefèvre-O'Brien"
    given_name: str | None = "Zoë"
    answers: str | None = None
    middle_names: str | None = None
    preferred_name: str | None = None
    birth_date: str | None = "1980-02-29"
    gender: str | None = "F"
    status: str | None = "AC"


texts = st.none() | st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=30)
rows = st.builds(
    Row,
    patient_id=st.integers(1, 2**63 - 1),
    phn=texts | st.from_regex(r"[0-9]{8,10}", fullmatch=True),
    phn_jurisdiction=st.sampled_from(["AB", None, "unknown", "BC", "ON", "QC", "OT", "US-AK"]) | texts,
    family_name=texts,
    given_name=texts,
    middle_names=texts,
    preferred_name=texts,
    birth_date=texts | st.dates().map(str) | st.sampled_from(["1990-02-30", "0000-00-00", "1990-1-1", "19900101"]),
    gender=texts | st.sampled_from("MFXOTU"),
    status=texts | st.sampled_from(["AC", "DE"]),
)
STATUSES = Statuses("AC", frozenset({"DE"}))
ROLES = [{"reference": "PractitionerRole/101-000113"}]


def read_back(text: bytes) -> dict[str, Any]:
    resource: dict[str, Any] = orjson.loads(text)
    return resource


def mapped(row: Row, roles: list[dict[str, str]] = ROLES) -> dict[str, Any]:
    return read_back(patient_texts(Settings(), relative, statuses=STATUSES)(row, as_text(roles)))


@given(row=rows, roles=st.sampled_from([[], ROLES]))
def test_whatever_the_database_holds_becomes_valid_r4(row: Row, roles: list[dict[str, str]], check_r4: Check) -> None:
    patient = mapped(row, roles)
    check_r4(patient)
    assert patient["gender"] in set(Gender)
    assert {result["type"]["coding"][0]["code"] for result in patient["identifier"]} <= set(IdentifierType)
    assert {name["use"] for name in patient.get("name", [])} <= {"official", "usual"}


@given(retired=st.integers(1, 2**63 - 1), kept=st.integers(1, 2**63 - 1))
def test_a_record_merged_away_says_only_which_one_is_kept(retired: int, kept: int, check_r4: Check) -> None:
    patient = retired_patient(retired, kept, Settings(), relative)
    check_r4(patient)
    assert (patient["id"], patient["active"]) == (str(retired), False)
    assert patient["link"] == [{"other": {"reference": f"Patient/{kept}"}, "type": "replaced-by"}]
    assert not patient.keys() & {"name", "birthDate", "gender", "extension"}


@given(row=rows, roles=st.sampled_from([[], ROLES]))
def test_an_entry_of_a_submission_is_the_patient_that_is_read(row: Row, roles: list[dict[str, str]]) -> None:
    refer = urns("site")
    patient = read_back(patient_texts(Settings(), refer, statuses=STATUSES)(row, as_text(roles)))
    full_url, sent = patient_entries(Settings(), refer, statuses=STATUSES)(row, as_text(roles))
    assert orjson.loads(sent) == entry(patient, refer)
    assert full_url == orjson.loads(sent)["fullUrl"]


@given(rows)
def test_the_same_row_becomes_the_same_patient(row: Row) -> None:
    assert mapped(row) == mapped(replace(row))


@given(rows)
def test_what_ca_baseline_asks_of_a_patient_is_there(row: Row) -> None:
    patient = mapped(row)
    assert patient["meta"]["profile"] == ["http://hl7.org/fhir/ca/baseline/StructureDefinition/profile-patient"]
    assert all(result["type"] and result["system"] and result["value"] for result in patient["identifier"])
    assert all(name.get("family") or name.get("given") for name in patient.get("name", []))


def test_an_ordinary_patient_is_all_there() -> None:
    assert mapped(Row(middle_names="Anne Marie", preferred_name="Zo")) == {
        "resourceType": "Patient",
        "id": "17",
        "meta": {"profile": ["http://hl7.org/fhir/ca/baseline/StructureDefinition/profile-patient"]},
        "extension": [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/individual-recordedSexOrGender",
                "extension": [
                    {
                        "url": "value",
                        "valueCodeableConcept": {
                            "coding": [{"system": "https://cpar.invalid/CodeSystem/emr-gender", "code": "F"}]
                        },
                    }
                ],
            }
        ],
        "identifier": [
            {
                "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "JHN"}]},
                "system": "https://fhir.infoway-inforoute.ca/NamingSystem/ca-ab-patient-healthcare-id",
                "value": "123466789",
            },
            {
                "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]},
                "system": "https://cpar.invalid/NamingSystem/patient-record",
                "value": "17",
            },
        ],
        "active": True,
        "name": [
            {"use": "official", "family": "Lefèvre-O'Brien", "given": ["Zoë", "Anne Marie"]},
            {"use": "usual", "given": ["Zo"]},
        ],
        "gender": "female",
        "birthDate": "1980-02-29",
        "generalPractitioner": ROLES,
        "managingOrganization": {"reference": "Organization/clinic"},
    }


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("M", "male"),
        ("F", "female"),
        ("X", "other"),
        ("O", "other"),
        ("T", "other"),
        ("U", "unknown"),
        ("m", "male"),
        ("?", "unknown"),
        (None, "unknown"),
    ],
)
def test_each_letter_for_the_gender_has_its_code(code: str | None, expected: str) -> None:
    assert mapped(Row(gender=code))["gender"] == expected


@pytest.mark.parametrize(
    ("number", "jurisdiction", "system"),
    [
        ("123466789", "AB", "ca-ab-patient-healthcare-id"),
        ("123466789", None, "ca-ab-patient-healthcare-id"),
        ("123466789", "unknown", "ca-ab-patient-healthcare-id"),
        ("9876543210", "BC", "ca-bc-patient-healthcare-id"),
        ("1234567890", "ON", "ca-on-patient-hcn"),
        ("TREM12345678", "QC", "ca-qc-patient-healthcare-id"),
    ],
)
def test_a_health_number_has_the_system_of_its_province(number: str, jurisdiction: str, system: str) -> None:
    card, _ = mapped(Row(phn=number, phn_jurisdiction=jurisdiction))["identifier"]
    assert (card["system"], card["value"]) == (f"https://fhir.infoway-inforoute.ca/NamingSystem/{system}", number)


@pytest.mark.parametrize(
    ("number", "jurisdiction"),
    [
        ("12346678", "AB"),
        (None, "AB"),
        ("１２３４６６７８９", "AB"),
        ("123466789", "OT"),
        ("\x00", "BC"),
        ("1", ""),
        ("123466789", "US-AK"),
        ("12346678", "unknown"),
        ("null", "unknown"),
    ],
)
def test_what_is_no_health_number_of_a_known_province_is_not_called_one(number: str, jurisdiction: str) -> None:
    (record,) = mapped(Row(phn=number, phn_jurisdiction=jurisdiction))["identifier"]
    assert record["type"]["coding"][0]["code"] == "MR"


def _one_name(*names: str | None) -> str:
    return f"given-name-missing={fingerprint(Caution.GIVEN_NAME_MISSING, names)}"


@pytest.mark.parametrize(("family", "given"), [("Sukarno", None), (None, "Sukarno"), ("\u200b", "Sukarno")])
def test_someone_with_one_name_only_has_it_as_family_name(family: str | None, given: str | None) -> None:
    row = Row(family_name=family, given_name=given, middle_names="null", answers=_one_name(family, given, "null"))
    assert mapped(row)["name"] == [{"use": "official", "family": "Sukarno"}]


@pytest.mark.parametrize("word", ["null", "None", "N/A", "undefined", "(null)"])
def test_words_of_programs_are_sent_as_no_middle_name_and_no_preferred_one(word: str) -> None:
    names = mapped(Row(middle_names=word, preferred_name=word))["name"]
    assert names == [{"use": "official", "family": "Lefèvre-O'Brien", "given": ["Zoë"]}]


def test_names_are_sent_without_what_cannot_be_seen() -> None:
    row = Row(
        family_name="\u202eO\u200bBrien",
        given_name="Mary\tAnn",
        middle_names="Jo\u00a0\ufeff",
        preferred_name="\u2066Zo\u2069",
    )
    official, usual = mapped(row)["name"]
    assert (official["family"], official["given"], usual["given"]) == ("OBrien", ["Mary Ann", "Jo"], ["Zo"])


@pytest.mark.parametrize(
    ("code", "sent"), [("f", "female"), ("m", "male"), ("x", "other"), ("u", "unknown"), ("Q", "unknown")]
)
def test_a_gender_in_lower_case_is_the_same(code: str, sent: str) -> None:
    result = mapped(Row(gender=code))
    assert result["gender"] == sent
    assert result == mapped(Row(gender=code.upper()))


def test_a_deceased_patient_is_said_to_be_and_no_one_is_said_not_to_be() -> None:
    assert [mapped(Row(status=status)).get("deceasedBoolean") for status in ("DE", "AC", "IN", "de", None)] == [
        True,
        *[None] * 4,
    ]


def test_only_an_active_patient_is_active() -> None:
    assert [mapped(Row(status=status))["active"] for status in ("AC", "IN", "ac", None)] == [True, False, False, False]


def test_the_ministrys_systems_are_settings() -> None:
    moved = Settings(uri_phn="urn:test:phn", uri_patient_record="urn:test:record", uri_codes="urn:test")
    patient = read_back(patient_texts(moved, relative, statuses=STATUSES)(Row(), "[]"))
    assert [result["system"] for result in patient["identifier"]] == ["urn:test:phn", "urn:test:record"]
    assert "cpar.invalid" not in str(patient)
