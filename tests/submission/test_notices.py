"""What went wrong is told: in the banner, by `cpar status`, and by mail."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import update

from cpar_plugin import plugin
from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.hooks import HealthLevel
from cpar_plugin.services.health import running
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.services.submissions import history, notices, requests, status
from cpar_plugin.services.submissions.run import run_due
from cpar_plugin.store.tables import submission
from oscar_host.demo.ports import free_port

from ..authority import Authority
from ..dripping import dripping_mail
from ..waiting import PATIENCE


class Box:
    """A mail server that keeps what arrives; refuses the recipients it is told to refuse."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refused: set[str] = set()
        self.port = free_port()  # the same whenever it is started

    def start(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, ready_timeout=PATIENCE)
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop(no_assert=True)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"


@pytest.fixture
def box() -> Iterator[Box]:
    box = Box()
    box.start()
    yield box
    box.stop()


@pytest.fixture
def mailing(with_settings: Any, box: Box) -> Any:
    """A clinic with a mail server, whose folder stands in the way of every submission."""
    world = with_settings(smtp_host="127.0.0.1", smtp_port=box.port, smtp_from="cpar@clinic.example")
    world.settings.outbox_folder.write_text("in the way")
    return world


def fail(world: Any, day: str = "2026-11-07") -> None:
    """Let the submissions of the 7th fail."""
    world.run_at(f"{day}T03:15")
    world.clock.move_to(world.clock.now() + timedelta(days=1, hours=9))
    world.run()


def messages(world: Any) -> list[str]:
    with world.host.database.engine.connect() as connection:
        return [notice.text for notice in notices.notices(connection, world.host, world.settings, world.clock.now())]


def test_a_failed_submission_is_reported_until_one_gets_through(mailing: Any) -> None:
    panel = mailing.panel("0042")
    fail(mailing)
    (text,) = messages(mailing)
    assert text.startswith("Panel 0042: failed. The submission could not be written to the folder")
    assert text.endswith("All attempts within a day failed. Press Retry to submit the panel as it is now.")
    mailing.settings.outbox_folder.unlink()
    requests.retry(mailing.host, mailing.settings, mailing.manager, mailing.rows(panel)[-1].submission_id)
    mailing.run()
    assert messages(mailing) == []


def test_a_missed_submission_is_reported_with_when_the_next_goes(world: Any) -> None:
    panel = world.panel("0042")
    world.run_at("2026-11-20T08:00")
    world.ask(panel)
    (text,) = messages(world)
    assert "Panel 0042: missed. The automatic submission of Nov 7, 2026 was missed" in text
    assert text.endswith("It will be submitted again on Dec 1, 2026.")
    assert "manually" not in text


def test_one_outage_is_one_notice_for_all_panels(mailing: Any) -> None:
    for number in ("0042", "0043", "0044"):
        mailing.panel(number)
    fail(mailing)
    (text,) = messages(mailing)
    assert text.startswith("Panels 0042, 0043 and 0044: failed. The submission could not be written to the folder")
    for number in ("0045", "0046", "0047"):
        mailing.ask(mailing.panel(number))
    fail(mailing, "2026-11-10")
    (text,) = messages(mailing)
    assert text.startswith("Panels 0042, 0043, 0044, 0045, 0046 and 1 more: failed.")


def test_what_is_not_delivered_after_an_hour_is_reported_with_when_it_is_tried_again_and_no_one_has_to_act(
    mailing: Any,
) -> None:
    panels = [mailing.panel(number) for number in ("0042", "0043")]
    mailing.run_at("2026-11-07T03:15")
    for minute in (16, 21, 36):
        mailing.run_at(f"2026-11-07T03:{minute}")
    assert messages(mailing) == []
    mailing.run_at("2026-11-07T04:06")
    mailing.run_at("2026-11-07T04:15")
    (text,) = messages(mailing)
    assert text.startswith("Panels 0042 and 0043: not delivered yet. The submission could not be written to the folder")
    assert "Last attempt: Nov 7, 2026, 4:06 AM. Next attempt: Nov 7, 2026, 5:06 AM." in text
    assert "Nothing needs to be done until Nov 8, 2026, 3:15 AM: it is retried automatically until then." in text
    state = status.status(mailing.host, mailing.settings, mailing.clock.now())
    assert (state.warnings, state.problems) == ((text,), ())
    assert running.submissions(mailing.host, mailing.settings).level is HealthLevel.WARNING
    mailing.settings.outbox_folder.unlink()
    mailing.run_at("2026-11-07T05:06")
    assert messages(mailing) == []
    assert {mailing.states(panel)[-1] for panel in panels} == {SubmissionState.WRITTEN}


