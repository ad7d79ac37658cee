"""`Group/[id]/$confirm`: a kiosk says that a member was asked. Exactly once, and known for ever as the client's."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from cpar_plugin.domain.confirmation import ConfirmedHow
from cpar_plugin.fhir_mappings.panel_group import instant
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.history import of_patient
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.store.tables import client_confirmation, ledger
from oscar_host.host import OscarHost

from ..signing_in import sign_in
from .rest import BASE, MANAGER, Json, Reader

TODAY = date(2026, 11, 10)
KIOSK = "system/Group.u"
Check = Callable[[Json], None]


@pytest.fixture
def kiosk(reader_for: Callable[..., Reader]) -> Reader:
    return reader_for("Kiosk at the door", scopes=KIOSK)


@pytest.fixture
def member(
    site: OscarHost, oscar: Any, clock: FixedClock, clerk: Actor, panel: int, reader_for: Callable[..., Reader]
) -> int:
    """A member of the panel since 30 days ago, confirmed then."""
    patient_id: int = oscar.patient(last_name="Long", first_name="Ago")
    now = clock.now()
    clock.move_to(now - timedelta(days=30))
    one_patient.choose(site, clerk, patient_id, panel, seen_panel_id=None)
    clock.move_to(now)
    return patient_id


def asked(member: object, key: str = "k1", day: date | str = TODAY, **changes: Any) -> Json:
    """The Parameters; a change to None leaves one out."""
    values = {
        "patient": {"valueReference": {"reference": f"Patient/{member}"}},
        "date": {"valueDate": str(day)},
        "idempotencyKey": {"valueString": key},
    } | changes
    return {
        "resourceType": "Parameters",
        "parameter": [{"name": name, **value} for name, value in values.items() if value is not None],
    }


def send(sender: Reader, panel: object, body: Any, content_type: str = "application/fhir+json") -> TestResponse:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return sender.send("POST", f"/Group/{panel}/$confirm", data=data, content_type=content_type)


def stored(site: OscarHost) -> tuple[int, int]:
    """How many changes of confirmations by clients there are in the ledger, and how many keys are stored."""
    how = ConfirmedHow.AT_CHECK_IN
    with site.database.engine.connect() as connection:
        changes = connection.scalar(select(func.count()).select_from(ledger).where(ledger.c.to_confirmed_how == how))
        keys = connection.scalar(select(func.count()).select_from(client_confirmation))
    return int(changes or 0), int(keys or 0)


def test_a_member_is_confirmed_once_as_asked_by_the_client(
    site: OscarHost,
    clerk: Actor,
    clock: FixedClock,
    oscar: Any,
    kiosk: Reader,
    panel: int,
    member: int,
    placed: Any,
    check_r4: Check,
) -> None:
    first = send(kiosk, panel, asked(member))
    assert first.status_code == 200, first.text
    assert first.content_type == "application/fhir+json; charset=utf-8"
    answer = orjson.loads(first.data)
    check_r4(answer)
    assert {one["name"]: one[next(key for key in one if key != "name")] for one in answer["parameter"]} == {
        "outcome": "confirmed",
        "patient": {"reference": f"Patient/{member}"},
        "date": "2026-11-10",
        "recorded": instant(clock.now()),
    }
    assert (placed()[member].confirmed_on, placed()[member].confirmed_how) == (TODAY, ConfirmedHow.AT_CHECK_IN)
    clock.move_to(clock.now() + timedelta(minutes=2))
    again = send(kiosk, panel, asked(f"{member}"))
    assert (again.status_code, again.data) == (200, first.data)
    assert stored(site) == (1, 1)
    (latest, _) = of_patient.of_patient(site, clerk, member)
    assert (latest.text, latest.by) == ("Confirmed on panel 0042", "Kiosk at the door")
    assert latest.confirmed_how is ConfirmedHow.AT_CHECK_IN
    log = site.tables.log
    query = select(log).where(log.c.action == "update", log.c.demographic_no == member)
    with site.database.engine.connect() as connection:
        line = connection.execute(query).one()
    assert (line.provider_no, line.ip) == ("client-1", "127.0.0.1")
    assert line.data.endswith(", by Kiosk at the door")


def test_a_day_when_it_was_offline_counts_and_never_moves_a_confirmation_back(
    site: OscarHost, kiosk: Reader, panel: int, member: int, placed: Any
) -> None:
    yesterday = TODAY - timedelta(days=1)
    assert b'"confirmed"' in send(kiosk, panel, asked(member, "a", yesterday)).data
    assert placed()[member].confirmed_on == yesterday
    assert b'"confirmed"' in send(kiosk, panel, asked(member, "b")).data
    for key, day in (("c", yesterday), ("d", TODAY)):
        assert b'"unchanged"' in send(kiosk, panel, asked(member, key, day)).data
    assert placed()[member].confirmed_on == TODAY
    assert stored(site) == (2, 4)


def test_two_at_once_with_one_key_confirm_once(
    app: Flask, site: OscarHost, kiosk: Reader, panel: int, member: int
) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = [*pool.map(lambda _: send(kiosk, panel, asked(member)), range(4))]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.data for answer in answers}) == 1
    assert stored(site) == (1, 1)


def test_every_refusal_says_why_and_changes_nothing(
    site: OscarHost,
    clerk: Actor,
    oscar: Any,
    make_panel: Callable[..., int],
    kiosk: Reader,
    reader_for: Callable[..., Reader],
    panel: int,
    member: int,
    placed: Any,
    check_r4: Check,
) -> None:
    other, gone = make_panel("0050", "103"), make_panel("0051", "103")
    editing.delete(site, clerk, gone, 1)
    free, dead = oscar.patient(), oscar.patient(patient_status="DE")
    one_patient.choose(site, clerk, dead, panel, seen_panel_id=None)
    limited = reader_for("One panel", scopes=KIOSK, panels=(other,))
    assert send(kiosk, panel, asked(member, "used", TODAY - timedelta(days=2))).status_code == 200
    before = placed(), stored(site)
    string = {"valueString": "x"}
    for sender, group, body, status, code, words in (
        (kiosk, panel, asked(member, "used"), 422, "business-rule", "was used for another"),
        (kiosk, other, asked(member, "used", TODAY - timedelta(days=2)), 422, "business-rule", "was used for another"),
        (kiosk, other, asked(member), 422, "business-rule", "not a member"),
        (kiosk, panel, asked(free), 422, "business-rule", "not a member"),
        (kiosk, panel, asked(987654), 422, "business-rule", "not a member"),
        (kiosk, panel, asked(dead), 422, "business-rule", "deceased"),
        (kiosk, panel, asked(member, "k", TODAY + timedelta(days=1)), 422, "business-rule", "in the future"),
        (kiosk, panel, asked(member, "k", TODAY - timedelta(days=31)), 422, "business-rule", "before the patient"),
        (kiosk, panel, asked(member, "k", "2026-11"), 400, "invalid", "such as 2026-11-10"),
        (kiosk, panel, asked(member, "k", "2026-02-30"), 400, "invalid", "such as 2026-11-10"),
        (kiosk, panel, asked(member, "k" * 65), 400, "invalid", "visible ASCII"),
        (kiosk, panel, asked(member, "k k"), 400, "invalid", "visible ASCII"),
        (kiosk, panel, asked("x"), 400, "invalid", "does not refer to a Patient"),
        (kiosk, panel, asked(member, patient={"valueReference": {"reference": f"Group/{panel}"}}), 400, "invalid", ""),
        (kiosk, panel, asked(member, patient=None), 400, "invalid", "each of these parameters once"),
        (kiosk, panel, asked(member, date=None), 400, "invalid", "each of these parameters once"),
        (kiosk, panel, asked(member, idempotencyKey=None), 400, "invalid", "each of these parameters once"),
        (kiosk, panel, asked(member, more=string), 400, "invalid", "each of these parameters once"),
        (kiosk, panel, asked(member, patient={"valueReference": {}}), 400, "invalid", "Parameters resource"),
        (kiosk, panel, asked(member, date={"valueInteger": 3}), 400, "invalid", "Parameters resource"),
        (kiosk, panel, b"[]", 400, "invalid", "Parameters resource"),
        (kiosk, panel, b"{", 400, "invalid", "Parameters resource"),
        (kiosk, panel, b"", 400, "invalid", "each of these parameters once"),
        (kiosk, panel, b" " * 40_000, 413, "too-long", "too large"),
        (kiosk, gone, asked(member), 410, "deleted", "deleted"),
        (kiosk, 4711, asked(member), 404, "not-found", "not found"),
        (kiosk, "x", asked(member), 404, "not-found", "not found"),
        (limited, panel, asked(member), 404, "not-found", "not found"),
        (Reader(kiosk.app, "wrong"), panel, asked(member), 401, "login", "token"),
        (reader_for("Reader", scopes="system/*.rs"), panel, asked(member), 403, "forbidden", KIOSK),
    ):
        answer = send(sender, group, body)
        assert (answer.status_code, answer.content_type.partition(";")[0]) == (status, "application/fhir+json"), body
        outcome = orjson.loads(answer.data)
        check_r4(outcome)
        assert [issue["code"] for issue in outcome["issue"]] == [code], answer.text
        assert words in outcome["issue"][0]["diagnostics"], answer.text
        assert not {"Long", "987654", "kk"} & set(outcome["issue"][0]["diagnostics"].split())
    assert send(kiosk, panel, asked(member), "application/x-www-form-urlencoded").status_code == 415
    assert kiosk.get(f"/Group/{panel}/$confirm").status_code == 405
    assert (placed(), stored(site)) == before
    assert send(kiosk, panel, asked(member, "k")).status_code == 200, "a refused key can be used again"


def test_a_reference_may_be_absolute_and_keys_are_the_clients_own(
    site: OscarHost, kiosk: Reader, reader_for: Callable[..., Reader], panel: int, member: int
) -> None:
    absolute = asked(member, patient={"valueReference": {"reference": f"{BASE}/Patient/{member}"}})
    assert send(kiosk, panel, absolute, "application/json").status_code == 200
    assert send(reader_for("Second kiosk", scopes=KIOSK), panel, asked(member)).status_code == 200
    assert stored(site) == (1, 2)


def test_it_counts_as_a_request(site: OscarHost, served: Any, registered: Any, panel: int, member: int) -> None:
    client = registered("Kiosk", scopes=KIOSK)
    busy = Reader(served(site, {"fhir_requests_per_minute": "1"}), client.token(KIOSK))
    statuses = [send(busy, panel, asked(member)).status_code for _ in range(2)]
    assert statuses == [200, 429]


def test_a_person_confirms_on_the_pages_of_the_emr_and_not_here(
    app: Flask, site: OscarHost, staff: None, panel: int, member: int
) -> None:
    browser = app.test_client()
    sign_in(browser, MANAGER)
    page = browser.get("/cpar/settings").get_data(as_text=True)
    headers = {"X-CSRFToken": page.partition('name="csrf_token" value="')[2].partition('"')[0]}
    answer = browser.post(f"/fhir/Group/{panel}/$confirm", json=asked(member), headers=headers)
    assert answer.status_code == 403
    assert KIOSK in answer.text
    assert stored(site) == (0, 0)
