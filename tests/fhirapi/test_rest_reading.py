"""Reading resources one by one."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import Connection, event, insert, select, text, update

from cpar_plugin.domain.answers import fingerprint
from cpar_plugin.domain.cautions import Caution
from cpar_plugin.domain.other_panel import other_draft
from cpar_plugin.domain.panel_kind import OTHER_KINDS
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.clients import registry
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.other_panels import editing as other_editing
from cpar_plugin.services.other_panels import one_patient as other_patient
from cpar_plugin.services.panels import answering, editing, one_patient
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from .clients import Registered
from .rest import BASE, Json, Reader

Check = Callable[[Json], None]
KINDS = {
    "Organization": "clinic",
    "Location": "000113",
    "Practitioner": "101",
    "PractitionerRole": "101-000113",
}


def addresses(panel: int, people: dict[str, int]) -> list[str]:
    every = {**KINDS, "Group": str(panel), "Patient": str(people["helene"])}
    return [f"/{kind}/{key}" for kind, key in every.items()]


def test_each_kind_is_read_and_is_valid(reader: Reader, panel: int, people: dict[str, int], check_r4: Check) -> None:
    for address in addresses(panel, people):
        answer = reader.get(address)
        assert answer.status_code == 200, answer.text
        assert answer.content_type == "application/fhir+json; charset=utf-8"
        resource = orjson.loads(answer.data)
        check_r4(resource)
        assert f"/{resource['resourceType']}/{resource['id']}" == address
        assert answer.headers["ETag"] == f'W/"{resource["meta"]["versionId"]}"'
        assert answer.headers["Last-Modified"].endswith("GMT")
        assert answer.headers["Cache-Control"] == "no-store"


def test_what_the_caller_has_already_is_not_sent_again(reader: Reader, panel: int, people: dict[str, int]) -> None:
    for address in addresses(panel, people):
        first = reader.get(address)
        same, changed = first.headers["ETag"], first.headers["Last-Modified"]
        for headers in (
            {"If-None-Match": same},
            {"If-None-Match": f'W/"999", {same}'},
            {"If-None-Match": "*"},
            {"If-Modified-Since": changed},
        ):
            answer = reader.get(address, **headers)
            assert (answer.status_code, answer.data) == (304, b""), headers
            assert answer.headers["ETag"] == same
        for headers in (
            {"If-None-Match": 'W/"999"'},
            {"If-None-Match": 'W/"999"', "If-Modified-Since": changed},
            {"If-Modified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"},
            {"If-Modified-Since": "no date"},
        ):
            assert reader.get(address, **headers).status_code == 200, headers


def test_the_current_version_is_read_by_its_number_and_no_other(
    reader: Reader, panel: int, people: dict[str, int]
) -> None:
    for address in addresses(panel, people):
        resource = reader.json(address)
        version = resource["meta"]["versionId"]
        answer = reader.get(f"{address}/_history/{version}")
        assert orjson.loads(answer.data) == resource
        assert answer.headers["ETag"] == f'W/"{version}"'
        for other in ("1", f"{version}0", "x"):
            answer = reader.get(f"{address}/_history/{other}")
            assert (answer.status_code, orjson.loads(answer.data)["issue"][0]["code"]) == (404, "not-found")


def test_the_head_of_a_resource_has_no_body(reader: Reader, panel: int, people: dict[str, int]) -> None:
    for address in addresses(panel, people):
        answer = reader.send("HEAD", address)
        assert (answer.status_code, answer.data) == (200, b"")
        assert answer.headers["ETag"] == reader.get(address).headers["ETag"]


def test_a_group_has_its_members_unless_less_is_requested(
    reader: Reader, panel: int, people: dict[str, int], check_r4: Check
) -> None:
    whole = reader.json(f"/Group/{panel}")
    assert [one["entity"]["reference"] for one in whole["member"]] == [f"Patient/{one}" for one in people.values()]
    summary = reader.json(f"/Group/{panel}", {"_summary": "true"})
    check_r4(summary)
    assert "member" not in summary
    assert "characteristic" not in summary
    assert summary["quantity"] == len(people)
    assert [tag["code"] for tag in summary["meta"]["tag"]] == ["SUBSETTED"]
    members_alone = reader.json(f"/Group/{panel}", {"_elements": "member"})
    check_r4(members_alone)
    assert members_alone["member"] == whole["member"]
    assert set(members_alone) == {"resourceType", "id", "meta", "type", "actual", "member"}
    assert "member" not in reader.json(f"/Group/{panel}", {"_elements": "name,identifier"})


@pytest.mark.parametrize("query", [{"_summary": "text"}, {"_summary": "true"}, {"_elements": "identifier"}])
def test_less_of_a_resource_is_still_valid_and_says_that_it_is_less(
    reader: Reader, panel: int, people: dict[str, int], check_r4: Check, query: dict[str, str]
) -> None:
    for address in addresses(panel, people):
        part, whole = reader.json(address, query), reader.json(address)
        check_r4(part)
        assert part["meta"].pop("tag")[0]["code"] == "SUBSETTED"
        assert whole["meta"].pop("profile")  # which requires more than is left
        assert all(whole[name] == value for name, value in part.items())


def test_data_without_text_is_everything(reader: Reader, panel: int, people: dict[str, int]) -> None:
    for address in addresses(panel, people):
        assert reader.json(address, {"_summary": "data"}) == reader.json(address)
        assert reader.json(address, {"_summary": "count"}) == reader.json(address)  # which is about searches alone


def test_what_is_not_there_is_distinguished_from_what_was(
    reader: Reader, site: OscarHost, oscar: Any, clerk: Actor, panel: int, people: dict[str, int]
) -> None:
    stranger = oscar.patient()
    for address in (f"/Patient/{stranger}", "/Patient/0", "/Patient/x", "/Patient/99999999999999999999", "/Group/9"):
        assert reader.get(address).status_code == 404, address
    left = people["trudy"]
    reader.json(f"/Patient/{left}")
    one_patient.remove(site, clerk, left, seen_panel_id=panel)
    gone = reader.get(f"/Patient/{left}")
    assert gone.status_code == 410
    assert orjson.loads(gone.data)["issue"][0]["code"] == "deleted"
    editing.delete(site, clerk, panel, 1)
    assert reader.get(f"/Group/{panel}").status_code == 410


def test_a_merged_record_leads_to_the_one_kept(
    reader: Reader, oscar: Any, people: dict[str, int], check_r4: Check
) -> None:
    retired = oscar.patient()
    oscar.merge(retired, people["helene"])
    record = reader.json(f"/Patient/{retired}")
    check_r4(record)
    assert record["active"] is False
    assert record["link"] == [{"other": {"reference": f"Patient/{people['helene']}"}, "type": "replaced-by"}]


def test_a_panel_in_transition_says_so_and_is_a_new_version(
    reader: Reader, site: OscarHost, panel: int, check_r4: Check
) -> None:
    before = reader.json(f"/Group/{panel}")
    with site.database.session() as session:
        change = text("UPDATE cpar_panel SET state = 'in-transition' WHERE panel_id = :panel_id")
        session.execute(change, {"panel_id": panel})
    group = reader.json(f"/Group/{panel}")
    check_r4(group)
    assert int(group["meta"]["versionId"]) == int(before["meta"]["versionId"]) + 1
    assert group["active"] is True
    url = reader.json("/StructureDefinition/panel-state")["url"]
    assert {"url": url, "valueCode": "in-transition"} in group["extension"]
    assert url not in {one["url"] for one in before["extension"]}


def test_our_definitions_are_read(reader: Reader, panel: int, check_r4: Check) -> None:
    for address in (
        "/StructureDefinition/cpar-panel",
        "/StructureDefinition/confirmation-date",
        "/SearchParameter/group-name",
        "/CodeSystem/confirmation-how",
        "/ValueSet/confirmation-how-values",
        "/CodeSystem/panel-state",
        "/ValueSet/panel-state-values",
    ):
        check_r4(reader.json(address))
    assert reader.get("/StructureDefinition/nothing").status_code == 404


def test_a_reader_sees_their_panels_alone(
    reader_for: Callable[..., Reader],
    make_panel: Callable[..., int],
    oscar: Any,
    site: OscarHost,
    clerk: Actor,
    panel: int,
    people: dict[str, int],
) -> None:
    other = make_panel("0077", "103")
    theirs = oscar.patient(hin="100000009")
    one_patient.choose(site, clerk, theirs, other, seen_panel_id=None)
    limited = reader_for(panels=(other,))
    assert limited.get(f"/Group/{other}").status_code == 200
    assert limited.get(f"/Patient/{theirs}").status_code == 200
    for address in (
        f"/Group/{panel}",
        f"/Patient/{people['helene']}",
        "/Practitioner/101",
        "/PractitionerRole/101-000113",
    ):
        assert limited.get(address).status_code == 404, address


def test_a_name_of_one_word_is_read_alone_as_it_is_on_a_page_and_until_the_answer_is_withdrawn(
    reader: Reader, site: OscarHost, clerk: Actor, panel: int, oscar: Any
) -> None:
    """What was answered is read in one statement with the panel's providers, of whom there are two."""
    patient = oscar.patient(hin="100000009", first_name="Suharto", last_name="")
    one_patient.choose(site, clerk, patient, panel, seen_panel_id=None)
    caution, seen = Caution.GIVEN_NAME_MISSING, fingerprint(Caution.GIVEN_NAME_MISSING, (None, "Suharto", None))

    def names() -> Any:
        alone = reader.json(f"/Patient/{patient}")
        on_page = [entry["resource"] for entry in reader.json(f"/Patient?_id={patient}&_sort=_id")["entry"]]
        assert on_page == [alone]
        assert len(alone["generalPractitioner"]) == 2
        return alone["name"]

    assert names() == [{"use": "official", "given": ["Suharto"]}]
    answering.give(site, clerk, patient, caution, seen_fingerprint=seen)
    assert names() == [{"use": "official", "family": "Suharto"}]
    answering.withdraw(site, clerk, patient, caution, seen_fingerprint=seen)
    assert names() == [{"use": "official", "given": ["Suharto"]}]