def test_a_failed_panel_that_was_emptied_since_is_reported_no_more(mailing: Any) -> None:
    panel = mailing.panel()
    fail(mailing)
    [patient_id] = mailing.members(panel)
    one_patient.remove(mailing.host, mailing.manager, patient_id, seen_panel_id=panel)
    assert messages(mailing) == []


def test_a_deleted_panel_is_reported_no_more(world: Any) -> None:
    panel = world.panel()
    world.run_at("2026-11-20T08:00")
    editing.delete(world.host, world.manager, panel, 1)
    assert messages(world) == []


def test_a_scheduler_that_has_stopped_is_reported(world: Any) -> None:
    assert messages(world) == []
    world.run_at("2026-11-02T12:00")
    world.at("2026-11-02T12:14")
    assert messages(world) == []
    world.at("2026-11-02T12:16")
    (text,) = messages(world)
    assert "The submission scheduler has not run since Nov 2, 2026, 12:00 PM." in text
    clinic.disable(world.host, world.manager)
    assert messages(world) == []


def test_a_run_that_pretends_to_be_later_does_not_hide_a_scheduler_that_has_stopped(world: Any) -> None:
    run_due(world.host, world.settings, world.clock.now() + timedelta(days=60))
    world.at("2026-11-02T12:16")
    assert any("The submission scheduler has not run since" in text for text in messages(world))


def test_the_status_names_facts_and_problems(world: Any) -> None:
    panel = world.panel("0042")
    world.run()
    world.ask(panel)
    result = status.status(world.host, world.settings, world.clock.now())
    assert result.problems == ()
    assert "Queued: 1." in result.facts
    assert "Next night run: Nov 3, 2026, 3:15 AM." in result.facts
    world.run_at("2026-11-20T08:00")
    assert len(status.status(world.host, world.settings, world.clock.now()).problems) == 1


def test_the_status_names_what_waits_for_another_machine(mailing: Any, box: Box) -> None:
    box.stop()
    mailing.panel("0042", notify="manager@clinic.example")
    mailing.run_at("2026-11-07T03:15")
    facts = status.status(mailing.host, mailing.settings, mailing.clock.now()).facts
    (waits,) = [
        fact for fact in facts if fact.startswith("Panel 0042 will be retried (attempt 2) on Nov 7, 2026, 3:16 AM.")
    ]
    assert "The submission could not be written to the folder" in waits
    with mailing.host.database.session() as session:
        session.execute(update(submission).values(state=SubmissionState.SENDING))
    facts = status.status(mailing.host, mailing.settings, mailing.clock.now()).facts
    assert "Panel 0042 is waiting for the registry: attempt 1 is in progress." in facts
    with mailing.host.database.session() as session:
        session.execute(update(submission).values(state=SubmissionState.WAITING))
    mailing.clock.move_to(mailing.clock.now() + timedelta(days=1, hours=9))
    mailing.run()
    facts = status.status(mailing.host, mailing.settings, mailing.clock.now()).facts
    assert "Emails about submissions waiting for 127.0.0.1: 1." in facts
    box.start()
    mailing.run()
    facts = status.status(mailing.host, mailing.settings, mailing.clock.now()).facts
    assert not any(fact.startswith(("Email", "Panel")) for fact in facts)


