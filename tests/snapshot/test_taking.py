from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import orjson
import pytest
from fhir.resources.R4B import get_fhir_model_class
from sqlalchemy import delete, event, select, update

from cpar_plugin.domain.reasons import Reason
from cpar_plugin.domain.refusals import NotFound
from cpar_plugin.services.panels import editing
from cpar_plugin.services.snapshots import build
from cpar_plugin.services.snapshots.build import Taken
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from ..conftest import NOW_IN_UTC

Take = Callable[..., Taken]
Read = Callable[[Taken], Any]
Member = Callable[..., int]

NASTY = [
    "X",
    "O'Brien",
    "Lefèvre-Côté",
    'Quo"te\\',
    "Tab\tbed",
    "\x01Ng\x02",
    "</script>",
    "Nguyễn",
    "李",
    "a  b",
    "A\xa0B",
]


@pytest.fixture
def mess(oscar: Any, join: Member, valid_member: Member, make_panel: Callable[[str], int]) -> dict[int, set[Reason]]:
    """Members of all kinds, each with the reasons for which it is left out."""
    members: dict[int, set[Reason]] = {}

    def put(patient_id: int, *reasons: Reason) -> None:
        members[patient_id] = set(reasons)

    for text in NASTY:
        put(valid_member(last_name=text, first_name=text))
    put(valid_member(sex="U", first_name=""))
    put(valid_member(hc_type=""))
    put(valid_member(patient_status="IN"), Reason.NOT_ACTIVE)
    put(valid_member(last_name="\x01\x02"), Reason.NO_FAMILY_NAME)
    put(valid_member(born="1990-02-30"), Reason.IMPOSSIBLE_BIRTH_DATE)
    put(valid_member(born="2026-11-11"), Reason.IMPOSSIBLE_BIRTH_DATE, Reason.VISIT_BEFORE_BIRTH)
    put(valid_member(born="2026-10-06"), Reason.VISIT_BEFORE_BIRTH)
    put(valid_member(year_of_birth="", hin="", sex=""), Reason.NO_BIRTH_DATE, Reason.NO_PHN, Reason.NO_GENDER)
    put(valid_member(hin="12345"), Reason.MALFORMED_PHN)
    put(valid_member(hin="123456789", hc_type="SK"), Reason.OTHER_JURISDICTION)
    put(join(oscar.patient(hin="700000001")), Reason.NO_VISIT)
    unconfirmed = oscar.patient(hin="700000002")
    oscar.visit(unconfirmed)
    put(join(unconfirmed, confirmed_on=None, confirmed_how=None), Reason.NO_CONFIRMATION)
    put(valid_member(hin="8000-00001"), Reason.SHARED_PHN)
    elsewhere = oscar.patient(hin="800000001")
    oscar.visit(elsewhere)
    join(elsewhere, panel_id=make_panel("P-2"))
    put(valid_member(hin="800000004"))
    join(oscar.patient(hin="800000004"), panel_id=make_panel("P-4"))  # has no visit
    put(valid_member(hin="800000002"))
    join(oscar.patient(hin="800000002", patient_status="IN"), panel_id=make_panel("P-3"))
    put(valid_member(hin="800000003"))
    put(valid_member(hin="800000003", hc_type="SK"), Reason.OTHER_JURISDICTION)
    retired = valid_member()
    oscar.merge(retired, next(iter(members)))
    put(retired, Reason.UNKNOWN_PATIENT)
    put(join(987_654), Reason.UNKNOWN_PATIENT)
    return members


def test_every_member_is_sent_or_excluded_with_its_reasons(
    mess: dict[int, set[Reason]], take: Take, received: Read
) -> None:
    taken = take()
    result = received(taken)
    assert set(result.patients) == {patient_id for patient_id, reasons in mess.items() if not reasons}
    assert {patient_id: set(reasons.split()) for patient_id, reasons in result.excluded.items()} == {
        patient_id: reasons for patient_id, reasons in mess.items() if reasons
    }
    assert (taken.sent, taken.excluded) == (len(result.patients), len(result.excluded))
    assert taken.sent + taken.excluded == len(mess)
    assert taken.reasons == Counter(reason for reasons in mess.values() for reason in reasons)


