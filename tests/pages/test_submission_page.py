"""One submission's page: what became of it, exactly what was sent, who was left out, and what changed since."""

import csv
import hashlib
import io
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

import orjson
import pytest
from sqlalchemy import delete, select, update

from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.services.snapshots import retention
from cpar_plugin.services.submissions import requests
from cpar_plugin.services.submissions.run import run_due
from cpar_plugin.settings import Settings, load
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from ..conftest import ALBERTA
from .conftest import BARRED

pytestmark = pytest.mark.databases("one")

_ROW = re.compile(r'<th scope="row">.*?</tr>')


def text(answer: Any, status: int = 200) -> str:
    """The page in one line, without the marks that only format."""
    assert answer.status_code == status
    page = re.sub(r"\s+", " ", answer.get_data(as_text=True))
    return re.sub(r"</?(strong|p|time)\b[^>]*>", "", page).replace("&#39;", "'")


def rows(page: str) -> list[str]:
    """The rows of the list, without their marks."""
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", row)).strip() for row in _ROW.findall(page)]


class Clinic(NamedTuple):
    """A panel whose submissions go to a folder, night after night."""

    host: OscarHost
    oscar: Any
    clock: FixedClock
    settings: Settings
    panel: int

    def patient(self, family: str, phn: str, *, seen: str | None = "2026-10-05", **columns: Any) -> int:
        """A member of the panel."""
        patient_id: int = self.oscar.patient(last_name=family, hin=phn, **columns)
        if seen:
            self.oscar.visit(patient_id, seen)
        one_patient.choose(self.host, self.host.identity.system, patient_id, self.panel, seen_panel_id=None)
        return patient_id

    def record(self, patient_id: int, **columns: Any) -> None:
        """Change a record in the EMR."""
        table = self.host.tables.demographic
        with self.oscar.database.writing() as connection:
            connection.execute(update(table).where(table.c.demographic_no == patient_id).values(columns))

    def submit(self, settings: Settings | None = None) -> int:
        """Submit the panel, and let the night pass until it is sent; returns the submission's id."""
        asked = requests.ask(self.host, load({}), self.host.identity.system, self.panel)
        night = (self.clock.now() + timedelta(days=1)).astimezone(ALBERTA).replace(hour=3, minute=15)
        self.clock.move_to(night)
        run_due(self.host, settings or self.settings, self.clock.now())
        return asked

    def file(self) -> bytes:
        """The newest file in the folder."""
        return max(self.settings.outbox_folder.glob("*.json"), key=lambda file: file.stat().st_mtime_ns).read_bytes()

    def audited(self) -> list[tuple[str, str, str]]:
        """What the audit trail says about reading submissions."""
        log = self.host.tables.log
        read = select(log.c.provider_no, log.c.contentId, log.c.data).where(
            log.c.action == "read", log.c.contentId.startswith("/cpar/submissions")
        )
        with self.host.database.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(read)]


@pytest.fixture
def clinic(host: OscarHost, oscar: Any, clock: FixedClock, panel: int, tmp_path: Path) -> Clinic:
    return Clinic(host, oscar, clock, load({"outbox_folder": str(tmp_path / "outbox")}), panel)


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    of_lists = ("searched_list.AT_ONCE", "searched_list._READ_AT_ONCE", "patient_lists._READ_AT_ONCE")
    for name in (*of_lists, "sorted_list._AT_ONCE"):
        monkeypatch.setattr(f"cpar_plugin.services.submissions.{name}", 2)


def test_patients_are_shown_as_they_were_sent_not_as_the_emr_has_them_now(clinic: Clinic, manager: Any) -> None:
    patient = clinic.patient("Wren", "100000001", first_name="Zoë", born="1977-03-04")
    sent = clinic.submit()
    clinic.record(patient, last_name="Finch", hin="999999999", year_of_birth="1978")
    page = text(manager.get(f"/cpar/submissions/{sent}"))
    [row] = rows(page)
    assert row == f"WREN, Zoë {patient} Mar 4, 1977 female 100000001 Oct 5, 2026 Nov 10, 2026 on adding"
    assert f'<a href="/patients/{patient}">WREN, Zoë</a>' in page


