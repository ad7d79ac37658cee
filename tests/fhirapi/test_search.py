"""Searching, and what is found."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.fhir.search.table import SEARCHABLE
from cpar_plugin.services.panels import one_patient
from cpar_plugin.settings import Settings
from oscar_host.host import OscarHost

from ..conftest import NOW_IN_UTC
from .rest import BASE, Json, Reader, link

Check = Callable[[Json], None]
S = Settings()
ALL = {"helene", "oscar", "trudy", "nobody", "inactive"}
PATIENTS: list[tuple[dict[str, Any], set[str]]] = [
    ({}, ALL),
    ({"identifier": "100000001"}, {"helene", "inactive"}),
    ({"identifier": f"{S.uri_phn}|100000002"}, {"oscar"}),
    ({"identifier": f"{S.uri_phn}|"}, ALL - {"nobody"}),
    ({"identifier": f"{S.uri_patient_record}|"}, ALL),
    ({"identifier": "|100000001"}, set()),
    ({"identifier": "https://elsewhere.invalid|100000001"}, set()),
    ({"identifier": "100000002,100000003"}, {"oscar", "trudy"}),
    ({"identifier": "99999999999999999999999"}, set()),
    ({"family": "tremblay"}, {"helene"}),
    ({"family": "TREMBL"}, {"helene", "trudy"}),
    ({"family": "oberg"}, {"oscar"}),
    ({"family:exact": "Tremblay"}, {"helene"}),
    ({"family:exact": "tremblay"}, set()),
    ({"family:contains": "LAY"}, {"helene"}),
    ({"family": r"O'Neil\, Jr"}, {"nobody"}),
    ({"family": "%"}, set()),
    ({"family": "_"}, set()),
    ({"family:missing": "true"}, set()),
    ({"given": "helene"}, {"helene"}),
    ({"given:missing": "true"}, {"nobody"}),
    ({"given:missing": "false"}, ALL - {"nobody"}),
    ({"family": "T", "given": "tr"}, {"trudy"}),
    ({"family": ["trem", "trembley"]}, {"trudy"}),
    ({"birthdate": "1980-02-29"}, {"helene"}),
    ({"birthdate": "1980"}, {"helene"}),
    ({"birthdate": "eq1980-02"}, {"helene"}),
    ({"birthdate": "ne1980"}, {"oscar", "trudy", "inactive"}),
    ({"birthdate": "ge1980-02-29"}, {"helene", "trudy"}),
    ({"birthdate": "gt1980-02-29"}, {"trudy"}),
    ({"birthdate": "gt1980"}, {"trudy"}),
    ({"birthdate": "lt1975-11-30"}, {"inactive"}),
    ({"birthdate": "le1975"}, {"inactive", "oscar"}),
    ({"birthdate": "sa1975"}, {"helene", "trudy"}),
    ({"birthdate": "eb1975"}, {"inactive"}),
    ({"birthdate": "ap1981"}, {"helene"}),
    ({"birthdate": ["ge1970", "lt1990"]}, {"helene", "oscar"}),
    ({"birthdate:missing": "true"}, {"nobody"}),
    ({"birthdate": "1999"}, set()),  # the 31st of February
    ({"gender": "female"}, {"helene", "inactive"}),
    ({"gender": "http://hl7.org/fhir/administrative-gender|other"}, {"trudy"}),
    ({"gender": "unknown"}, {"nobody"}),
    ({"gender": "male,other"}, {"oscar", "trudy"}),
    ({"gender": "F"}, set()),
    ({"active": "true"}, ALL - {"inactive"}),
    ({"active": "false"}, {"inactive"}),
    ({"general-practitioner": "PractitionerRole/101-000113"}, ALL),
    ({"general-practitioner": f"{BASE}/PractitionerRole/102-000113"}, ALL),
    ({"general-practitioner:PractitionerRole": "101-000113"}, ALL),
    ({"general-practitioner": "PractitionerRole/103-000113"}, set()),
    ({"general-practitioner:missing": "true"}, set()),
    ({"organization": "Organization/clinic"}, ALL),
    ({"organization": "clinic"}, ALL),
    ({"organization": "https://elsewhere.invalid/Organization/clinic"}, set()),
    ({"_lastUpdated": "ge2026-11-10"}, ALL),
    ({"_lastUpdated": "lt2026-11-10"}, set()),
    ({"_lastUpdated": NOW_IN_UTC}, ALL),
    ({"_id": "nobody,0,-1,99999999999999999999"}, set()),
]
BC = "https://fhir.infoway-inforoute.ca/NamingSystem/ca-bc-patient-healthcare-id"
ROLE, GROUP_CODE = "101-000113", f"{S.uri_codes}/group"
OTHERS: list[tuple[str, dict[str, Any], int]] = [
    ("Group", {"identifier": "0042"}, 1),
    ("Group", {"identifier": f"{S.uri_panel_number}|0042"}, 1),
    ("Group", {"identifier": "42"}, 0),
    ("Group", {"code": "cpar-panel"}, 1),
    ("Group", {"code": f"{GROUP_CODE}|cpar-panel"}, 1),
    ("Group", {"type": "person"}, 1),
    ("Group", {"type": "animal"}, 0),
    ("Group", {"actual": "true"}, 1),
    ("Group", {"actual": "false"}, 0),
    ("Group", {"characteristic": "attributed-to"}, 1),
    ("Group", {"characteristic": "other"}, 0),
    ("Group", {"value": "true"}, 0),
    ("Group", {"value:missing": "true"}, 1),
    ("Group", {"exclude": "false"}, 1),
    ("Group", {"exclude": "true"}, 0),
    ("Group", {"name": "cpar PANEL"}, 1),
    ("Group", {"name:contains": "0042"}, 1),
    ("Group", {"name:exact": "CPAR panel 0042"}, 1),
    ("Group", {"name:exact": "cpar panel 0042"}, 0),
    ("Group", {"managing-entity": "Organization/clinic"}, 1),
    ("Group", {"managing-entity:missing": "true"}, 0),
    ("Group", {"characteristic-reference": f"PractitionerRole/{ROLE}"}, 1),
    ("Group", {"characteristic-reference": "PractitionerRole/103-000113"}, 0),
    ("Group", {"member": "Patient/99"}, 0),
    ("Group", {"member:missing": "false"}, 1),
    ("Organization", {"identifier": f"{S.uri_site_id}|S-1"}, 1),
    ("Organization", {"name": "example"}, 1),
    ("Organization", {"name:exact": "example"}, 0),
    ("Organization", {"name:missing": "true"}, 0),
    ("Location", {"identifier": "000113"}, 1),
    ("Location", {"name:contains": "CLINIC"}, 1),
    ("Practitioner", {}, 2),
    ("Practitioner", {"identifier": "100000001"}, 1),
    ("Practitioner", {"family": "doc"}, 2),
    ("Practitioner", {"given": "no101"}, 1),
    ("Practitioner", {"name": "no102"}, 1),
    ("Practitioner", {"name": "doctor"}, 2),
    ("Practitioner", {"active": "true"}, 2),
    ("Practitioner", {"active": "false"}, 0),
    ("PractitionerRole", {"practitioner": "Practitioner/101"}, 1),
    ("PractitionerRole", {"practitioner:Practitioner": "101"}, 1),
    ("PractitionerRole", {"practitioner": "101"}, 1),
    ("PractitionerRole", {"organization": "Organization/clinic"}, 2),
    ("PractitionerRole", {"location": "Location/000113"}, 2),
    ("PractitionerRole", {"location": "Location/000114"}, 0),
    ("PractitionerRole", {"identifier": "100000001-000113"}, 1),
    ("PractitionerRole", {"active:missing": "false"}, 2),
    ("PractitionerRole", {"_id": f"{ROLE},nothing"}, 1),
    ("PractitionerRole", {"_lastUpdated": f"gt{NOW_IN_UTC}"}, 0),
]


def test_patients_are_found_by_each_parameter(reader: Reader, people: dict[str, int]) -> None:
    names = {str(key): name for name, key in people.items()}
    wrong = {
        str(query): results
        for query, expected in PATIENTS
        if (results := {names[one] for one in reader.ids("/Patient", query)}) != expected
    }
    assert wrong == {}


IDENTIFIERS = ("", f"{S.uri_phn}|", f"{S.uri_patient_record}|", f"{BC}|", "https://elsewhere.invalid|", "|")


@pytest.mark.parametrize("form", IDENTIFIERS)
def test_one_identifier_alone_finds_the_same_as_next_to_another_parameter(
    reader: Reader, people: dict[str, int], oscar: Any, site: OscarHost, clerk: Actor, panel: int, form: str
) -> None:
    for hin, province in (("100 000-001", "AB"), ("100000002", "BC"), ("12", "AB"), ("X12", "ON"), (str(panel), "AB")):
        one_patient.choose(site, clerk, oscar.patient(hin=hin, hc_type=province), panel, seen_panel_id=None)
    someone = oscar.patient(hin="100000001")  # on no panel
    codes = ["100000001", "100 000-001", "100000002", "12", "X12", "x12", "1", "0", "\u00e9", "\U0001f600", "9" * 25]
    for code in (*codes, str(someone), *map(str, people.values())):
        value = form + code
        alone = reader.ids("/Patient", {"identifier": value})
        assert alone == reader.ids("/Patient", {"identifier": value, "_sort": "_id"}), code
        assert reader.json("/Patient", {"identifier": value})["total"] == len(alone)
        assert reader.json("/Patient", {"identifier": value, "_count": "0"})["total"] == len(alone)
        assert reader.ids("/Patient", {"identifier": value, "_count": "1"}) == alone


def test_a_number_whose_card_says_no_province_is_found_as_one_of_albertas(
    reader: Reader, people: dict[str, int], oscar: Any, site: OscarHost, clerk: Actor, panel: int
) -> None:
    results = []
    for hc_type in ("", "null", "AB1", "US-AK", "OT"):
        patient_id = oscar.patient(hin="777\u2013777 778\u200b", hc_type=hc_type)
        one_patient.choose(site, clerk, patient_id, panel, seen_panel_id=None)
        results.append(str(patient_id))
    for identifier in (f"{S.uri_phn}|777777778", "777777778"):
        assert reader.ids("/Patient", {"identifier": identifier}) == results[:3]


def test_a_health_number_that_very_many_have_is_found_a_page_at_a_time(
    reader: Reader, people: dict[str, int], oscar: Any, site: OscarHost, clerk: Actor, panel: int
) -> None:
    newborns = [oscar.patient(hin="000000000") for _ in range(60)]
    for patient_id in newborns:
        one_patient.choose(site, clerk, patient_id, panel, seen_panel_id=None)
    assert reader.ids("/Patient", {"identifier": "000000000", "_count": "25"}) == list(map(str, newborns))


def test_a_search_by_one_identifier_is_one_statement_besides_its_record(
    reader: Reader, people: dict[str, int], statements: list[str]
) -> None:
    for identifier in (f"{S.uri_phn}|100000002", f"{S.uri_patient_record}|{people['oscar']}"):
        assert reader.ids("/Patient", {"identifier": identifier}) == [str(people["oscar"])]
        statements.clear()
        assert reader.ids("/Patient", {"identifier": identifier}) == [str(people["oscar"])]
        assert len(statements) == 3, statements  # who asks and the patient, and two that record the read


def test_other_kinds_are_found_by_each_parameter(reader: Reader, people: dict[str, int]) -> None:
    wrong = [
        (kind, query, result)
        for kind, query, expected in OTHERS
        if (result := reader.json(f"/{kind}", query)["total"]) != expected
    ]
    assert wrong == []
    for name, key in people.items():
        for reference in (f"Patient/{key}", f"{BASE}/Patient/{key}", str(key)):
            assert reader.json("/Group", {"member": reference})["total"] == 1, name


def test_nothing_is_found_by_a_value_that_nothing_has(reader: Reader, people: dict[str, int]) -> None:
    nothing = {"token": "nope", "string": "zzzzz", "date": "1800", "reference": "nope", "uri": "urn:nope"}
    for kind, searchable in SEARCHABLE.items():
        for name, parameter in searchable.parameters.items():
            assert reader.json(f"/{kind}", {name: nothing[parameter.type]})["total"] == 0, (kind, name)


def test_a_search_that_is_posted_finds_the_same(reader: Reader, people: dict[str, int]) -> None:
    for query, expected in PATIENTS:
        answer = reader.send("POST", "/Patient/_search", data=query).json
        assert len(answer.get("entry", ())) == len(expected), query  # type: ignore[union-attr]
    both = reader.send("POST", "/Patient/_search?family=T", data={"given": "trudy"}).json
    assert [one["resource"]["id"] for one in both["entry"]] == [str(people["trudy"])]  # type: ignore[index]


@pytest.mark.parametrize("kind", ["Group", "Location", "Organization", "Patient", "Practitioner", "PractitionerRole"])
def test_a_page_is_a_valid_bundle(reader: Reader, people: dict[str, int], check_r4: Check, kind: str) -> None:
    bundle = reader.json(f"/{kind}", {"_count": "2"})
    check_r4(bundle)
    assert bundle["type"] == "searchset"
    assert link(bundle, "self") == f"{BASE}/{kind}?_count=2"
    for entry in bundle["entry"]:
        resource = entry["resource"]
        assert entry["fullUrl"] == f"{BASE}/{kind}/{resource['id']}"
        assert entry["search"] == {"mode": "match"}
        assert resource == reader.json(f"/{kind}/{resource['id']}")


SORTS = {
    "": ["helene", "oscar", "trudy", "nobody", "inactive"],
    "_id": ["helene", "oscar", "trudy", "nobody", "inactive"],
    "-_id": ["inactive", "nobody", "trudy", "oscar", "helene"],
    "family": ["oscar", "nobody", "helene", "trudy", "inactive"],
    "-family": ["inactive", "trudy", "helene", "nobody", "oscar"],
    "given": ["nobody", "inactive", "helene", "oscar", "trudy"],
    "birthdate": ["inactive", "oscar", "helene", "nobody", "trudy"],
    "_lastUpdated": ["helene", "oscar", "trudy", "nobody", "inactive"],
    "-_lastUpdated,-_id": ["inactive", "nobody", "trudy", "oscar", "helene"],
}


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("count", [1, 2, 5])
def test_pages_follow_each_other_in_order(
    reader: Reader, people: dict[str, int], clock: FixedClock, sort: str, count: int
) -> None:
    clock.move_to(clock.now() + timedelta(seconds=1))  # sorted by change, what changes while it is read is left out
    names = {str(key): name for name, key in people.items()}
    expected = SORTS[sort]
    if "family" in sort:  # the databases do not agree whether an apostrophe comes before letters
        expected = [name for name in expected if name not in ("nobody", "oscar")]
    results = [names[one] for one in reader.ids("/Patient", {"_count": count, "_sort": sort})]
    assert sorted(results) == sorted(ALL)
    assert [name for name in results if name in expected] == expected


def test_small_kinds_are_paged_and_sorted_too(reader: Reader, people: dict[str, int]) -> None:
    assert reader.ids("/Practitioner", {"_count": 1, "_sort": "-given"}) == ["102", "101"]
    assert reader.ids("/Practitioner", {"_count": 1, "_sort": "family,-_id"}) == ["102", "101"]
    assert reader.ids("/PractitionerRole", {"_count": 1}) == ["101-000113", "102-000113"]


def test_no_one_is_missed_or_listed_twice_when_members_change_between_pages(
    reader: Reader, site: OscarHost, oscar: Any, clerk: Actor, panel: int, people: dict[str, int]
) -> None:
    pages = reader.pages("/Patient", {"_count": 2, "_sort": "family"})
    results = [entry["resource"]["id"] for entry in next(pages)["entry"]]
    one_patient.remove(site, clerk, int(results[-1]), seen_panel_id=panel)  # the one after whom the next page begins
    one_patient.choose(site, clerk, oscar.patient(last_name="Aaa", hin="100000008"), panel, seen_panel_id=None)
    results += [entry["resource"]["id"] for page in pages for entry in page["entry"]]
    assert sorted(results) == sorted(str(key) for key in people.values())


def test_the_total_is_reported_unless_it_is_declined_but_of_many_with_a_name_only_when_asked_for(
    reader: Reader, people: dict[str, int], conflict: str, check_r4: Check
) -> None:
    asked: list[dict[str, Any]] = [{"_count": 2, "_total": total} for total in ("accurate", "estimate")]
    for query in ({}, *asked, {"_count": 0}, {"_summary": "count"}):
        assert [page["total"] for page in reader.pages("/Patient", query)] == [len(people)] * (
            3 if query.get("_count") else 1
        )
    assert [page["total"] for page in reader.pages("/Patient", {"_count": 2})] == [len(people)] * 3
    assert [page["total"] for page in reader.pages("/Practitioner", {"_count": 1})] == [2, 2]
    by_names: list[dict[str, Any]] = [{name: "t,h,z,o", "_count": 1} for name in ("family", "name")]
    by_names.append({"_has:Group:member:member.family": "t", "_count": 1})
    for query in by_names:
        assert "total" not in reader.json("/Patient", query)
        assert reader.json("/Patient", {**query, "_count": 50})["total"] == len(reader.ids("/Patient", query)) > 1
    for query in ({"family": "trem"}, {"family": "trem", "_count": 1}, {"birthdate": "ge1975", "_count": 1}):
        accurate = {**query, "_total": "accurate"}
        assert {page["total"] for page in reader.pages("/Patient", accurate)} == {len(reader.ids("/Patient", query))}
    for kind in ("Patient", "Group", "Practitioner", "Task"):
        assert reader.json(f"/{kind}")["total"] == len(reader.ids(f"/{kind}"))
        assert "total" not in reader.json(f"/{kind}", {"_total": "none", "_count": 1})
        count = reader.json(f"/{kind}", {"_count": 0, "_total": "none"})
        check_r4(count)
        assert count["total"] == len(reader.ids(f"/{kind}"))
        assert "entry" not in count
        assert link(count, "next") is None


def test_a_name_finds_the_same_members_however_many_others_have_it(
    reader: Reader, people: dict[str, int], oscar: Any
) -> None:
    queries: list[dict[str, Any]] = [
        {"family": "trem"},
        {"family": "HELENE,trem"},
        {"family": ["trem", "t"], "given": "h"},
        {"family:exact": "Tremblay"},
        {"family": "trem", "_count": 1, "_sort": "-family", "_total": "accurate"},
        {"_has:Group:member:member.family": "tremb"},
    ]
    few = [list(reader.pages("/Patient", query)) for query in queries]
    for _ in range(301):
        oscar.patient(last_name="Tremblay")
    for query, pages in zip(queries, few, strict=True):
        many = list(reader.pages("/Patient", query))
        assert [page.get("entry") for page in many] == [page.get("entry") for page in pages]
        assert [page.get("total") for page in many] == [page.get("total") for page in pages]
    assert len(reader.ids("/Patient", queries[0])) == 2


def test_the_total_is_that_of_the_first_page_and_counts_what_fits_alone(
    reader: Reader, site: OscarHost, clerk: Actor, panel: int, people: dict[str, int]
) -> None:
    pages = reader.pages("/Group", {"_include": "Group:member", "_count": 2, "colour": "red"})
    assert [page["total"] for page in pages] == [1] * 3
    pages = reader.pages("/Patient", {"_count": 2})
    first = next(pages)
    one_patient.remove(site, clerk, people["inactive"], seen_panel_id=panel)
    assert {first["total"], *(page["total"] for page in pages)} == {len(people)}


def test_results_may_be_less_than_whole(reader: Reader, people: dict[str, int], check_r4: Check) -> None:
    for kind in ("Group", "Patient", "Practitioner", "PractitionerRole", "Location", "Organization"):
        for query in ({"_summary": "true"}, {"_summary": "text"}, {"_elements": "identifier"}):
            bundle = reader.json(f"/{kind}", query)
            check_r4(bundle)
            for entry in bundle["entry"]:
                assert entry["resource"]["meta"]["tag"][0]["code"] == "SUBSETTED"
                assert "profile" not in entry["resource"]["meta"]
                assert "member" not in entry["resource"]


def test_mariadb_keeps_pages_of_all_patients_ready_and_no_other_search(
    reader: Reader, people: dict[str, int], site: OscarHost
) -> None:
    """SQLite keeps nothing ready."""

    def sent_ready(address: str) -> int:
        reader.json(address)
        before = _sent_ready(site)
        reader.json(address)
        return _sent_ready(site) - before

    alone = sent_ready("/Patient?family=Tremblay&_count=1")
    of_all = sent_ready("/Patient?_count=1"), sent_ready("/Patient?_count=1&_total=none")
    if site.database.engine.dialect.name == "sqlite":
        assert (alone, of_all) == (0, (0, 0))
    else:
        assert of_all == (alone + 2, alone + 1)  # the page with its total, the page


def _sent_ready(host: OscarHost) -> int:
    """How many statements MariaDB was sent that it had kept ready."""
    with host.database.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            return 0
        return int(connection.execute(text("SHOW GLOBAL STATUS LIKE 'Com_execute_sql'")).one()[1])


def test_members_come_with_their_group_a_page_at_a_time(
    reader: Reader, people: dict[str, int], panel: int, make_panel: Callable[..., int], check_r4: Check
) -> None:
    second = make_panel("0077", "103")
    query = {"_include": "Group:member", "_count": 2, "_summary": "true"}
    pages = list(reader.pages("/Group", query))
    for page in pages:
        check_r4(page)
        assert len([one for one in page["entry"] if one["search"]["mode"] == "include"]) <= 2
    assert reader.ids("/Group", query) == [str(panel), str(second)]
    assert reader.ids("/Group", query, "include") == [str(key) for key in people.values()]
    one_by_one = {"_include": "Group:member:Patient", "_count": 1}
    assert reader.ids("/Group", one_by_one) == [str(panel), str(second)]
    assert reader.ids("/Group", one_by_one, "include") == [str(key) for key in people.values()]


def test_providers_come_with_their_roles_and_roles_with_their_providers(
    reader: Reader, people: dict[str, int], check_r4: Check
) -> None:
    roles = {"practitioner": "101", "_include": "PractitionerRole:practitioner"}
    assert reader.ids("/PractitionerRole", roles, "include") == ["101"]
    providers = {"_id": "102", "_revinclude": "PractitionerRole:practitioner"}
    assert reader.ids("/Practitioner", providers, "include") == ["102-000113"]
    check_r4(reader.json("/Practitioner", providers))


UNANSWERED: list[tuple[str, str, list[str]]] = [
    ("Patient", "colour=red", ["colour"]),
    ("Patient", "colour=red&colour=blue&address=x", ["colour", "address"]),
    ("Patient", "_include=Group:nothing", ["_include=Group:nothing"]),
    ("Patient", "_sort=shoe,-family", ["_sort=shoe"]),
    ("Patient", "_tag=x&_profile=y&_text=z", ["_tag", "_profile", "_text"]),
    ("Patient", "_has:Observation:patient:code=x", ["_has:Observation:patient:code"]),
    ("Patient", "general-practitioner.shoe=x", ["general-practitioner.shoe"]),
    ("Patient", "100000001=&100000001=x", ["A parameter"]),
    ("Practitioner", "colour=red", ["colour"]),
    ("Group", "colour=red", ["colour"]),
    ("Group", "colour=red&_summary=true", ["colour"]),
    ("Group", "colour=red&_count=0", ["colour"]),
    ("Task", "colour=red", ["colour"]),
]


@pytest.mark.parametrize(("kind", "query", "names"), UNANSWERED)
def test_what_a_search_does_not_answer_is_named_in_the_bundle_and_omitted_from_self(
    reader: Reader, conflict: str, check_r4: Check, kind: str, query: str, names: list[str]
) -> None:
    bundle = reader.json(f"/{kind}?{query}")
    check_r4(bundle)
    [entry] = (one for one in bundle["entry"] if one["search"]["mode"] == "outcome")
    issues = entry["resource"]["issue"]
    assert [(one["severity"], one["code"]) for one in issues] == [("warning", "not-supported")] * len(names)
    assert [one["diagnostics"].partition(" is not supported")[0] for one in issues] == names
    assert "100000001" not in str(bundle["entry"][-1])
    own = parse_qs(urlsplit(link(bundle, "self") or "").query)
    assert set(own) <= {"_sort", "_summary", "_count"}
    assert bundle["total"] == reader.json(f"/{kind}", {"_count": 0})["total"]


@pytest.mark.parametrize(("kind", "query", "names"), UNANSWERED)
def test_a_strict_search_refuses_what_it_does_not_answer_and_names_it(
    reader: Reader, conflict: str, kind: str, query: str, names: list[str]
) -> None:
    assert reader.get(f"/{kind}?{query}", Prefer="handling=lenient").status_code == 200
    refused = reader.get(f"/{kind}?{query}", Prefer="respond-async, handling=strict")
    assert refused.status_code == 400
    assert refused.json is not None
    assert refused.json["issue"][0]["diagnostics"].startswith(f"{names[0]} is not supported. ")


def test_a_search_that_answers_everything_has_no_outcome(reader: Reader, people: dict[str, int]) -> None:
    query = "/Patient?family=T&_pretty=true&birthdate=&_sort=family&_format=json&_total=none"
    assert {entry["search"]["mode"] for entry in reader.json(query)["entry"]} == {"match"}
    assert reader.get(query, Prefer="handling=strict").status_code == 200


def test_readers_of_one_panel_find_nothing_of_another(
    reader_for: Callable[..., Reader], make_panel: Callable[..., int], people: dict[str, int], panel: int
) -> None:
    other = make_panel("0077", "103")
    limited = reader_for(panels=(other,))
    assert limited.ids("/Patient") == []
    assert limited.ids("/Group") == [str(other)]
    assert limited.ids("/Group", {"member": people["helene"]}) == []
    assert limited.ids("/Group", {"_include": "Group:member"}, "include") == []
    assert limited.ids("/Practitioner") == ["103"]
    assert limited.json("/Patient", {"_summary": "count"})["total"] == 0


def test_a_resource_on_a_page_is_the_very_bytes_that_a_read_gives(
    reader: Reader, panel: int, people: dict[str, int]
) -> None:
    for kind in ("Patient", "Practitioner", "PractitionerRole", "Location", "Organization"):
        page = reader.get(f"/{kind}").data
        ids = [entry["resource"]["id"] for entry in reader.json(f"/{kind}")["entry"]]
        assert ids
        for resource_id in ids:
            assert b'"resource":' + reader.get(f"/{kind}/{resource_id}").data + b',"search"' in page