def test_a_patient_is_read_only_while_the_token_is_good(
    app: Flask,
    registered: Callable[..., Registered],
    people: dict[str, int],
    panel: int,
    site: OscarHost,
    clerk: Actor,
    clock: FixedClock,
) -> None:
    client = registered()
    address = f"/Patient/{people['helene']}"

    def answered(token: str) -> int:
        return Reader(app, token).get(address).status_code

    token = client.token()
    assert (answered(token), answered(f"{token[:-1]}{'A' if token[-1] != 'A' else 'B'}")) == (200, 401)
    clinic.disable(site, clerk)
    assert answered(token) == 403
    clinic.enable(site, clerk)
    assert answered(token) == 200
    with site.database.session() as session:
        session.execute(update(tables.client).values(held_at=site.clock.now()))
    assert answered(token) == 401
    registry.allow(site, clerk, client.client_id)
    assert answered(token) == 200
    clock.move_to(clock.now() + timedelta(minutes=5))
    assert answered(token) == 401
    another = client.token()
    assert answered(another) == 200
    with site.database.session() as session:
        session.execute(insert(tables.client_panel).values(client_id=1, panel_id=panel))
    assert answered(another) == 200


def test_a_patient_takes_few_statements(reader: Reader, people: dict[str, int], statements: list[str]) -> None:
    reader.json(f"/Patient/{people['helene']}")
    statements.clear()
    reader.json(f"/Patient/{people['helene']}")
    assert len(statements) == 3, statements  # who asks with the patient, and two that record the read


