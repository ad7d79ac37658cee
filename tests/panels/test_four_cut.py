"""The four-cut: whose patient someone is, by the worked examples, and that SQL says the same as the rules."""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from cpar_plugin.domain.four_cut import CountedVisit, Cut, FourCutDecision, four_cut
from cpar_plugin.services.roster.four_cut import decision_of, proposal, proposals
from cpar_plugin.settings import Settings
from oscar_host.host import OscarHost

from ..conftest import NOW
from ..examples import examples

A, B, C = "101", "102", "103"
WORDS = (None, "", "Follow-up", "physical", " Annual Physical ", "PHYSICAL EXAM", "Physical therapy")
SETTINGS = Settings()


@pytest.fixture(autouse=True)
def colleague(site: OscarHost, oscar: Any) -> None:
    """The clinic's doctors, and one whose number has fewer digits."""
    oscar.provider("99")


def decided(site: OscarHost, rules: Settings = SETTINGS) -> Mapping[int, FourCutDecision]:
    """What SQL says of every patient."""
    with site.database.engine.connect() as connection:
        return {row.patient_id: decision_of(row) for row in connection.execute(select(proposals(site, rules.four_cut)))}


# Visits by provider; P after a letter: a physical. Each an hour after the one before it.
EXAMPLES = {
    "one provider": ("A A A", A, Cut.ONLY_PROVIDER, 3),
    "most visits": ("A A A A B B", A, Cut.MOST_VISITS, 4),
    "the highest number, not more than half": ("A A B C", A, Cut.MOST_VISITS, 2),
    "a tie goes to the last physical, not to the last visit": ("B BP A A", B, Cut.LAST_PHYSICAL, 2),
    "the physical may be by anyone": ("A CP B A B", C, Cut.LAST_PHYSICAL, 1),
    "a tie without a physical goes to the last visit": ("B A B A", A, Cut.LAST_VISIT, 2),
    "the later of two physicals": ("AP BP A B", B, Cut.LAST_PHYSICAL, 2),
    "a physical decides nothing without a tie": ("A A BP", A, Cut.MOST_VISITS, 2),
}


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_worked_examples(example: str, site: OscarHost, oscar: Any) -> None:
    shorthand, provider_id, cut, visits = EXAMPLES[example]
    patient_id, made = oscar.patient(), []
    for hour, letters in enumerate(shorthand.split(), 8):
        seen_by, is_physical = {"A": A, "B": B, "C": C}[letters[0]], letters.endswith("P")
        day, at = date(2026, 5, 4), time(hour)
        oscar.visit(patient_id, day, at, provider_no=seen_by, type="Physical" if is_physical else None)
        made.append(CountedVisit(seen_by, datetime.combine(day, at), is_physical))
    expected = FourCutDecision(provider_id, cut, visits, len(made))
    assert four_cut(made) == expected
    assert decided(site) == {patient_id: expected}


def test_of_two_seen_at_the_same_moment_the_lower_provider_number_is_taken_and_said(
    site: OscarHost, oscar: Any
) -> None:
    patient_id = oscar.patient()
    for provider_id in (B, "99"):
        oscar.visit(patient_id, "2026-05-04", "09:00", provider_no=provider_id)
    expected = FourCutDecision("99", Cut.LAST_VISIT, 1, 2, same_moment=True)
    assert decided(site) == {patient_id: expected}
    at = datetime.combine(date(2026, 5, 4), time(9))
    assert four_cut([CountedVisit(B, at), CountedVisit("99", at)]) == expected


def test_a_patient_without_a_visit_is_no_ones(site: OscarHost, oscar: Any) -> None:
    patient_id = oscar.patient()
    oscar.visit(patient_id, "2026-05-04", status="C", provider_no=A)
    assert decided(site) == {}
    assert four_cut([]) is None
    with site.database.engine.connect() as connection:
        assert proposal(connection, site, SETTINGS, patient_id) is None


