"""Create, edit and delete panels: every rule, each with a message that says what to do."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import insert, select

from cpar_plugin.domain.panel import PanelDraft, PanelProvider, panel_draft
from cpar_plugin.domain.panel_state import PanelState
from cpar_plugin.domain.refusals import NotFound, Refused, Stale
from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.hooks import Actor
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.services.panels.editing import Panel, PanelProviderName
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

MakePanel = Callable[..., int]


def _live(host: OscarHost) -> list[Panel]:
    with host.database.engine.connect() as connection:
        return editing.live_panels(connection, host)


def _get(host: OscarHost, panel_id: int) -> Panel:
    with host.database.engine.connect() as connection:
        return editing.get(connection, host, panel_id)


def _draft(number: str, *providers: tuple[str, str]) -> PanelDraft:
    return panel_draft(number, ["113"], providers or [("101", "100000001")])


def test_a_panel_has_one_number_and_several_facilities_and_providers(site: OscarHost, clerk: Actor) -> None:
    draft = panel_draft(
        " 0042 ",
        ["113", "", "000456"],
        [("102", "1000-00002"), ("", ""), ("101", "1000 00001")],
        "manager@example.ca",
    )
    panel_id = editing.create(site, clerk, draft)
    assert _live(site) == [
        Panel(
            panel_id=panel_id,
            number="0042",
            notify="manager@example.ca",
            version=1,
            state=PanelState.ACTIVE,
            facilities=("000113", "000456"),
            providers=(
                PanelProviderName("102", "Doctor, No102", "100000002", active=True),
                PanelProviderName("101", "Doctor, No101", "100000001", active=True),
            ),
            members=0,
        )
    ]
    assert _live(site)[0].label == "0042 (Doctor, No102; Doctor, No101)"


def test_panels_are_in_the_order_of_their_numbers_and_count_their_members(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel
) -> None:
    make_panel("B")
    first = make_panel("A")
    for _ in range(3):
        one_patient.choose(site, clerk, oscar.patient(), first, seen_panel_id=None)
    assert [(panel.number, panel.members) for panel in _live(site)] == [("A", 3), ("B", 0)]


def test_two_live_panels_cannot_have_the_same_number(site: OscarHost, clerk: Actor, make_panel: MakePanel) -> None:
    make_panel("0042")
    other = make_panel("42")
    of_somebody_else = _draft("0042", ("102", "100000002"))
    for attempt in (
        lambda: editing.create(site, clerk, of_somebody_else),
        lambda: editing.edit(site, clerk, other, 1, of_somebody_else),
    ):
        with pytest.raises(Refused) as refused:
            attempt()
        assert set(refused.value.messages) == {"number"}
    assert [panel.number for panel in _live(site)] == ["0042", "42"]


def test_numbers_are_distinguished_letter_by_letter(site: OscarHost, make_panel: MakePanel) -> None:
    for number in ("a1", "A1", "Á1"):
        make_panel(number)
    assert len(_live(site)) == 3


def test_the_number_of_a_deleted_panel_can_be_used_again(site: OscarHost, clerk: Actor, make_panel: MakePanel) -> None:
    first = make_panel("0042")
    editing.delete(site, clerk, first, 1)
    second = make_panel("0042")
    assert [panel.panel_id for panel in _live(site)] == [second]
    with pytest.raises(NotFound):
        _get(site, first)


def test_a_provider_that_the_emr_does_not_have_is_refused(site: OscarHost, clerk: Actor) -> None:
    for provider_id in ("999", "101 ", "1" * 300, "'; DROP TABLE cpar_panel; --", "\x00"):
        providers = (PanelProvider("101", "100000001"), PanelProvider(provider_id, "100000009"))
        with pytest.raises(Refused) as refused:
            editing.create(site, clerk, PanelDraft("0042", ("000113",), providers, ""))
        assert set(refused.value.messages) == {"providers-1"}
    assert _live(site) == []


def test_a_provider_who_has_left_the_emr_may_remain_but_not_be_added(
    site: OscarHost, emr: OscarHost, clerk: Actor, make_panel: MakePanel
) -> None:
    panel_id = make_panel("0042", "101", "102")
    other = make_panel("0043", "103")
    with emr.database.writing() as connection:
        connection.execute(site.tables.provider.delete().where(site.tables.provider.c.provider_no == "102"))
    editing.edit(site, clerk, panel_id, 1, _draft("0042", ("102", "100000002"), ("101", "100000001")))
    left = _get(site, panel_id).providers[0]
    assert (left.name, left.active) == ("provider 102", False)
    with pytest.raises(Refused) as refused:
        editing.edit(site, clerk, other, 1, _draft("0043", ("103", "100000003"), ("102", "100000002")))
    assert set(refused.value.messages) == {"providers-1"}


def test_a_practitioner_id_changed_in_one_panel_changes_for_that_provider(
    site: OscarHost, clerk: Actor, make_panel: MakePanel
) -> None:
    one, two = make_panel("1", "101"), make_panel("2", "102", "101")
    editing.edit(site, clerk, one, 1, _draft("1", ("101", "200000001")))
    assert [provider.practitioner_id for provider in _get(site, two).providers] == ["100000002", "200000001"]


def test_a_user_who_edits_another_panel_of_that_provider_in_the_meantime_is_informed(
    site: OscarHost, clerk: Actor, make_panel: MakePanel
) -> None:
    one, two, unconcerned = make_panel("1", "101"), make_panel("2", "102", "101"), make_panel("3", "103")
    editing.edit(site, clerk, one, 1, _draft("1", ("101", "200000001")))
    with pytest.raises(Stale):
        editing.edit(site, clerk, two, 1, _draft("2", ("102", "100000002"), ("101", "100000001")))
    editing.edit(site, clerk, unconcerned, 1, _draft("3", ("103", "100000003")))
    assert _get(site, one).providers[0].practitioner_id == "200000001"


def test_two_providers_cannot_have_the_same_practitioner_id(
    site: OscarHost, clerk: Actor, make_panel: MakePanel
) -> None:
    make_panel("1", "101")
    with pytest.raises(Refused) as refused:
        editing.create(site, clerk, _draft("2", ("103", "100000003"), ("102", "100000001")))
    assert refused.value.messages == {
        "practitioner_ids-1": "This Practitioner ID belongs to Doctor, No101: correct it."
    }
    assert [panel.number for panel in _live(site)] == ["1"]


def test_two_providers_can_swap_their_practitioner_ids(site: OscarHost, clerk: Actor, make_panel: MakePanel) -> None:
    panel_id = make_panel("1", "101", "102")
    editing.edit(site, clerk, panel_id, 1, _draft("1", ("101", "100000002"), ("102", "100000001")))
    assert [provider.practitioner_id for provider in _get(site, panel_id).providers] == ["100000002", "100000001"]


def test_a_practitioner_id_is_free_again_when_its_provider_is_on_no_panel(
    site: OscarHost, clerk: Actor, make_panel: MakePanel
) -> None:
    panel_id = make_panel("1", "101")
    editing.edit(site, clerk, panel_id, 1, _draft("1", ("102", "100000001")))
    assert [provider.provider_id for provider in _get(site, panel_id).providers] == ["102"]


def test_the_choice_of_providers_is_prefilled_by_the_host_and_then_by_what_was_entered(
    site: OscarHost, oscar: Any, clerk: Actor
) -> None:
    oscar.provider("104", last_name="Aaron", ohip_no="none")
    oscar.provider("105", last_name="Aaron", status="0")
    oscar.provider(site.identity.system.actor_id, last_name="System")
    editing.create(site, clerk, _draft("1", ("102", "200000002")))
    with site.database.engine.connect() as connection:
        choices = editing.provider_choices(connection, site)
    assert [(choice.provider_id, choice.practitioner_id, choice.active) for choice in choices] == [
        ("104", "", True),
        ("101", "100000001", True),
        ("102", "200000002", True),
        ("103", "100000003", True),
        ("105", "123456789", False),
    ]


def test_the_second_of_two_who_edit_a_panel_is_reported_and_changes_nothing(
    site: OscarHost, clerk: Actor, make_panel: MakePanel
) -> None:
    panel_id = make_panel("1")
    editing.edit(site, clerk, panel_id, 1, _draft("first"))
    with pytest.raises(Stale, match="Someone else"):
        editing.edit(site, clerk, panel_id, 1, _draft("second"))
    with pytest.raises(Stale, match="Someone else"):
        editing.delete(site, clerk, panel_id, 1)
    assert [(panel.number, panel.version) for panel in _live(site)] == [("first", 2)]


def test_a_panel_that_is_not_there_is_not_found(site: OscarHost, clerk: Actor) -> None:
    for panel_id in (0, -1, 7, 2**63 - 1, 2**63, 10**40):
        for attempt in (
            lambda panel_id=panel_id: _get(site, panel_id),
            lambda panel_id=panel_id: editing.edit(site, clerk, panel_id, 1, _draft("1")),
            lambda panel_id=panel_id: editing.delete(site, clerk, panel_id, 1),
        ):
            with pytest.raises(NotFound):
                attempt()


def test_a_deleted_panel_leaves_its_members_not_paneled_and_the_ledger_complete(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any, replayed: Any
) -> None:
    panel_id, other = make_panel("1"), make_panel("2")
    patients = [oscar.patient() for _ in range(3)]
    for patient_id in patients:
        one_patient.choose(site, clerk, patient_id, panel_id, seen_panel_id=None)
    elsewhere = oscar.patient()
    one_patient.choose(site, clerk, elsewhere, other, seen_panel_id=None)
    assert editing.delete(site, clerk, panel_id, 1) == 3
    assert set(placed()) == {elsewhere}
    assert replayed() == placed()
    with pytest.raises(NotFound):
        editing.delete(site, clerk, panel_id, 2)


def test_deleting_a_panel_cancels_what_is_queued_and_lets_finish_what_is_under_way(
    site: OscarHost, clerk: Actor, make_panel: MakePanel
) -> None:
    row = {
        "requested_at": datetime(2026, 11, 1, tzinfo=UTC),
        "requested_by": "-1",
        "due_on": date(2026, 11, 2),
        "attempts": 0,
    }
    states = {}
    for number, state in enumerate(
        (
            SubmissionState.QUEUED,
            SubmissionState.DUE,
            SubmissionState.SENDING,
            SubmissionState.WAITING,
            SubmissionState.DELIVERED,
        )
    ):
        panel_id = make_panel(str(number))
        open_panel_id = None if state is SubmissionState.DELIVERED else panel_id
        with site.database.writing() as connection:
            connection.execute(
                insert(tables.submission), row | {"panel_id": panel_id, "state": state, "open_panel_id": open_panel_id}
            )
        editing.delete(site, clerk, panel_id, 1)
        with site.database.engine.connect() as connection:
            result = connection.execute(select(tables.submission).where(tables.submission.c.panel_id == panel_id)).one()
        states[state] = (SubmissionState(result.state), result.open_panel_id is None, result.finished_at is not None)
    assert states == {
        SubmissionState.QUEUED: (SubmissionState.CANCELLED, True, True),
        SubmissionState.DUE: (SubmissionState.CANCELLED, True, True),
        SubmissionState.SENDING: (SubmissionState.SENDING, False, False),
        SubmissionState.WAITING: (SubmissionState.WAITING, False, False),
        SubmissionState.DELIVERED: (SubmissionState.DELIVERED, True, False),
    }


def test_reading_the_panels_takes_two_statements_however_many_there_are(
    site: OscarHost, make_panel: MakePanel, statements: Any
) -> None:
    for number in range(12):
        make_panel(str(number), "101", "102")
    _live(site)  # the host looks at its tables once
    with statements() as counted:
        assert len(_live(site)) == 12
    assert len(counted) == 2


def test_the_audit_trail_shows_every_change(site: OscarHost, clerk: Actor, make_panel: MakePanel) -> None:
    panel_id = make_panel("1")
    editing.edit(site, clerk, panel_id, 1, _draft("2"))
    editing.delete(site, clerk, panel_id, 2)
    log = site.tables.log.c
    logged = select(log.action, log.contentId).where(log.content == "cparPanel").order_by(log.id)
    with site.database.engine.connect() as connection:
        assert connection.execute(logged).all() == [(verb, str(panel_id)) for verb in ("add", "update", "delete")]