def test_what_is_sent_is_valid_r4(mess: dict[int, set[Reason]], take: Take, received: Read) -> None:
    bundle = received(take()).bundle
    model = get_fhir_model_class("Bundle").model_validate_json(orjson.dumps(bundle))
    assert orjson.loads(model.model_dump_json()) == bundle


def test_every_reference_is_to_an_entry_of_the_bundle(mess: dict[int, set[Reason]], take: Take, received: Read) -> None:
    bundle = received(take()).bundle
    addresses = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(set(addresses)) == len(addresses)

    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            here = [value["reference"]] if "reference" in value else []
            return here + [result for inner in value.values() for result in references(inner)]
        return [result for inner in value for result in references(inner)] if isinstance(value, list) else []

    assert set(references(bundle)) <= set(addresses)
    assert all(entry["request"]["method"] == "PUT" and "id" not in entry["resource"] for entry in bundle["entry"])
    searches = [entry["request"]["url"] for entry in bundle["entry"]]
    assert len(set(searches)) == len(searches)


def test_the_panel_comes_with_its_clinic_facilities_and_providers(
    valid_member: Member, take: Take, received: Read
) -> None:
    valid_member()
    result = received(take())
    assert {kind: len(entries) for kind, entries in result.by_type.items()} == {
        "Organization": 1,
        "Location": 2,
        "Practitioner": 2,
        "PractitionerRole": 4,
        "Patient": 1,
        "Group": 1,
    }
    roles = [entry["fullUrl"] for entry in result.by_type["PractitionerRole"]]
    assert [one["valueReference"]["reference"] for one in result.group["characteristic"]] == roles
    (patient,) = result.by_type["Patient"]
    assert [one["reference"] for one in patient["resource"]["generalPractitioner"]] == roles
    assert result.by_type["Organization"][0]["resource"]["identifier"][0]["value"] == "S-1"
    assert [one["resource"]["identifier"][0]["value"] for one in result.by_type["Location"]] == ["000113", "000114"]
    assert result.group["identifier"][0]["value"] == "P-1"
    assert result.group["quantity"] == 1


def test_a_member_is_sent_with_confirmation_and_last_visit(
    oscar: Any, valid_member: Member, take: Take, received: Read
) -> None:
    patient_id = valid_member()
    oscar.visit(patient_id, "2026-10-20")
    oscar.visit(patient_id, "2026-11-09", status="CS")
    oscar.visit(patient_id, "2026-12-01")
    (member,) = received(take()).group["member"]
    values = {one["url"].rpartition("/")[2]: one.get("valueDate", one.get("valueCode")) for one in member["extension"]}
    assert values == {
        "confirmation-date": "2026-03-01",
        "confirmation-how": "by-person",
        "last-visit-date": "2026-10-20",
        "ext-changeType": "new",
    }
    assert member["period"] == {"start": "2026-03-01T16:00:00Z"}


def test_two_snapshots_of_the_same_data_differ_in_their_identifier_only(
    mess: dict[int, set[Reason]], take: Take, received: Read
) -> None:
    first, second = take(), take()
    assert first.snapshot_id != second.snapshot_id
    bundles = [received(taken).bundle for taken in (first, second)]
    for taken, bundle in zip((first, second), bundles, strict=True):
        assert bundle.pop("identifier")["value"] == f"urn:uuid:{taken.snapshot_id}"
    assert bundles[0] == bundles[1]
    assert bundles[0]["timestamp"] == NOW_IN_UTC


def test_an_empty_panel_sends_no_one(take: Take, received: Read) -> None:
    taken = take()
    assert (taken.sent, taken.excluded) == (0, 0)
    assert "member" not in received(taken).group


def test_a_panel_without_a_valid_patient_sends_no_one_and_says_why(
    valid_member: Member, take: Take, received: Read
) -> None:
    patient_id = valid_member(patient_status="DE")
    taken = take()
    result = received(taken)
    assert (taken.sent, taken.excluded, result.excluded) == (0, 1, {patient_id: "not-active"})
    get_fhir_model_class("Bundle").model_validate_json(orjson.dumps(result.bundle))
    assert (result.group["quantity"], result.group.get("member")) == (0, None)


