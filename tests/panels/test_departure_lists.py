"""A provider leaves: the affiliations and caseloads are divided by the rules of the panel, or end with it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from cpar_plugin.domain.departure import Split, Target
from cpar_plugin.domain.other_panel import other_draft
from cpar_plugin.domain.panel_kind import OTHER_KINDS, PanelKind
from cpar_plugin.domain.panel_state import PanelState
from cpar_plugin.domain.refusals import Refused
from cpar_plugin.hooks import Actor
from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import undo
from cpar_plugin.services.departures import affiliations, lists, people, plan, steps
from cpar_plugin.services.departures.people import DepartingGroup
from cpar_plugin.services.departures.steps import Departure
from cpar_plugin.services.other_panels import editing, listing, one_patient
from cpar_plugin.services.panels import one_patient as of_panel
from oscar_host.host import OscarHost

LEAVES_ON = date(2027, 1, 31)
AFFILIATION, CASELOAD = OTHER_KINDS[PanelKind.AFFILIATION], OTHER_KINDS[PanelKind.CASELOAD]


@dataclass
class Clinic:
    """A provider with a panel, an affiliation and a caseload, and two colleagues with the same."""

    host: OscarHost
    actor: Actor
    panels: list[int]
    affiliations: list[int]
    caseloads: list[int]

    @property
    def leaving(self) -> int:
        return self.panels[0]

    @property
    def targets(self) -> tuple[Target, Target]:
        """Half of the patients each."""
        ids = zip(self.panels[1:], self.affiliations[1:], self.caseloads[1:], strict=True)
        one, two = (Target(panel, 50, affiliation_id=other, caseload_id=third) for panel, other, third in ids)
        return one, two

    def found(self) -> Departure:
        with self.host.database.engine.connect() as connection:
            return steps.required(connection, self.leaving)

    def plan(self, *targets: Target, **more: Any) -> int:
        split = Split(targets or self.targets, **more)
        return plan.plan(self.host, self.actor, self.leaving, self.found().version, split)

    def move(self) -> bulk.BulkResult:
        return bulk.carry_out(self.host, self.actor, plan.order_of(self.found()))

    def state(self, other_panel_id: int) -> PanelState:
        with self.host.database.engine.connect() as connection:
            return listing.get(connection, self.host, other_panel_id).state


@pytest.fixture
def clinic(site: OscarHost, clerk: Actor, make_panel: Callable[..., int]) -> Clinic:
    providers = ("101", "102", "103")
    panels = [make_panel(str(place), provider) for place, provider in enumerate(providers, start=1)]
    made = {
        kind: [editing.create(site, clerk, other_draft(kind, provider, provider)) for provider in providers]
        for kind in ("affiliation", "caseload")
    }
    clinic = Clinic(site, clerk, panels, made["affiliation"], made["caseload"])
    steps.save_date(site, clerk, clinic.leaving, None, LEAVES_ON, "")
    return clinic


def on(
    clinic: Clinic, patient: int, *, panel: int = 0, affiliation: int = 0, caseload: int = 0, signed: str = ""
) -> None:
    """Put a patient on these."""
    if panel:
        of_panel.choose(clinic.host, clinic.actor, patient, panel, seen_panel_id=None)
    if affiliation:
        one_patient.choose(clinic.host, clinic.actor, patient, affiliation, seen_id=None, signed=signed)
    if caseload:
        one_patient.choose(clinic.host, clinic.actor, patient, caseload, seen_id=None)


def test_a_patients_panel_affiliation_and_caseload_go_to_one_colleague_and_come_back(
    clinic: Clinic, oscar: Any, placed: Any, others: Any
) -> None:
    mine = {"panel": clinic.panels[0], "affiliation": clinic.affiliations[0], "caseload": clinic.caseloads[0]}
    all_three = [oscar.patient(born="1980-01-01") for _ in range(6)]
    for patient in all_three:
        on(clinic, patient, **mine, signed="2026-03-01")
    affiliated = [oscar.patient() for _ in range(2)]
    for patient in affiliated:
        on(clinic, patient, affiliation=clinic.affiliations[0])
    elsewhere = oscar.patient()
    on(clinic, elsewhere, panel=clinic.panels[2], affiliation=clinic.affiliations[0])
    inactive = oscar.patient(patient_status="IN")
    on(clinic, inactive, affiliation=clinic.affiliations[0])
    before = placed(), others()
    steps.freeze(clinic.host, clinic.actor, clinic.leaving, 1)
    assert clinic.state(clinic.affiliations[0]) is PanelState.IN_TRANSITION
    with pytest.raises(Refused, match="in transition"):
        on(clinic, oscar.patient(), affiliation=clinic.affiliations[0])
    divided = (clinic.affiliations[0], clinic.caseloads[0])
    assert clinic.plan(divided_lists=divided) == 9
    assert (placed(), others()) == before
    with clinic.host.database.engine.connect() as connection:
        moves = lists.planned_moves(connection, clinic.host, clinic.actor, plan.order_of(clinic.found()))
        shares = people.shares(connection, clinic.host, clinic.actor, clinic.found(), None)
    assert sum(count for (source, _), count in moves.items() if source == clinic.affiliations[0]) == 9
    assert sum(count for (source, _), count in moves.items() if source == clinic.caseloads[0]) == 6
    assert (sum(one.patients for one in shares), sum(one.on_lists_only for one in shares)) == (6, 3)
    result = clinic.move()
    assert (result.moved, result.on_lists) == (6, 15)
    now, lists_now = placed(), others()
    assert now.keys() == before[0].keys()
    assert lists_now.keys() == before[1].keys()
    place_of = {panel: place for place, panel in enumerate(clinic.panels)}
    for patient in all_three:
        place = place_of[now[patient].panel_id]
        assert place in (1, 2)
        assert lists_now[patient, AFFILIATION] == (clinic.affiliations[place], date(2026, 3, 1))
        assert lists_now[patient, CASELOAD] == (clinic.caseloads[place], None)
    assert lists_now[elsewhere, AFFILIATION] == (clinic.affiliations[2], None)
    assert now[elsewhere] == before[0][elsewhere]
    assert lists_now[inactive, AFFILIATION] == (clinic.affiliations[0], None)
    assert Counter(where for (_, kind), (where, _) in lists_now.items() if kind == AFFILIATION) == {
        clinic.affiliations[0]: 1,
        **{
            other: sum(count for (source, to), count in moves.items() if to == other)
            for other in clinic.affiliations[1:]
        },
    }
    undone = undo.undo(clinic.host, clinic.actor, result.operation_id or 0)
    assert (undone.restored, undone.on_lists) == (6, 15)
    assert (placed(), others()) == before
    again = clinic.move()
    assert others() == lists_now
    assert again.on_lists == 15
    steps.end(clinic.host, clinic.actor, clinic.leaving, clinic.found().version)
    assert clinic.state(clinic.affiliations[0]) is PanelState.ENDED
    assert clinic.state(clinic.caseloads[0]) is PanelState.ENDED


def test_a_list_ends_with_the_panel_and_its_patients_are_written_to(clinic: Clinic, oscar: Any, others: Any) -> None:
    both, alone = oscar.patient(), oscar.patient()
    on(clinic, both, panel=clinic.panels[0], affiliation=clinic.affiliations[0])
    on(clinic, alone, affiliation=clinic.affiliations[0])
    steps.freeze(clinic.host, clinic.actor, clinic.leaving, 1)
    clinic.plan(ended_lists=(clinic.affiliations[0],), divided_lists=(clinic.caseloads[0],))
    found = clinic.found()
    with clinic.host.database.engine.connect() as connection:
        connected = connection, clinic.host, clinic.actor, found, None
        to_panel = people.patients(*connected, DepartingGroup(), 0)
        ended = people.patients(*connected, DepartingGroup(ended_id=clinic.affiliations[0]), 0)
        words = affiliations.of(connection, clinic.host, found)
    assert [one.patient_id for one in to_panel] == [both]
    assert [one.patient_id for one in ended] == [alone]
    for one in (*to_panel, *ended):
        assert words.sentence(one.affiliation_id, one.panel_id) == (
            "Your Blended Capitation affiliation ends on Jan 31, 2027."
        )
    before = others()
    assert clinic.move().on_lists == 0
    assert others() == before
    steps.end(clinic.host, clinic.actor, clinic.leaving, clinic.found().version)
    assert clinic.state(clinic.affiliations[0]) is PanelState.ENDED


def test_a_list_with_patients_left_stays_in_transition_when_the_panel_ends(clinic: Clinic, oscar: Any) -> None:
    on(clinic, oscar.patient(last_name="Abbott"), panel=clinic.panels[0])
    on(clinic, oscar.patient(last_name="Wong"), affiliation=clinic.affiliations[0])
    steps.freeze(clinic.host, clinic.actor, clinic.leaving, 1)
    target = Target(clinic.panels[1], 0, "A", "C", affiliation_id=clinic.affiliations[1])
    clinic.plan(target, divided_lists=(clinic.affiliations[0],))
    assert (clinic.move().moved, clinic.state(clinic.affiliations[0])) == (1, PanelState.IN_TRANSITION)
    steps.end(clinic.host, clinic.actor, clinic.leaving, clinic.found().version)
    assert clinic.state(clinic.affiliations[0]) is PanelState.IN_TRANSITION


def test_who_is_on_lists_alone_is_moved_too_and_the_letter_names_the_new_affiliation(
    clinic: Clinic, oscar: Any, others: Any
) -> None:
    patient = oscar.patient()
    on(clinic, patient, affiliation=clinic.affiliations[0])
    steps.freeze(clinic.host, clinic.actor, clinic.leaving, 1)
    clinic.plan(divided_lists=(clinic.affiliations[0],))

    def sentence() -> str:
        found = clinic.found()
        with clinic.host.database.engine.connect() as connection:
            move = steps.last_move(connection, found)
            [one] = people.patients(
                connection, clinic.host, clinic.actor, found, move, DepartingGroup(on_panel=False), 0
            )
            return affiliations.of(connection, clinic.host, found).sentence(one.affiliation_id, one.panel_id)

    before = sentence()
    assert before.startswith("Your Blended Capitation affiliation will then be with ")
    result = clinic.move()
    assert (result.moved, result.on_lists) == (0, 1)
    assert sentence() == before
    undo.undo(clinic.host, clinic.actor, result.operation_id or 0)
    assert others()[patient, AFFILIATION][0] == clinic.affiliations[0]
    steps.cancel(clinic.host, clinic.actor, clinic.leaving, clinic.found().version)
    assert clinic.state(clinic.affiliations[0]) is PanelState.ACTIVE


def test_a_list_that_takes_no_one_or_is_not_the_providers_is_refused(clinic: Clinic, oscar: Any) -> None:
    on(clinic, oscar.patient(), affiliation=clinic.affiliations[0])
    steps.freeze(clinic.host, clinic.actor, clinic.leaving, 1)
    with pytest.raises(Refused, match="no longer this provider's"):
        clinic.plan(divided_lists=(clinic.affiliations[1],))
    with pytest.raises(Refused, match="that is offered"):
        clinic.plan(
            Target(clinic.panels[1], 100, affiliation_id=clinic.affiliations[0]),
            divided_lists=(clinic.affiliations[0],),
        )
    clinic.plan(divided_lists=(clinic.affiliations[0],))
    for other in clinic.affiliations[1:]:
        with clinic.host.database.engine.connect() as connection:
            version = listing.get(connection, clinic.host, other).version
        draft = other_draft("affiliation", str(other), "102", "ended")
        editing.edit(clinic.host, clinic.actor, other, version, draft)
    with pytest.raises(Refused, match="has ended"):
        clinic.plan(divided_lists=(clinic.affiliations[0],))
    with pytest.raises(Refused, match="has ended"):
        clinic.move()
