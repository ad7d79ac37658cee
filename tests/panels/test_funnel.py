"""From the EMR to the payment: for any data, what a step loses and gains are the lengths of its lists."""

from collections.abc import Callable
from contextlib import closing
from datetime import date
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, example, given, settings
from sqlalchemy import delete, insert

from cpar_plugin.domain.cautions import Caution
from cpar_plugin.domain.coverage import CoverageUse
from cpar_plugin.domain.funnel import FunnelStep, totals
from cpar_plugin.domain.heaps import RegistryHeap
from cpar_plugin.domain.metrics import RegistryCounts
from cpar_plugin.domain.reasons import Reason
from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.hooks import Actor
from cpar_plugin.services.exclusions import compare
from cpar_plugin.services.exclusions import listing as exclusions
from cpar_plugin.services.exclusions.compared import compared
from cpar_plugin.services.exclusions.lines_query import LineCriteria
from cpar_plugin.services.funnel import figures
from cpar_plugin.services.funnel.figures import PanelFunnel
from cpar_plugin.services.panels import members
from cpar_plugin.services.panels.members_query import Criteria, Fate
from cpar_plugin.services.reports import heaps, metrics
from cpar_plugin.services.reports.heaps import HeapCriteria
from cpar_plugin.services.roster import same_phn
from cpar_plugin.services.snapshots import build, outlook
from cpar_plugin.services.snapshots.outlook import Standing
from cpar_plugin.services.submissions.rehearsal import Rehearsal
from cpar_plugin.services.submissions.searched_list import SnapshotCriteria
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from ..examples import examples

FIXTURES_STAY = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
PLACES = st.sampled_from([None, 0, 1])  # on no panel, or on one of the two
# Of each patient: status, whether seen, whether confirmed, PHN; the panel then and now; how the registry lists them;
# the last day of coverage.
PEOPLE = st.lists(
    st.tuples(
        st.sampled_from(["AC", "AC", "AC", "IN"]),
        st.booleans(),
        st.booleans(),
        st.sampled_from(["own", "own", "own", "shared", ""]),
        PLACES,
        PLACES,
        st.sampled_from([None, "certain", "proposed"]),
        st.sampled_from([None, date(2026, 11, 9), date(2026, 11, 10), date(9999, 12, 31)]),
    ),
    max_size=8,
)
MOVED_AND_ENDED = ("AC", True, True, "own", 0, 1, "certain", date(2026, 11, 9))
NEVER_CONFIRMED = ("AC", True, False, "own", None, 0, None, None)
COUNTS = st.none() | st.integers(0, 9)


def funnels_of(host: OscarHost, use: Settings, panel_id: int | None) -> dict[int, PanelFunnel]:
    with host.database.engine.connect() as connection:
        return dict(figures.funnels(connection, host, use, panel_id))


def place(
    host: OscarHost, panels: list[int], patients: list[int], places: list[int | None], confirmed: list[bool]
) -> None:
    with host.database.session() as session:
        session.execute(delete(tables.member))
        for patient_id, panel, is_confirmed in zip(patients, places, confirmed, strict=True):
            if panel is not None:
                values = {"patient_id": patient_id, "panel_id": panels[panel], "since": host.clock.now()}
                day = date(2026, 11, 1) if is_confirmed else None
                session.execute(insert(tables.member).values(**values, confirmed_on=day))


def send(host: OscarHost, panel_id: int) -> None:
    """Store a snapshot of the panel as it is, and a submission of it that was written."""
    taken = build.take(host, Settings(), panel_id, now=host.clock.now())
    if not taken.sent:
        return
    with host.database.session() as session:
        session.execute(
            insert(tables.submission).values(
                panel_id=panel_id,
                requested_at=host.clock.now(),
                requested_by="-1",
                due_on=host.clock.now().date(),
                state=SubmissionState.WRITTEN,
                snapshot_id=taken.snapshot_id,
                finished_at=host.clock.now(),
            )
        )


def list_of_registry(host: OscarHost, panel_id: int, patients: dict[int, str]) -> None:
    """The registry's list of a panel was uploaded: these patients, for certain or proposed, and one who is unknown."""
    row = dict.fromkeys(("phn", "family_name", "given_name", "birth_date", "gender", "panel_text"), "")
    with host.database.session() as session:
        made = session.execute(
            insert(tables.report).values(
                kind="registry-list",
                panel_id=panel_id,
                received_at=host.clock.now(),
                actor_id="-1",
                name="list.csv",
                sha256=str(panel_id),
                reading="{}",
                rows_read=len(patients) + 1,
            )
        )
        report_id = made.inserted_primary_key[0]  # type: ignore[attr-defined]
        for number, (patient_id, how) in enumerate([*patients.items(), (None, "")], 2):
            found = {"matches": 0 if patient_id is None else 1, "patient_id": patient_id, "accepted": how == "certain"}
            values = row | found | {"row_number": number, "line_key": str(number), "details": "{}", "how": None}
            session.execute(insert(tables.report_row).values(report_id=report_id, **values))


