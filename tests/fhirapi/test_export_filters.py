"""Exports of a part: `_typeFilter` gives what a search gives, and `_since` goes on from where `_until` ended."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.fhir import refresh
from cpar_plugin.settings import Settings
from oscar_host.host import OscarHost

from ..examples import examples
from .exporting import accepted, export, fetched, kick_off
from .rest import BASE, Json, Reader
from .test_export import post, refused

SEARCHES = {
    "Patient": [
        "active=true",
        "active=false",
        "gender=female,male",
        "gender:missing=false",
        "family=tremb",
        "family:exact=Tremblay",
        "family:contains=REMB",
        "family=O'Neil\\\\, Jr",
        "given=Helene",
        "birthdate=ge1976",
        "birthdate=1980-02-29",
        "birthdate:missing=true",
        "identifier=100000002",
        "general-practitioner=PractitionerRole/102-000113",
        f"general-practitioner={BASE}/PractitionerRole/102-000113",
        "_lastUpdated=ge2020",
        "name=tremb",
        "gender:not=female",
        "_has:Group:member:identifier=0042",
        "general-practitioner:PractitionerRole.practitioner:Practitioner.family=a",
        "_id=1,2,3",
    ],
    "Group": [
        "identifier=0042",
        "name=cpar",
        "code=x",
        "characteristic:missing=false",
    ],
    "Practitioner": ["family=a", "active=true", "_id=101", "name:contains=e"],
    "PractitionerRole": [
        "practitioner=Practitioner/101",
        "practitioner.family=doctor",
        "location=Location/000113",
        "practitioner=Practitioner/9",
    ],
    "Location": ["name:missing=true", "_id=000113"],
    "Organization": ["name=z", "_id=clinic"],
}
_FILTERS = st.sampled_from(sorted(SEARCHES)).flatmap(
    lambda kind: st.tuples(st.just(kind), st.lists(st.sampled_from(SEARCHES[kind]), min_size=1, max_size=2))
)


@pytest.mark.hypothesis
@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(filters=st.lists(_FILTERS, min_size=1, max_size=4))
def test_a_filter_lets_through_what_a_search_finds(
    reader: Reader, people: dict[str, int], filters: list[tuple[str, list[str]]]
) -> None:
    texts = [(kind, "&".join(searches)) for kind, searches in filters]
    result = export(reader, query=[("_typeFilter", f"{kind}?{query}".replace("+", "%2B")) for kind, query in texts])
    for kind in SEARCHES:
        queries = [query for of, query in texts if of == kind] or [""]
        wanted = {key for query in queries for key in reader.ids(f"/{kind}?{query}")}
        assert set(result.ids(kind)) == wanted
        assert len(result.ids(kind)) == len(wanted)


def test_filters_are_posted_and_encoded_within_their_value(reader: Reader, people: dict[str, int], panel: int) -> None:
    filters = ["Patient?family=%C3%B6berg", "Patient?family=Zed%2Ctrembley"]
    parameters = [{"name": "_typeFilter", "valueString": text} for text in filters]
    result = fetched(reader, accepted(post(reader, f"/Group/{panel}/$export", *parameters)))
    assert set(result.ids("Patient")) == {str(people[name]) for name in ("oscar", "inactive", "trudy")}
    assert result.ids("Group") == [str(panel)]


def test_a_filter_needs_the_scope_for_its_type(reader_for: Callable[..., Reader], people: dict[str, int]) -> None:
    patients = reader_for("Patients", scopes="system/Patient.rs")
    chained = {"_typeFilter": "Patient?_has:Group:member:identifier=0042"}
    assert "system/Group" in refused(kick_off(patients, query=chained), 403)
    assert "system/Group" in refused(kick_off(patients, query={"_typeFilter": "Group?identifier=0042"}), 403)
    assert export(patients, query={"_typeFilter": "Patient?family=zed"}).ids("Patient") == [str(people["inactive"])]


def _rename(site: OscarHost, emr: OscarHost, patient_id: int, name: str) -> None:
    record = site.tables.demographic
    with emr.database.writing() as connection:
        connection.execute(update(record).where(record.c.demographic_no == patient_id).values(last_name=name))
    refresh.refresh(site, Settings())


def test_what_changed_before_until_is_exported_and_the_rest_by_the_next_since(
    reader: Reader, people: dict[str, int], panel: int, site: OscarHost, emr: OscarHost, clock: FixedClock
) -> None:
    refresh.refresh(site, Settings())
    moments = [clock.now()]
    for name in ("oscar", "helene", "trudy"):
        clock.move_to(clock.now() + timedelta(seconds=10))
        _rename(site, emr, people[name], f"New{name}")
        moments.append(clock.now())
    clock.move_to(clock.now() + timedelta(seconds=10))

    def changed(**window: datetime) -> set[str]:
        query: Json = {f"_{name}": moment.isoformat() for name, moment in window.items()}
        return set(export(reader, query={**query, "_type": "Patient"}).ids("Patient"))

    ids = {name: str(key) for name, key in people.items()}
    first = {ids["nobody"], ids["inactive"]}
    assert changed(until=moments[1]) == first
    assert changed(until=moments[2]) == first | {ids["oscar"]}
    assert changed(since=moments[1], until=moments[2]) == {ids["oscar"]}
    assert changed(since=moments[2], until=moments[3]) == {ids["helene"]}
    assert changed(since=moments[1]) == {ids["oscar"], ids["helene"], ids["trudy"]}
    whole = changed(until=clock.now() + timedelta(days=1))
    assert whole == set(ids.values())


def test_what_is_noticed_only_now_has_not_changed_before_until(
    reader: Reader, people: dict[str, int], site: OscarHost, emr: OscarHost, clock: FixedClock
) -> None:
    refresh.refresh(site, Settings())
    until = clock.now() + timedelta(seconds=5)
    clock.move_to(until + timedelta(seconds=5))
    record = site.tables.demographic
    with emr.database.writing() as connection:
        connection.execute(update(record).where(record.c.demographic_no == people["oscar"]).values(last_name="New"))
    before = export(reader, query={"_until": until.isoformat(), "_type": "Patient"})
    after = export(reader, query={"_since": until.isoformat(), "_type": "Patient"})
    assert str(people["oscar"]) not in before.ids("Patient")
    assert after.ids("Patient") == [str(people["oscar"])]