def test_the_facts_show_what_became_of_it(clinic: Clinic, manager: Any) -> None:
    clinic.patient("Wren", "100000001")
    sent = clinic.submit()
    page = text(manager.get(f"/cpar/submissions/{sent}"))
    body = clinic.file()
    for fact in (
        "Written to folder",
        "Nov 10, 2026, 10:00 AM, Automatic",
        "Nov 11, 2026, 3:15 AM",
        hashlib.sha256(body).hexdigest(),
        orjson.loads(body)["identifier"]["value"].removeprefix("urn:uuid:"),
        "Submitted: 1",
        "Excluded: 0",
    ):
        assert fact in page, fact


def test_a_failure_is_reported_with_its_retry(clinic: Clinic, manager: Any) -> None:
    clinic.patient("Wren", "100000001")
    nobody_there = load({"transport": "fhir", "registry_url": "http://127.0.0.1:9/fhir"})
    failed = clinic.submit(nobody_there)
    for _ in range(40):
        clinic.clock.move_to(clinic.clock.now() + timedelta(hours=1))
        run_due(clinic.host, nobody_there, clinic.clock.now())
    page = text(manager.get(f"/cpar/submissions/{failed}"))
    assert "All attempts within a day failed. Press Retry" in page
    assert "Prepared: 1" in page
    [retry] = re.findall(r'action="(/cpar/submissions/\d+/retry)"', page)
    assert manager.post(retry).status_code == 303
    assert "/retry" not in text(manager.get(f"/cpar/submissions/{failed}"))


def test_what_is_queued_has_no_patients_yet_and_can_be_cancelled(clinic: Clinic, manager: Any) -> None:
    clinic.patient("Wren", "100000001")
    queued = requests.ask(clinic.host, load({}), clinic.host.identity.system, clinic.panel)
    page = text(manager.get(f"/cpar/submissions/{queued}"))
    assert "Patients will be read when the submission runs." in page
    assert f'action="/cpar/submissions/{queued}/cancel"' in page
    assert clinic.audited() == []
    assert manager.get(f"/cpar/submissions/{queued}/file").status_code == 404


def test_those_excluded_are_listed_with_reasons_and_a_link_to_fix_them(clinic: Clinic, manager: Any) -> None:
    clinic.patient("Wren", "100000001")
    bad = clinic.patient("Finch", "", seen=None)
    sent = clinic.submit()
    page = text(manager.get(f"/cpar/submissions/{sent}", show="excluded"))
    [row] = rows(page)
    assert row.startswith(
        f"FINCH, Pat {bad} Feb 3, 1980 No PHN. Enter the patient's PHN. EMR field: Health Ins. #. No visit in the past."
    )
    assert f'<a href="/patients/{bad}">FINCH, Pat</a>' in page