def check_lists(host: OscarHost, clerk: Actor, use: Settings, panel_id: int, funnel: PanelFunnel) -> None:
    """Each number is the length of the list to which it leads."""
    known = funnel.figures
    with host.database.engine.connect() as connection:
        lengths = {
            fate: members.listing(connection, host, clerk, use, panel_id, Criteria(fate=fate)).matching
            for fate in (None, Fate.SENT, Fate.EXCLUDED, Fate.CONFIRMATION_ONLY, Caution.COVERAGE_ENDED)
        }
        last = outlook.last_sent(connection, panel_id)
        rules = same_phn.eligibility(connection, host, use, host.clock.now())
        compared = list(outlook.compared(connection, host, rules, panel_id, last, now=host.clock.now()))
        rehearsed = {}
        for standing in (Standing.ADDED, Standing.REMOVED):
            with closing(Rehearsal(connection, host, use, clerk, panel_id, standing)) as listing:
                rehearsed[standing] = len(listing.find(SnapshotCriteria()))
    assert known.members == lengths[None]
    assert known.members - known.excluded == lengths[Fate.SENT]
    assert known.excluded == lengths[Fate.EXCLUDED]
    assert known.confirmation_only == lengths[Fate.CONFIRMATION_ONLY]
    match use.coverage:
        case CoverageUse.OFF:
            assert known.coverage_ended is None
        case CoverageUse.CAUTION:
            assert known.coverage_ended == lengths[Caution.COVERAGE_ENDED]
        case CoverageUse.EXCLUDE:
            removed = [one for one in compared if one.standing is Standing.REMOVED]
            assert known.coverage_ended == sum(Reason.COVERAGE_ENDED in one.reasons for one in removed)
    assert exclusions.show(host, clerk, use, LineCriteria(panel_id=panel_id)).excluded == known.excluded
    only = [one for one in compared if tuple(one.reasons) == (Reason.NO_CONFIRMATION,)]
    assert known.confirmation_only == len(only)
    if known.sent:
        assert (known.sent.added, known.sent.removed) == (rehearsed[Standing.ADDED], rehearsed[Standing.REMOVED])
        assert last
        assert known.sent.count.patients == last.sent
    else:
        assert last is None
    if known.listed:
        with host.database.engine.connect() as connection:
            listing = heaps.show(connection, host, clerk, known.listed.report_id, HeapCriteria(), 0)
        assert known.listed.only_ours == listing.counts[RegistryHeap.OURS_ONLY]
        assert known.listed.only_registry == listing.counts[RegistryHeap.REGISTRY_ONLY]


def check_sums(funnel: PanelFunnel) -> None:
    """What the step before has, less those lost, with those gained, is what a step has."""
    counts = {one.step: one.count.patients for one in funnel.steps if one.count}
    assert [one.step for one in funnel.steps] == list(FunnelStep)
    for one in funnel.steps:
        if one.count and one.since:
            assert one.lost is not None
            assert one.gained is not None
            assert counts[one.since] - one.lost + one.gained == one.count.patients


def test_numbers_of_each_step_are_the_lengths_of_their_lists_and_add_up(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: Callable[..., int]
) -> None:
    panels = [make_panel("1"), make_panel("2")]
    phns = iter(range(300_000_001, 400_000_000))

    @settings(max_examples=examples(6), suppress_health_check=FIXTURES_STAY)
    @given(people=PEOPLE, received=COUNTS, attached=COUNTS, listed=st.booleans(), use=st.sampled_from(CoverageUse))
    @example(people=[], received=None, attached=None, listed=False, use=CoverageUse.OFF)
    @example(
        people=[("AC", True, True, "own", 0, 1, "certain", date(2026, 11, 9))] * 2,
        received=3,
        attached=1,
        listed=True,
        use=CoverageUse.EXCLUDE,
    )
    @example(
        people=[("AC", True, False, "own", None, 0, None, None)] * 2,
        received=None,
        attached=4,
        listed=True,
        use=CoverageUse.CAUTION,
    )
    def check(people: list[Any], received: int | None, attached: int | None, listed: bool, use: CoverageUse) -> None:
        rules = Settings(coverage=use)
        with site.database.session() as session:
            for table in (tables.submission, tables.panel_metrics, tables.report_row, tables.report):
                session.execute(delete(table))
        shared = str(next(phns))
        with oscar.at_once():
            patients = [
                oscar.patient(
                    patient_status=status,
                    hin={"own": str(next(phns)), "shared": shared, "": ""}[phn],
                    hc_renew_date=ends_on,
                )
                for status, _, _, phn, *_, ends_on in people
            ]
            for patient_id, (_, seen, *_) in zip(patients, people, strict=True):
                if seen:
                    oscar.visit(patient_id)
        place(site, panels, patients, [one[4] for one in people], [True] * len(people))
        for panel_id in panels:
            send(site, panel_id)
        place(site, panels, patients, [one[5] for one in people], [one[2] for one in people])
        if listed:
            in_list = {key: one[6] for key, one in zip(patients, people, strict=True) if one[6]}
            list_of_registry(site, panels[0], in_list)
        if received is not None or attached is not None:
            month = site.clock.now().date().replace(day=1)
            counts = RegistryCounts(received, attached, date(2026, 11, 9))
            metrics.save(site, clerk, panels[0], month, metrics.NO_ENTRY, counts)
        with site.database.engine.connect() as connection:
            before = compared(connection).whole_at
        compare.compare_everyone(site, rules, before)
        together = funnels_of(site, rules, None)
        assert list(together) == panels
        for panel_id, funnel in together.items():
            assert funnels_of(site, rules, panel_id) == {panel_id: funnel}
            check_lists(site, clerk, rules, panel_id, funnel)
            check_sums(funnel)
        for total in totals(one.steps for one in together.values()):
            of_step = [
                one for funnel in together.values() for one in funnel.steps if one.step is total.step and one.count
            ]
            assert total.panels == len(of_step)
            assert total.patients == sum(one.count.patients for one in of_step if one.count)
            assert (total.lost, total.gained) == (
                sum(one.lost or 0 for one in of_step),
                sum(one.gained or 0 for one in of_step),
            )

    check()