def test_who_is_on_another_panel_is_not_in_it(
    oscar: Any, valid_member: Member, join: Member, make_panel: Callable[[str], int], take: Take, received: Read
) -> None:
    mine = valid_member()
    other_panel = make_panel("P-2")
    theirs = join(oscar.patient(hin="700000001"), panel_id=other_panel)
    oscar.visit(theirs)
    assert set(received(take()).patients) == {mine}
    assert set(received(take(other_panel)).patients) == {theirs}


def test_a_deleted_panel_cannot_be_taken(host: OscarHost, panel_id: int, take: Take) -> None:
    editing.delete(host, host.identity.system, panel_id, 1)
    with pytest.raises(NotFound, match="deleted"):
        take()


def test_a_provider_who_left_the_emr_is_still_sent_with_the_practitioner_id(
    host: OscarHost, emr: OscarHost, valid_member: Member, take: Take, received: Read
) -> None:
    valid_member()
    provider = host.tables.provider
    with emr.database.writing() as connection:
        connection.execute(delete(provider).where(provider.c.provider_no == "102"))
    _, gone = received(take()).by_type["Practitioner"]
    assert gone["resource"]["identifier"][0]["value"] == "100000002"
    assert gone["resource"]["active"] is False


def test_a_given_name_can_be_made_a_must(
    host: OscarHost, settings: Any, panel_id: int, valid_member: Member, received: Read
) -> None:
    patient_id = valid_member(first_name="")
    strict = settings.model_copy(update={"given_name_required": True})
    taken = build.take(host, strict, panel_id, now=host.clock.now())
    assert received(taken).excluded == {patient_id: "no-given-name"}


def test_a_change_in_the_middle_is_in_the_next_snapshot_whole_and_in_this_one_not_at_all(
    host: OscarHost, panel_id: int, valid_member: Member, take: Take, received: Read
) -> None:
    remaining, leaving = valid_member(), valid_member()
    moved: list[bool] = []

    def meddle(*arguments: Any) -> None:
        statement = arguments[2]
        if moved or "cpar_panel_facility" not in statement or not statement.startswith("SELECT"):
            return
        moved.append(True)
        with host.database.writing() as connection:
            connection.execute(delete(tables.member).where(tables.member.c.patient_id == leaving))
            connection.execute(update(tables.member).values(confirmed_on=date(2026, 11, 1)))
            of_101 = tables.practitioner.c.provider_id == "101"
            connection.execute(update(tables.practitioner).where(of_101).values(practitioner_id="900000009"))

    event.listen(host.database.engine, "after_cursor_execute", meddle)
    first = received(take())
    event.remove(host.database.engine, "after_cursor_execute", meddle)
    second = received(take())

    def seen(found: Any) -> tuple[set[int], str, set[str]]:
        extensions = [one for member in found.group["member"] for one in member["extension"]]
        practitioner = found.by_type["Practitioner"][0]["resource"]
        dates = {one["valueDate"] for one in extensions if "valueDate" in one}
        return set(found.patients), practitioner["identifier"][0]["value"], dates

    assert moved
    assert seen(first) == ({remaining, leaving}, "100000001", {"2026-03-01", "2026-10-05"})
    assert seen(second) == ({remaining}, "900000009", {"2026-11-01", "2026-10-05"})


def test_the_snapshots_row_says_what_was_taken(host: OscarHost, mess: dict[int, set[Reason]], take: Take) -> None:
    taken = take()
    with host.database.engine.connect() as connection:
        row = connection.execute(select(tables.snapshot)).one()
    assert (row.snapshot_id, row.sent, row.excluded, row.body_bytes, row.sha256) == (
        taken.snapshot_id,
        taken.sent,
        taken.excluded,
        taken.body_bytes,
        taken.sha256,
    )
    assert orjson.loads(row.reasons) == taken.reasons
    assert row.taken_at - host.clock.now() == timedelta(0)