@pytest.mark.databases("both")
def test_the_changes_since_the_one_before_name_everyone_and_what_it_is(
    clinic: Clinic, manager: Any, other_panel: int
) -> None:
    actor = clinic.host.identity.system
    clinic.patient("Same", "100000001")
    renamed = clinic.patient("Wren", "100000002")
    away = clinic.patient("Away", "100000003")
    gone = clinic.patient("Gone", "100000004")
    inactive = clinic.patient("Idle", "100000005")
    fixed = clinic.patient("Mended", "")
    first = clinic.submit()
    page = text(manager.get(f"/cpar/submissions/{first}", show="added"))
    assert "No earlier submission of this panel was delivered" in page

    clinic.record(renamed, last_name="Finch")
    clinic.oscar.visit(renamed, "2026-11-10")
    one_patient.choose(clinic.host, actor, away, other_panel, seen_panel_id=clinic.panel)
    one_patient.remove(clinic.host, actor, gone, seen_panel_id=clinic.panel)
    clinic.record(inactive, patient_status="IN")
    clinic.record(fixed, hin="100000006")
    added = clinic.patient("Added", "100000007")
    second = clinic.submit()

    page = text(manager.get(f"/cpar/submissions/{second}"))
    for count in ("Submitted: 4", "Excluded: 1", "Added: 2", "Removed: 3", "Changed: 1"):
        assert count in page, count
    page = text(manager.get(f"/cpar/submissions/{second}", show="added"))
    assert rows(page) == [
        f"ADDED, Pat {added} Feb 3, 1980 Was not on this panel",
        f"MENDED, Pat {fixed} Feb 3, 1980 No PHN",
    ]
    assert f'href="/cpar/submissions/{first}">submission of Nov 11, 2026, 3:15 AM' in page
    page = text(manager.get(f"/cpar/submissions/{second}", show="removed"))
    assert [row.partition(" Feb 3, 1980 ")[2].partition(" Correct the")[0] for row in rows(page)] == [
        "No longer on this panel; now on panel 0077",
        "No longer on this panel; now Not Paneled",
        "Excluded from this submission: Patient is not active.",
    ]
    page = text(manager.get(f"/cpar/submissions/{second}", show="changed"))
    assert rows(page) == [
        f"FINCH, Pat {renamed} Feb 3, 1980 Family name: Wren &rarr; changed to Finch "
        "Last visit: Oct 5, 2026 &rarr; changed to Nov 10, 2026"
    ]


@pytest.mark.databases("both")
def test_a_submission_is_compared_with_the_last_that_arrived(clinic: Clinic, manager: Any) -> None:
    clinic.patient("Wren", "100000001")
    arrived = clinic.submit()
    clinic.patient("Finch", "100000002")
    lost = clinic.submit(load({"transport": "fhir", "registry_url": "http://127.0.0.1:9/fhir"}))
    clinic.clock.move_to(clinic.clock.now() + timedelta(days=2))
    run_due(clinic.host, load({"transport": "fhir", "registry_url": "http://127.0.0.1:9/fhir"}), clinic.clock.now())
    last = clinic.submit()
    for one in (lost, last):
        page = text(manager.get(f"/cpar/submissions/{one}", show="added"))
        assert "Added: 1" in page
        assert f'href="/cpar/submissions/{arrived}">submission of' in page


@pytest.mark.databases("both")
@pytest.mark.parametrize("show", ["sent", "excluded", "added", "removed", "changed"])
def test_pages_show_everyone_once(clinic: Clinic, manager: Any, few_at_once: None, show: str) -> None:
    remaining = [clinic.patient("Staying", f"10000000{number}") for number in range(5)]
    for number in range(5):
        leaving = clinic.patient("Leaving", f"20000000{number}")
        clinic.patient("Out", "")
        remaining.append(leaving)
    clinic.submit()
    for patient in remaining[:5]:
        clinic.record(patient, first_name="Other")
    for patient in remaining[5:]:
        one_patient.remove(clinic.host, clinic.host.identity.system, patient, seen_panel_id=clinic.panel)
    for number in range(5):
        clinic.patient("Coming", f"30000000{number}")
    sent = clinic.submit()
    result, address = [], f"/cpar/submissions/{sent}?show={show}&sort=record"
    while address:
        page = text(manager.get(address))
        assert len(rows(page)) <= 2
        result += rows(page)
        following = re.findall(r'href="([^"]+)">Next page', page)
        address = following[0].replace("&amp;", "&") if following else ""
    ids = [int(re.findall(r" (\d+) Feb 3, ", row)[0]) for row in result]
    assert ids == sorted(set(ids))
    assert len(ids) == {"sent": 10}.get(show, 5)
    last = re.findall(
        r'href="([^"]+)">Last page', text(manager.get(f"/cpar/submissions/{sent}?show={show}&sort=record"))
    )
    assert rows(text(manager.get(last[0].replace("&amp;", "&")))) == rows(page)