def test_a_mail_server_that_drips_delays_mail_only(mailing: Any, tmp_path: Any) -> None:
    mailing.panel("0042", notify="manager@clinic.example")
    mailing.settings = mailing.settings.model_copy(update={"smtp_host": ""})
    fail(mailing)
    other = mailing.panel("0043")
    certificate = Authority(tmp_path).issue("127.0.0.1")
    with ThreadPoolExecutor(1) as aside, dripping_mail("greeting", certificate, patience_seconds=600) as port:
        outbox = {"outbox_folder": str(tmp_path / "another")}
        slow = {
            "smtp_host": "127.0.0.1",
            "smtp_port": str(port),
            "smtp_from": "c@clinic.example",
            "smtp_seconds": "600",
        }
        host = replace(mailing.host, settings={**outbox, **slow})
        jobs = {job.name: job for job in plugin.emr_scheduled_jobs(host)}
        dripped = aside.submit(jobs["cpar-mail"].run, mailing.clock.now())
        mailing.ask(other)
        mailing.at("2026-12-01T03:15")
        jobs["cpar-submissions"].run(mailing.clock.now())
        assert mailing.states(other) == [SubmissionState.WRITTEN]
        assert not dripped.done()
    assert dripped.result() is None


def test_the_status_of_a_clinic_that_is_turned_off_is_no_problem(host: Any, settings: Any, clock: Any) -> None:
    result = status.status(host, settings, clock.now())
    assert result.problems == ()
    assert "turned off" in result.facts[0]


def test_settings_that_cannot_work_are_a_problem_before_the_first_night(world: Any) -> None:
    wrong = world.settings.model_copy(update={"transport": "fhir", "registry_url": "ftp://registry.example"})
    assert any("registry_url" in text for text in status.status(world.host, wrong, world.clock.now()).problems)


def test_each_failure_is_mailed_once_to_the_address_of_its_panel(mailing: Any, box: Box) -> None:
    mailing.panel("0042", notify="manager@clinic.example")
    mailing.panel("0043")
    fail(mailing)
    mailing.run()
    (mail,) = box.mails
    assert mail["To"] == "manager@clinic.example"
    assert mail["Subject"] == "CPAR panel 0042: failed"
    text = mail.get_content()
    assert "Panel 0042: failed." in text
    assert "Press Retry to submit the panel as it is now." in text
    assert "In the EMR, open CPAR Panel Management, then Submission History." in text
    assert "Example Clinic" in text
    assert mail["Date"].datetime == mailing.clock.now()
    assert re.fullmatch(r"<[^@ ]+@clinic\.example>", mail["Message-ID"])


def test_mail_links_to_the_page_where_browsers_reach_it(mailing: Any, box: Box) -> None:
    mailing.settings = mailing.settings.model_copy(update={"public_url": "https://emr.example/oscar/cpar/"})
    panel = mailing.panel("0042", notify="manager@clinic.example")
    fail(mailing)
    submission_id = mailing.rows(panel)[-1].submission_id
    assert f"https://emr.example/oscar/cpar/cpar/submissions/{submission_id}" in box.mails[0].get_content().split()
    for number in ("0043", "0044"):
        mailing.ask(mailing.panel(number, notify="manager@clinic.example"))
    fail(mailing, "2026-11-10")
    assert "https://emr.example/oscar/cpar/cpar/submissions?state=FAILED" in box.mails[1].get_content().split()


def test_nobody_is_mailed_about_a_panel_that_was_emptied_after_it_was_asked_for(mailing: Any, box: Box) -> None:
    panel = mailing.panel("0042", notify="manager@clinic.example")
    mailing.ask(panel)
    [patient_id] = mailing.members(panel)
    one_patient.remove(mailing.host, mailing.manager, patient_id, seen_panel_id=panel)
    mailing.run_at("2026-11-03T03:15")
    assert mailing.states(panel) == [SubmissionState.NOTHING_TO_SEND]
    assert box.mails == []
    assert messages(mailing) == []