def test_the_window_statuses_types_and_providers_are_settings(site: OscarHost, oscar: Any, make_panel: Any) -> None:
    patient_id = oscar.patient()
    for day, provider_id, status, visit_type in (
        ("2023-12-01", C, "B", "Office"),
        ("2023-12-02", C, "B", "Office"),
        ("2026-05-01", A, "t", "Phone"),
        ("2026-05-02", A, "t", "Office"),
        ("2026-05-03", B, "BS", "office"),
    ):
        oscar.visit(patient_id, day, provider_no=provider_id, status=status, type=visit_type)
    make_panel("1", B)

    def provider(**some: Any) -> str:
        return decided(site, replace_settings(some))[patient_id].provider_id

    assert provider() == A
    assert provider(four_cut_months=36, four_cut_statuses="B", four_cut_visit_types="OFFICE") == C
    assert provider(four_cut_statuses="B, H") == B
    assert provider(four_cut_visit_types="office", four_cut_providers="102,103") == B
    assert provider(four_cut_providers="panels") == B


def replace_settings(some: Mapping[str, Any]) -> Settings:
    return Settings.model_validate(some)


def test_one_patients_proposal_names_provider_cut_and_panel_and_counts_what_a_merged_record_was_seen_for(
    site: OscarHost, oscar: Any, make_panel: Any
) -> None:
    panel_id, kept, retired, other = make_panel("1", B), oscar.patient(), oscar.patient(), oscar.patient()
    oscar.visit(kept, "2026-05-01", provider_no=A)
    for day in ("2026-04-01", "2026-04-02"):
        oscar.visit(retired, day, provider_no=B)
    oscar.visit(other, "2026-05-01", provider_no=C)
    oscar.merge(retired, kept)
    with site.database.engine.connect() as connection:
        found = proposal(connection, site, SETTINGS, kept)
    assert found
    assert found.decision == FourCutDecision(B, Cut.MOST_VISITS, 2, 3)
    assert found.provider == "Doctor, No102"
    assert found.panels == {panel_id: "1"}


VISITS = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.sampled_from([A, B, C, "99"]),
        st.sampled_from([date(2024, 11, 9), date(2024, 11, 10), date(2026, 3, 2), date(2026, 5, 4)]),
        st.sampled_from([None, time(9), time(9, 30), time(16)]),
        st.sampled_from(["B", "t", "c", "C", "BS", "", None]),
        st.sampled_from(WORDS),
        st.sampled_from(WORDS),
    ),
    max_size=14,
)
RULES: st.SearchStrategy[dict[str, str]] = st.builds(
    dict,
    four_cut_statuses=st.sampled_from(["", "B", "B,c", "t"]),
    four_cut_visit_types=st.sampled_from(["", "physical", "follow-up, Annual Physical"]),
    four_cut_providers=st.sampled_from(["", "101,99"]),
    four_cut_physicals=st.sampled_from(["", "physical", "annual physical, physical exam"]),
)


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(visits=VISITS, some=RULES)
def test_sql_says_the_same_as_the_rules_for_any_visits(site: OscarHost, oscar: Any, visits: Any, some: Any) -> None:
    rules = replace_settings(some).four_cut
    with oscar.database.writing() as connection:
        connection.execute(delete(oscar.tables.appointment))
    with oscar.at_once():
        for patient_id, provider_id, day, at, status, visit_type, reason in visits:
            oscar.visit(patient_id, day, at, status, provider_no=provider_id, type=visit_type, reason=reason)
    counted: dict[int, list[CountedVisit]] = {}
    for patient_id, provider_id, day, at, status, visit_type, reason in visits:
        took_place = not (status or "").startswith("C") and day >= date(2024, 11, 10)
        if not took_place or (rules.provider_ids and provider_id not in rules.provider_ids):
            continue
        if rules.counts((status or "")[:1], visit_type):
            is_physical = rules.is_physical(visit_type, reason)
            visit = CountedVisit(provider_id, datetime.combine(day, at or time()), is_physical)
            counted.setdefault(patient_id, []).append(visit)
    assert NOW.date() == date(2026, 11, 10)
    assert decided(site, replace_settings(some)) == {one: four_cut(those) for one, those in counted.items()}