@pytest.mark.databases("both")
def test_lists_are_by_name_can_be_searched_and_are_printed_and_exported_as_they_are_shown(
    clinic: Clinic, manager: Any, few_at_once: None
) -> None:
    born = {"born": "1977-03-04"}
    remaining = {
        name: clinic.patient(name, f"10000000{place}", **born)
        for place, name in enumerate(("Zorn", "Éluard", "wren", "Adler"))
    }
    excluded = {name: clinic.patient(name, "", **born) for name in ("Finch", "Berg")}
    clinic.submit()
    for name in ("Zorn", "Adler"):
        clinic.record(remaining[name], first_name="Other")
    one_patient.remove(clinic.host, clinic.host.identity.system, remaining["wren"], seen_panel_id=clinic.panel)
    added = [clinic.patient(name, f"20000000{place}", **born) for place, name in enumerate(("Nkemelu", "Bird", "Cole"))]
    address = f"/cpar/submissions/{clinic.submit()}"

    def ids(page: str) -> list[int]:
        return [int(results) for results in re.findall(r'<td[^>]* class="cpar-number">(\d+)</td>', page)]

    def listed(**query: str) -> list[int]:
        """On all pages; the print and the file must have the same."""
        results: list[int] = []
        following = f"{address}?{urlencode(query)}"
        while following:
            page = text(manager.get(following))
            results += ids(page)
            following = "".join(re.findall(r'href="([^"]+)">Next page', page)).replace("&amp;", "&")
        paper = text(manager.get(f"{address}/print", **query))
        assert (ids(paper), "Next page" in paper, paper.count("&#9744;")) == (results, False, len(results))
        rows_of_file = csv.DictReader(io.StringIO(manager.get(f"{address}/export", **query).data.decode("utf-8-sig")))
        assert [int(row["Record"]) for row in rows_of_file] == results
        return results

    def token(word: str, **query: str) -> str:
        location: str = manager.post(address, text=word, **query).location
        assert len(word) < 5 or word not in location
        return parse_qs(urlsplit(location).query)["search"][0]

    sent = [remaining["Adler"], added[1], added[2], remaining["Éluard"], added[0], remaining["Zorn"]]
    assert listed() == sent
    assert listed(sort="-name") == sent[::-1]
    assert listed(sort="record") == sorted(sent)
    assert listed(sort="-born") == sorted(sent, reverse=True)
    assert listed(show="excluded") == [excluded["Berg"], excluded["Finch"]]
    assert listed(show="added") == [added[1], added[2], added[0]]
    assert listed(show="removed") == [remaining["wren"]]
    assert listed(show="changed") == [remaining["Adler"], remaining["Zorn"]]
    for word, results in (
        ("eluard", [remaining["Éluard"]]),
        ("other z", [remaining["Zorn"]]),
        ("100-000-003", [remaining["Adler"]]),
        (str(added[2]), [added[2]]),
        ("1977-03-04", sent),
        ("nobody", []),
    ):
        assert listed(search=token(word)) == results, word
    assert listed(show="excluded", search=token("fin", show="excluded")) == [excluded["Finch"]]
    assert listed(show="changed", search=token("ADLER", show="changed"), sort="record") == [remaining["Adler"]]
    page = text(manager.get(address, search=token("nobody")))
    assert "No matching patients." in page
    assert 'value="nobody"' in page
    assert "Filters: search \u201cwren\u201d." in text(manager.get(f"{address}/print", search=token("wren")))
    file = manager.get(f"{address}/export", show="changed")
    assert "Given names: Pat -> Other" in file.text
    assert file.headers["Content-Disposition"].endswith('-changed.csv"')