def test_a_group_takes_few_statements(reader: Reader, panel: int, statements: list[str]) -> None:
    reader.json(f"/Group/{panel}")
    statements.clear()
    reader.json(f"/Group/{panel}")
    # Who asks with the panel, its roles, its rates, and two that record the read: the members are kept.
    assert len(statements) == 5, statements


def test_a_patient_is_read_and_recorded_in_one_transaction_of_mariadb(
    reader: Reader, people: dict[str, int], host: OscarHost
) -> None:
    """SQLite lets none write that has read what another has changed since: there it is two."""
    reader.json(f"/Patient/{people['helene']}")
    ends: list[str] = []
    notes = {name: partial(_note, ends, name) for name in ("commit", "rollback")}
    for name, note in notes.items():
        event.listen(host.database.engine, name, note)
    reader.json(f"/Patient/{people['helene']}")
    for name, note in notes.items():
        event.remove(host.database.engine, name, note)
    assert ends == (["commit"] if host.database.engine.dialect.name == "mysql" else ["commit", "rollback"])


def _note(ends: list[str], name: str, _: Connection) -> None:
    ends.append(name)


def test_addresses_are_those_that_the_reader_uses(reader: Reader, people: dict[str, int]) -> None:
    bundle = reader.json("/Organization")
    assert bundle["entry"][0]["fullUrl"] == f"{BASE}/Organization/clinic"


def test_affiliations_and_caseloads_are_no_groups(
    reader: Reader, panel: int, people: dict[str, int], host: OscarHost
) -> None:
    actor = host.identity.system
    everyone = host.roster.patients()
    with host.database.engine.connect() as connection:
        ids = list(connection.scalars(select(everyone.c.patient_id)))
    before = [
        orjson.loads(reader.get(address).data) for address in ("/Group?_total=accurate", "/Patient?_total=accurate")
    ]
    for kind in OTHER_KINDS.values():
        for name in ("One", "Two", "Three"):
            made = other_editing.create(host, actor, other_draft(kind, name))
        for patient_id in ids:
            other_patient.choose(host, actor, patient_id, made, seen_id=None)
    after = [
        orjson.loads(reader.get(address).data) for address in ("/Group?_total=accurate", "/Patient?_total=accurate")
    ]
    assert [bundle["total"] for bundle in after] == [bundle["total"] for bundle in before]
    assert before[0]["total"] == len(after[0]["entry"])
    assert reader.get(f"/Group/{made}").status_code == 404
