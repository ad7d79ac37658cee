"""Searching by what a resource refers to, by what refers to it, and by what it is not."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cpar_plugin.hooks import Actor
from cpar_plugin.services.fhir.search.table import SEARCHABLE
from cpar_plugin.services.panels import one_patient
from cpar_plugin.settings import Settings
from cpar_plugin.store.folding import folded_text
from cpar_plugin.store.sounding import sound_of
from oscar_host.host import OscarHost

from ..examples import examples
from .recorded import GIVEN_OUT
from .rest import Json, Reader

S = Settings()
EVERY = "helene", "oscar", "trudy", "nobody", "inactive", "late"
ONE, OTHER = "panel 0042", "panel 0077"
STRICT = "handling=strict"


@pytest.fixture
def other(make_panel: Callable[..., int], people: dict[str, int]) -> int:
    """The panel 0077 of the doctor 103."""
    return make_panel("0077", "103")


@pytest.fixture
def names(
    site: OscarHost, oscar: Any, clerk: Actor, panel: int, other: int, people: dict[str, int], conflict: str
) -> dict[str, str]:
    """What each id of a Patient and of a Group is called here. Trudy, and Late who has died, are on the panel 0077."""
    one_patient.choose(site, clerk, people["trudy"], other, seen_panel_id=panel)
    late = oscar.patient(
        last_name="Tromblé", first_name="Late", hin="100000009", born="1940-01-01", patient_status="DE"
    )
    one_patient.choose(site, clerk, late, other, seen_panel_id=None)
    oscar.patient(last_name="Elsewhere", hin="100000008")
    patients = {str(key): name for name, key in {**people, "late": late}.items()}
    return {
        **{f"Patient/{key}": name for key, name in patients.items()},
        f"Group/{panel}": ONE,
        f"Group/{other}": OTHER,
    }


PATIENTS: list[tuple[Json, set[str]]] = [
    ({"_has:Group:member:identifier": "0077"}, {"trudy", "late"}),
    ({"_has:Group:member:identifier": f"{S.uri_panel_number}|0042"}, set(EVERY) - {"trudy", "late"}),
    ({"_has:Group:member:identifier": "0077", "family": "Trem"}, {"trudy"}),
    ({"_has:Group:member:name": "cpar panel 0077"}, {"trudy", "late"}),
    ({"_has:Group:member:_id": "0"}, set()),
    ({"_has:Group:member:characteristic-reference": "PractitionerRole/103-000113"}, {"trudy", "late"}),
    ({"_has:Group:member:characteristic-reference.practitioner.given": "no103"}, {"trudy", "late"}),
    ({"_has:Task:patient:status": "requested"}, {"oscar"}),
    ({"_has:Task:patient:status:not": "requested"}, set()),
    ({"_has:Task:patient:code": "mismatch"}, set()),
    ({"general-practitioner.practitioner": "Practitioner/103"}, {"trudy", "late"}),
    ({"general-practitioner:PractitionerRole.practitioner.given": "no103"}, {"trudy", "late"}),
    ({"general-practitioner.location.identifier": "000113"}, set(EVERY)),
    ({"general-practitioner.active": "false"}, set()),
    ({"general-practitioner:identifier": "no such"}, set()),
    ({"general-practitioner:missing": "false"}, set(EVERY)),
    ({"organization.name": "example"}, set(EVERY)),
    ({"organization.name": "elsewhere"}, set()),
    ({"organization:identifier": f"{S.uri_site_id}|S-1"}, set(EVERY)),
    ({"deceased": "true"}, {"late"}),
    ({"deceased": "false"}, set(EVERY) - {"late"}),
    ({"deceased:not": "false"}, {"late"}),
    ({"deceased": "x"}, set()),
    ({"deceased:missing": "true"}, set()),
    ({"name": "trem"}, {"helene", "trudy"}),
    ({"name": "HELENE"}, {"helene"}),
    ({"name": ["tr", "trem"]}, {"helene", "trudy"}),
    ({"name:contains": "mbl"}, {"helene", "trudy", "late"}),
    ({"name:exact": "Trudy"}, {"trudy"}),
    ({"name:missing": "true"}, set()),
    ({"phonetic": "Tremblay"}, {"helene", "trudy", "late"}),
    ({"phonetic": "trimbly"}, {"helene", "trudy", "late"}),
    ({"phonetic": "Oberg"}, {"oscar"}),
    ({"phonetic": "Ooskar"}, {"oscar"}),
    ({"phonetic": "123"}, set()),
    ({"gender:not": "female"}, {"oscar", "trudy", "nobody"}),
    ({"gender:not": "female,unknown"}, {"oscar", "trudy"}),
    ({"identifier:not": f"{S.uri_phn}|100000003"}, set(EVERY) - {"trudy"}),
    ({"active:not": "true"}, {"inactive", "late"}),
]
GROUPS: list[tuple[Json, set[str]]] = [
    ({"member.identifier": "100000003"}, {OTHER}),
    ({"member:Patient.identifier": f"{S.uri_phn}|100000001"}, {ONE}),
    ({"member:identifier": f"{S.uri_phn}|100000003"}, {OTHER}),
    ({"member.identifier": "100000001,100000003"}, {ONE, OTHER}),
    ({"member.identifier": ["100000001", "100000003"]}, set()),
    ({"member.identifier": "100000008"}, set()),  # on no panel
    ({"member.family": "trem"}, {ONE, OTHER}),
    ({"member.deceased": "true"}, {OTHER}),
    ({"member.general-practitioner.practitioner.given": "no103"}, {OTHER}),
    ({"member._has:Task:patient:status": "requested"}, {ONE}),
    ({"member.birthdate:missing": "true"}, {ONE}),
    ({"characteristic-reference.practitioner.given": "no103"}, {OTHER}),
    ({"characteristic-reference:identifier": "no such"}, set()),
    ({"managing-entity.name": "example"}, {ONE, OTHER}),
    ({"identifier:not": "0077"}, {ONE}),
    ({"code:not": "cpar-panel"}, set()),
    ({"value:not": "x"}, {ONE, OTHER}),
]
FEW: list[tuple[str, Json, set[str]]] = [
    ("PractitionerRole", {"practitioner.given": "no103"}, {"103-000113"}),
    ("PractitionerRole", {"practitioner:Practitioner.identifier": "100000003"}, {"103-000113"}),
    ("PractitionerRole", {"practitioner:identifier": "100000001"}, {"101-000113"}),
    (
        "PractitionerRole",
        {"location.identifier": "000113", "practitioner.active": "true"},
        {"101-000113", "102-000113", "103-000113"},
    ),
    ("PractitionerRole", {"_has:Group:characteristic-reference:identifier": "0077"}, {"103-000113"}),
    ("PractitionerRole", {"active:not": "true"}, set()),
    ("Practitioner", {"_has:PractitionerRole:practitioner:location.identifier": "000113"}, {"101", "102", "103"}),
    ("Practitioner", {"_has:PractitionerRole:practitioner:_id": "102-000113"}, {"102"}),
    ("Practitioner", {"identifier:not": "100000001"}, {"102", "103"}),
    ("Location", {"_has:PractitionerRole:location:practitioner.given": "no103"}, {"000113"}),
    ("Location", {"_has:PractitionerRole:location:practitioner.given": "nobody"}, set()),
    ("Task", {"patient.identifier": "100000002"}, {"task"}),
    ("Task", {"patient.identifier": "100000001"}, set()),
    ("Task", {"focus.identifier": "0042"}, {"task"}),
    ("Task", {"focus:Group.member.identifier": "100000003"}, set()),
    ("Task", {"status:not": "requested"}, set()),
]


@pytest.fixture
def everything(reader_for: Callable[..., Reader]) -> Reader:
    """A client that may read everything, Tasks too."""
    return reader_for("Everything", scopes="system/*.rs system/Task.rs")


def test_each_chain_finds_what_refers_to_what_fits(everything: Reader, names: dict[str, str], conflict: str) -> None:
    cases = [
        *(("Patient", query, expected) for query, expected in PATIENTS),
        *(("Group", query, expected) for query, expected in GROUPS),
        *FEW,
    ]
    wrong = []
    for kind, query, expected in cases:
        answer = everything.get(f"/{kind}", query, Prefer=STRICT)
        if answer.status_code != 200:
            wrong.append((kind, query, answer.text))
            continue
        result = {
            names.get(f"{kind}/{one}", "task" if one == conflict else one) for one in everything.ids(f"/{kind}", query)
        }
        total = everything.json(f"/{kind}", {**query, "_count": 0})["total"]
        if result != expected or total != len(expected):
            wrong.append((kind, query, result))
    assert wrong == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/Group?member:Group.identifier=1", 400),
        ("/Group?member:Group:identifier=1", 400),
        ("/Patient?general-practitioner:Practitioner.name=x", 400),
        ("/Group?member.general-practitioner.practitioner.given=x", 200),
        ("/Task?focus.member.general-practitioner.practitioner.given=x", 400),  # four references
        ("/Patient?phonetic:exact=x", 400),
        ("/Patient?family:not=x", 400),
        ("/Patient?_id:not=x", 400),
        ("/Patient?gender.x=y", 200),
        ("/Group?member.identifier=|", 400),
    ],
)
def test_a_chain_that_cannot_be_is_refused(
    reader_for: Callable[..., Reader], panel: int, path: str, status: int
) -> None:
    reader = reader_for("Everything", scopes="system/*.rs system/Task.rs")
    assert reader.get(path).status_code == status


@pytest.mark.parametrize(
    "query",
    [
        "Patient?_has:Patient:link:name=x",
        "Patient?_has:Group:member=x",
        "Patient?_has:Group:member:shoe=x",
        "Patient?gender.x=y",
        "Group?member.shoe=x",
        "Group?member.name.given=x",
        # Who is meant would be learned, and not recorded.
        "PractitionerRole?_has:Group:characteristic-reference:member.identifier=100000001",
        "PractitionerRole?_has:Patient:general-practitioner:identifier=100000001",
        "Group?_has:Task:focus:status=requested",
    ],
)
def test_what_no_chain_answers_is_said_to_be_unanswered(reader: Reader, names: dict[str, str], query: str) -> None:
    bundle = reader.json(f"/{query}")
    assert bundle["entry"][-1]["search"] == {"mode": "outcome"}
    assert reader.get(f"/{query}", Prefer=STRICT).status_code == 400


def test_a_chain_needs_the_scope_of_each_kind_that_it_goes_by(
    reader_for: Callable[..., Reader], names: dict[str, str]
) -> None:
    narrow = reader_for("Groups", scopes="system/Group.rs")
    for query, scope in (
        ("Group?member.identifier=100000001", "system/Patient.s"),
        ("Group?member:identifier=100000001", "system/Patient.s"),
        ("Group?characteristic-reference.practitioner.given=x", "system/"),
    ):
        refused = narrow.get(f"/{query}")
        assert refused.status_code == 403
        assert scope in refused.text
    patients = reader_for("Patients", scopes="system/*.rs")
    assert patients.get("/Patient?_has:Task:patient:status=requested").status_code == 403
    assert patients.get("/Patient?_has:Group:member:identifier=0042").status_code == 200


def test_a_chain_says_nothing_of_panels_and_members_that_its_sender_may_not_read(
    reader_for: Callable[..., Reader], names: dict[str, str], other: int, conflict: str
) -> None:
    limited = reader_for("Limited", panels=(other,), scopes="system/*.rs system/Task.rs")
    for path in (
        "/Group?member.identifier=100000001",  # on the panel 0042
        "/Group?member:identifier=100000001",
        "/Group?member.family=Zed",
        "/Patient?_has:Group:member:identifier=0042",
        "/Patient?_has:Task:patient:status=requested",
        "/Patient?general-practitioner.practitioner.given=no101",
        "/Group?characteristic-reference.practitioner.given=no101",
        "/PractitionerRole?practitioner.given=no101",
        "/PractitionerRole?_has:Group:characteristic-reference:identifier=0042",
        "/Task?patient.identifier=100000002",
    ):
        assert limited.json(path)["total"] == 0, path
    assert limited.ids("/Group?member.identifier=100000003") == [str(other)]
    assert limited.json("/Patient?_has:Group:member:identifier=0077")["total"] == 2
    assert limited.json("/Patient?_has:Group:member:identifier:not=0077")["total"] == 0


def test_who_is_found_on_a_panel_by_a_chain_is_recorded_even_where_members_are_not_shown(
    site: OscarHost, reader: Reader, names: dict[str, str]
) -> None:
    [trudy] = (key.removeprefix("Patient/") for key, name in names.items() if name == "trudy")
    for query in ({"member.identifier": "100000003"}, {"member": f"Patient/{trudy}"}):
        with site.database.engine.connect() as connection:
            before = len(connection.execute(GIVEN_OUT).all())
            reader.json("/Group", {**query, "_elements": "identifier"})
        with site.database.engine.connect() as connection:
            recorded = connection.execute(GIVEN_OUT).all()
        assert [row.patient_id for row in recorded[before:]] == [int(trudy)]


def names_of(resource: Json) -> Iterator[str]:
    for name in resource.get("name", ()):
        yield from [name["family"]] if "family" in name else []
        yield from name.get("given", ())


TEXTS = st.sampled_from(
    [
        "T",
        "tr",
        "Tremblay",
        "trembley",
        "Tromble",
        "oberg",
        "Öberg",
        "o",
        "OSCAR",
        "Zed",
        "amy",
        "late",
        "e",
        "hélène",
        "jr",
        "No",
    ]
)


@given(text=TEXTS)
@settings(max_examples=examples(8), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_search_by_name_finds_what_a_filter_of_all_patients_finds(
    reader: Reader, names: dict[str, str], text: str
) -> None:
    everyone = [entry["resource"] for entry in reader.json("/Patient")["entry"]]
    rules: dict[str, Callable[[str], bool]] = {
        "name": lambda name: folded_text(name).startswith(folded_text(text)),
        "name:contains": lambda name: folded_text(text) in folded_text(name),
        "name:exact": lambda name: name == text,
        "phonetic": lambda name: sound_of(name) == sound_of(text),
    }
    for parameter, rule in rules.items():
        expected = [one["id"] for one in everyone if any(map(rule, names_of(one)))]
        assert reader.ids("/Patient", {parameter: text}) == expected, (parameter, text)


VALUES = [
    "true",
    "false",
    "female",
    "unknown",
    "0042",
    "100000001",
    f"{S.uri_phn}|",
    "person",
    "cpar-panel",
    "101",
    "x",
    "|x",
]


@given(value=st.sampled_from(VALUES), second=st.sampled_from(VALUES))
@settings(max_examples=examples(4), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_is_not_is_all_but_what_is_for_every_token(
    everything: Reader, names: dict[str, str], value: str, second: str
) -> None:
    for kind, searchable in SEARCHABLE.items():
        if kind == "Subscription":  # has a scope of its own
            continue
        every = everything.ids(f"/{kind}")
        for parameter in searchable.parameters.values():
            if "not" in parameter.modifiers:
                listed = f"{value},{second}"
                result = set(everything.ids(f"/{kind}", {parameter.name: listed}))
                expected = [one for one in every if one not in result]
                assert everything.ids(f"/{kind}", {f"{parameter.name}:not": listed}) == expected, (kind, parameter.name)


@given(parts=st.lists(st.sampled_from(["identifier=10000000", "family=T", "gender=male", "active=true"]), max_size=1))
@settings(max_examples=examples(4), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_chain_finds_what_refers_to_what_its_end_finds(
    everything: Reader, names: dict[str, str], parts: list[str]
) -> None:
    """`Group?member.X` is every Group with a member that `Patient?X` finds, and the reverse of `_has`."""
    groups = [entry["resource"] for entry in everything.json("/Group")["entry"]]
    for part in parts:
        name, _, value = part.partition("=")
        values = [f"{value}{digit}" for digit in range(1, 10)] if name == "identifier" else [value]
        for one in values:
            patients = {f"Patient/{patient}" for patient in everything.ids("/Patient", {name: one})}
            expected = [
                group["id"]
                for group in groups
                if patients & {member["entity"]["reference"] for member in group.get("member", ())}
            ]
            assert everything.ids("/Group", {f"member.{name}": one}) == expected, (name, one)


def test_everything_that_can_be_included_is_included_by_a_star_and_by_iterate(
    reader: Reader, people: dict[str, int]
) -> None:
    for kind, include in (("Group", "Group:member"), ("PractitionerRole", "PractitionerRole:practitioner")):
        plain = reader.ids(f"/{kind}", {"_include": include}, "include")
        assert plain
        for query in ({"_include": "*"}, {"_include:iterate": include}):
            assert reader.get(f"/{kind}", query, Prefer=STRICT).status_code == 200
            assert reader.ids(f"/{kind}", query, "include") == plain
    assert reader.get("/Patient?_include=*", Prefer=STRICT).status_code == 400  # nothing can be included
    assert "_include=* is not supported" in reader.get("/Patient?_include=*").text


def test_the_sound_of_a_name_is_its_first_letter_and_three_signs() -> None:
    assert [sound_of(name) for name in ("Tremblay", "Pfister", "Öberg", "O'Neil", "", "1", "Lee")] == [
        *("T651", "P236", "O162", "O540", "", "", "L000")
    ]