def test_a_list_that_is_no_longer_kept_is_neither_printed_nor_exported(clinic: Clinic, manager: Any) -> None:
    clinic.patient("Wren", "100000001")
    sent = clinic.submit()
    for part in ("print", "export"):
        assert manager.get(f"/cpar/submissions/{sent}/{part}", show="added").status_code == 404  # nothing before it
    with clinic.host.database.session() as session:
        session.execute(delete(tables.snapshot_piece))
    for part in ("print", "export"):
        assert manager.get(f"/cpar/submissions/{sent}/{part}").status_code == 404


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"show": "other"}, 422),
        ({"page": "x"}, 422),
        ({"sort": "phn"}, 422),
        ({"page": "9" * 19}, 422),
        ({"page": "2"}, 404),
        ({"page": "9" * 18}, 404),
        ({"show": "excluded", "page": "2"}, 404),
        ({"show": "excluded", "page": "9" * 18}, 404),
        ({"page": "0"}, 200),
    ],
    ids=str,
)
def test_a_list_that_there_is_not_is_refused(clinic: Clinic, manager: Any, query: dict[str, str], status: int) -> None:
    clinic.patient("Wren", "100000001")
    sent = clinic.submit()
    assert manager.get(f"/cpar/submissions/{sent}", **query).status_code == status


def test_a_submission_that_there_is_not_is_not_found(manager: Any, panel: int) -> None:
    for part in ("", "/file"):
        assert manager.get(f"/cpar/submissions/4711{part}").status_code == 404


def test_the_file_is_what_was_sent_byte_for_byte(clinic: Clinic, manager: Any) -> None:
    clinic.patient("Wren", "100000001")
    sent = clinic.submit()
    answer = manager.get(f"/cpar/submissions/{sent}/file")
    assert answer.get_data() == clinic.file()
    assert answer.headers["Content-Type"] == "application/fhir+json"
    assert int(answer.headers["Content-Length"]) == len(clinic.file())
    name = f'attachment; filename="submission-{sent}-panel-0042-2026-11-11.json"'
    assert answer.headers["Content-Disposition"] == name
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_user_who_is_barred_from_a_patient_sees_neither_them_nor_the_file(
    clinic: Clinic, manager: Any, barred: Any, cpar_role: Any
) -> None:
    clinic.patient("Open", "100000001")
    closed = clinic.patient("Closed", "100000002")
    out = clinic.patient("Out", "")
    first = clinic.submit()
    for patient in (closed, out):
        clinic.oscar.privilege(BARRED, f"_demographic${patient}", "o")
    clinic.record(closed, first_name="Other")
    clinic.record(out, hin="100000003")
    second = clinic.submit()
    for sent, show in ((first, "sent"), (first, "excluded"), (second, "sent"), (second, "added"), (second, "changed")):
        address = f"/cpar/submissions/{sent}?show={show}"
        page = text(barred.get(address))
        assert "CLOSED" not in page
        assert "OUT, Pat" not in page
        assert "not shown: no access to" in page
        assert len(rows(page)) == (1 if show == "sent" else 0)
        assert "not shown" not in text(manager.get(address))
        assert rows(text(cpar_role.get(address))) == []
    for person in (barred, cpar_role):
        assert "Ask an administrator" in text(person.get(f"/cpar/submissions/{second}/file"), 403)


def test_a_client_that_reads_patients_leaves_a_record_without_their_data(
    clinic: Clinic, manager: Any, cpar_role: Any
) -> None:
    wren, finch = clinic.patient("Wren", "100000001"), clinic.patient("Finch", "")
    sent = clinic.submit()
    address = f"/cpar/submissions/{sent}"
    manager.get(address)
    manager.get(address, show="excluded")
    manager.get(f"{address}/file")
    cpar_role.get(address)  # sees nobody
    cpar_role.get(f"{address}/file")
    assert clinic.audited() == [
        ("301", address, f"submission: {wren}"),
        ("301", address, f"submission: {finch}"),
        ("301", f"{address}/file", f"submission file: {wren}"),
    ]