def test_several_failures_for_one_address_make_one_mail(mailing: Any, box: Box) -> None:
    for number in ("0042", "0043"):
        mailing.panel(number, notify="manager@clinic.example")
    fail(mailing)
    (mail,) = box.mails
    assert mail["Subject"] == "CPAR: 2 panel submissions need attention"
    assert "0042" in mail.get_content()
    assert "0043" in mail.get_content()


def test_mail_holds_nothing_of_a_patient(mailing: Any, box: Box) -> None:
    mailing.panel("0042", 2, notify="manager@clinic.example", last_name="Unmistakable")
    fail(mailing)
    text = box.mails[0].as_string()
    assert "Unmistakable" not in text
    assert not re.search(r"\d{9}", box.mails[0].get_content())


def test_mail_is_tried_again_when_the_server_was_away(mailing: Any, box: Box) -> None:
    panel = mailing.panel("0042", notify="manager@clinic.example")
    box.stop()
    fail(mailing)
    assert mailing.states(panel) == [SubmissionState.FAILED]
    box.start()
    mailing.run()
    mailing.run()
    assert len(box.mails) == 1


def test_a_refused_recipient_keeps_no_one_else_from_their_mail(mailing: Any, box: Box) -> None:
    mailing.panel("0042", notify="gone@clinic.example")
    mailing.panel("0043", notify="manager@clinic.example")
    box.refused = {"gone@clinic.example"}
    fail(mailing)
    assert [mail["To"] for mail in box.mails] == ["manager@clinic.example"]
    box.refused = set()
    mailing.run()
    assert [mail["To"] for mail in box.mails] == ["manager@clinic.example", "gone@clinic.example"]


def test_no_one_is_mailed_about_what_is_long_past(mailing: Any, box: Box) -> None:
    mailing.panel("0042", notify="manager@clinic.example")
    working = mailing.settings
    mailing.settings = working.model_copy(update={"smtp_host": ""})
    fail(mailing)
    mailing.settings = working
    mailing.clock.move_to(mailing.clock.now() + timedelta(days=8))
    mailing.run()
    assert box.mails == []


def test_the_mail_server_can_ask_for_more_than_we_have_and_the_run_goes_on(mailing: Any, box: Box) -> None:
    mailing.panel("0042", notify="manager@clinic.example")
    mailing.settings = mailing.settings.model_copy(update={"smtp_user": "somebody", "smtp_password": "secret"})
    mailing.run_at("2026-11-07T03:15")
    mailing.clock.move_to(mailing.clock.now() + timedelta(days=1, hours=9))
    assert mailing.run().errors == []
    assert box.mails == []


@pytest.mark.parametrize(
    ("failed_too", "filter_of_list"), [(False, "HELD"), (True, "ATTENTION")], ids=["all held", "one failed"]
)
def test_mail_about_several_panels_leads_to_a_list_that_shows_them(
    with_settings: Any, box: Box, failed_too: bool, filter_of_list: str
) -> None:
    mail = {"smtp_host": "127.0.0.1", "smtp_port": box.port, "smtp_from": "cpar@clinic.example"}
    world = with_settings(hold_least_patients=1, public_url="https://emr.example", **mail)
    held = [world.panel(number, 2, notify="panels@clinic.example") for number in ("0042", "0043")]
    for panel_id in held:
        world.ask(panel_id)
    world.run_at("2026-11-03T03:15")
    for panel_id in held:
        one_patient.remove(world.host, world.manager, world.members(panel_id)[0], seen_panel_id=panel_id)
    if failed_too:
        world.panel("0044", sex="", notify="panels@clinic.example")
    world.run_at("2026-11-07T03:15")
    (message,) = box.mails
    address = f"https://emr.example/cpar/submissions?state={filter_of_list}"
    assert address in message.get_content()
    with world.host.database.engine.connect() as connection:
        needing = history.history_page(connection, world.host, attention=world.clock.now()).submissions
    assert {row.panel_number for row in needing} == {"0042", "0043", *(["0044"] if failed_too else [])}