def test_a_patient_who_is_gone_from_the_emr_is_shown_as_sent(clinic: Clinic, manager: Any) -> None:
    patient, kept = clinic.patient("Wren", "100000001"), clinic.patient("Wren", "100000002")
    sent = clinic.submit()
    clinic.oscar.merge(patient, kept)
    page = text(manager.get(f"/cpar/submissions/{sent}"))
    merged = f"Merged into {kept} . This patient's panel is shown on that record. {patient}"
    assert rows(page)[0].startswith(f"WREN, Pat {merged}")
    assert f"/patients/{patient}" not in page
    second = clinic.submit()
    [row] = rows(text(manager.get(f"/cpar/submissions/{second}", show="removed")))
    assert row.startswith(f"Merged into {kept} {patient} - No longer on this panel")


def test_after_its_time_the_contents_are_gone_and_the_numbers_remain(clinic: Clinic, manager: Any) -> None:
    clinic.patient("Wren", "100000001")
    clinic.patient("Finch", "")
    first = clinic.submit()
    second = clinic.submit()
    with clinic.host.database.writing() as connection:
        old = select(tables.submission.c.snapshot_id).where(tables.submission.c.submission_id == first)
        moved = tables.snapshot.c.snapshot_id == connection.scalar(old)
        connection.execute(update(tables.snapshot).where(moved).values(taken_at=datetime(2020, 1, 1, tzinfo=ALBERTA)))
    assert retention.forget(clinic.host, clinic.settings, now=clinic.clock.now()) == 1
    page = text(manager.get(f"/cpar/submissions/{first}"))
    assert "Submitted: 1" in page
    assert rows(page) == []
    assert "are deleted after 730 days" in page
    assert "/file" not in page
    assert manager.get(f"/cpar/submissions/{first}/file").status_code == 404
    [row] = rows(text(manager.get(f"/cpar/submissions/{first}", show="excluded")))
    assert row.startswith("FINCH")
    page = text(manager.get(f"/cpar/submissions/{second}", show="added"))
    assert "The contents of the previous submission are no longer available" in page
    assert len(rows(text(manager.get(f"/cpar/submissions/{second}")))) == 1


def test_damaged_contents_are_not_shown_as_if_they_were_whole(clinic: Clinic, manager: Any) -> None:
    clinic.patient("Wren", "100000001")
    sent = clinic.submit()
    with clinic.host.database.writing() as connection:
        connection.execute(delete(tables.snapshot_piece).where(tables.snapshot_piece.c.part == 1))
    assert manager.get(f"/cpar/submissions/{sent}").status_code == 404


def test_the_submissions_of_a_deleted_panel_can_still_be_read(clinic: Clinic, manager: Any) -> None:
    clinic.patient("Wren", "100000001")
    sent = clinic.submit()
    editing.delete(clinic.host, clinic.host.identity.system, clinic.panel, 1)
    page = text(manager.get(f"/cpar/submissions/{sent}"))
    assert len(rows(page)) == 1
    assert f'href="/cpar/panels/{clinic.panel}"' not in page


@pytest.mark.databases("both")
def test_every_list_needs_few_statements(
    clinic: Clinic, manager: Any, statements: list[str], many: Callable[[int], None]
) -> None:
    many(250)
    clinic.submit()
    record = clinic.host.tables.demographic
    with clinic.oscar.database.writing() as connection:
        some = record.c.demographic_no % 2 == 0
        connection.execute(update(record).where(some).values(first_name="Other"))
    sent = clinic.submit()
    for show in ("sent", "excluded", "added", "removed", "changed"):
        statements.clear()
        text(manager.get(f"/cpar/submissions/{sent}", show=show))
        assert len(statements) <= 20, (show, [one[:150] + " .... " + one[-150:] for one in statements])


@pytest.fixture
def many(clinic: Clinic) -> Callable[[int], None]:
    """Fills the panel with so many patients, one in ten of whom is left out."""

    def fill(count: int) -> None:
        for number in range(count):
            clinic.patient(f"Family{number}", str(100_000_000 + number) if number % 10 else "")

    return fill
