"""What there is to know about a patient who is on another clinic's panel too: ours beside what the report says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, and_, case, func, literal, select

from ...domain.check_in import CheckInAnswer
from ...domain.confirmation import ConfirmedHow
from ...domain.conflicts import ConflictEnding, period_starts
from ...domain.exclusion_lines import age_in_days
from ...domain.list_columns import ColumnField
from ...domain.refusals import NotFound
from ...domain.report_lines import ReportLineState
from ...domain.reports import ReportKind
from ...hooks import Actor, Host
from ...settings import Settings
from ...store.tables import member, panel, report, report_line, report_row
from ...store.types import KEYS
from ..operations import access
from ..reports import lines_query, listing
from ..roster import four_cut
from ..roster.four_cut import FourCutProposal
from ..roster.providers import actor_names
from . import next_date

_line, _row = report_line.c, report_row.c


@dataclass(frozen=True, slots=True)
class ProviderVisits:
    """How often a provider has seen the patient, in each of PERIODS."""

    provider: str
    counts: Sequence[int]


@dataclass(frozen=True, slots=True)
class PanelHere:
    """The panel that the patient is on here. `learned_on`: when the registry learns of a removal now; None: never."""

    panel_id: int
    number: str
    confirmed_on: date | None
    confirmed_how: ConfirmedHow | None
    learned_on: date | None


@dataclass(frozen=True, slots=True)
class ConflictLine:
    """A line of a report of conflicts. `patient_id` and what follows is None where no one is certain or accepted."""

    line_id: int
    version: int
    report_id: int
    received_at: datetime
    listed_name: str
    listed_phn: str
    details: Mapping[ColumnField, str]
    opened_at: datetime
    age: int  # in the clinic's days
    closed_at: datetime | None
    panel_deleted: bool
    times: int
    state: ReportLineState
    owner: str
    note: str
    ending: ConflictEnding | None
    ended_at: datetime | None
    ended_by: str
    learned_on: date | None
    answer: CheckInAnswer | None
    answered_at: datetime | None
    patient_id: int | None
    family_name: str | None = None
    given_name: str | None = None
    birth_date: str | None = None
    phn: str | None = None
    mrp: str = ""
    membership: PanelHere | None = None  # None also for one who is on no panel
    last_visit: date | None = None
    visits: Sequence[ProviderVisits] | None = None  # None where the host cannot say
    proposal: FourCutProposal | None = None  # None also without a visit that counts
    next_appointment: date | None = None
    appointments_known: bool = False

    @property
    def waits_for_answer(self) -> bool:
        """Whether the patient is on the check-in list because of it."""
        is_waiting = self.state is ReportLineState.WAITING
        return self.ending is ConflictEnding.ASK and is_waiting and self.answer is None

    @property
    def other_provider(self) -> str:
        """As the report says; '' where it does not."""
        return self.details.get(ColumnField.OTHER_PROVIDER, "")

    @property
    def other_clinic(self) -> str:
        """Likewise."""
        return self.details.get(ColumnField.OTHER_CLINIC, "")


def required(connection: Connection, host: Host, actor: Actor, settings: Settings, line_id: int) -> ConflictLine:
    """One line with its evidence. At most ten statements. Raises NotFound, and Forbidden for who may not see them."""
    rows, patient, kept_id = listing.joined(host)
    now = host.clock.now()
    source = (
        rows.join(report_line, and_(_line.report_id == _row.report_id, _line.line_key == _row.line_key))
        .join(report, report.c.report_id == _line.report_id)
        .outerjoin(member, member.c.patient_id == kept_id)
        .outerjoin(panel, panel.c.panel_id == member.c.panel_id)
    )
    columns = (
        kept_id.label("patient_id"),
        *(_row[name] for name in ("accepted", "details")),
        *(_row[name].label(f"listed_{name}") for name in ("family_name", "given_name", "phn")),
        report.c.received_at,
        *(patient.c[name] for name in ("family_name", "given_name", "birth_date", "phn", "mrp_id")),
        *(member.c[name] for name in ("confirmed_on", "confirmed_how")),
        member.c.panel_id.label("member_panel_id"),
        panel.c.number,
        host.roster.last_visit_on(kept_id, now).label("last_visit"),
        lines_query.deleted_at_of_panel().label("panel_deleted_at"),
    )
    which = (_line.line_id == line_id, _line.kind == ReportKind.CONFLICT.value)
    query = select(report_line, *columns).select_from(source).where(*which)
    row = connection.execute(query).one_or_none() if line_id in KEYS else None
    if row is None:
        raise NotFound("This line is no longer kept. Start from the Reports tab.")
    if row.patient_id is not None:
        access.require_patient(host, actor, row.patient_id)
    names = actor_names(connection, host, set(filter(None, (row.owner_id, row.ended_by, row.mrp_id))))
    return ConflictLine(
        line_id=row.line_id,
        version=row.version,
        report_id=row.report_id,
        received_at=row.received_at,
        listed_name=", ".join(filter(None, (row.listed_family_name, row.listed_given_name))),
        listed_phn=row.listed_phn,
        details={ColumnField(field): text for field, text in orjson.loads(row.details).items()},
        opened_at=row.opened_at,
        age=age_in_days(row.opened_at, row.closed_at or now, host.clock.zone),
        closed_at=row.closed_at,
        panel_deleted=row.closed_at is not None and row.closed_at == row.panel_deleted_at,
        times=row.times,
        state=ReportLineState(row.state),
        owner=names[row.owner_id] if row.owner_id else "",
        note=row.note,
        ending=ConflictEnding(row.ending) if row.ending else None,
        ended_at=row.ended_at,
        ended_by=names[row.ended_by] if row.ended_by else "",
        learned_on=row.learned_on,
        answer=CheckInAnswer(row.answer) if row.answer else None,
        answered_at=row.answered_at,
        patient_id=row.patient_id if row.accepted else None,
        **_of_patient(connection, host, settings, row, names) if row.accepted else {},
    )


def _of_patient(
    connection: Connection, host: Host, settings: Settings, row: Row[*tuple[Any, ...]], names: Mapping[str, str]
) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in ("family_name", "given_name", "birth_date", "phn", "last_visit")}
    if host.schedule:
        today = host.clock.now().astimezone(host.clock.zone).date()
        values["next_appointment"] = connection.scalar(select(host.schedule.next_on(literal(row.patient_id), today)))
        values["appointments_known"] = True
    values["proposal"] = four_cut.proposal(connection, host, settings, row.patient_id)
    values |= {"mrp": names[row.mrp_id] if row.mrp_id else "", "visits": _visits(connection, host, row.patient_id)}
    if row.member_panel_id is not None:
        values["membership"] = PanelHere(
            row.member_panel_id,
            row.number,
            row.confirmed_on,
            ConfirmedHow(row.confirmed_how) if row.confirmed_how else None,
            next_date.learned_on(connection, host, settings, row.member_panel_id, row.patient_id),
        )
    return values


def _visits(connection: Connection, host: Host, patient_id: int) -> Sequence[ProviderVisits] | None:
    """Who has seen the patient most in the longest period comes first."""
    if host.visits is None:
        return None
    now = host.clock.now()
    starts = period_starts(now.astimezone(host.clock.zone).date())
    visit = host.visits.attended(starts[-1], now, patient_id)
    counts = [func.sum(case((visit.c.visited_on >= start, literal(1)), else_=literal(0))) for start in starts]
    query = (
        select(visit.c.provider_id, *counts)
        .where(visit.c.patient_id == patient_id)
        .group_by(visit.c.provider_id)
        .order_by(counts[-1].desc(), visit.c.provider_id)
    )
    rows = connection.execute(query).all()
    names = actor_names(connection, host, {row.provider_id for row in rows if row.provider_id})
    return [
        ProviderVisits(names[row[0]] if row[0] else "Provider not stated", [int(count) for count in row[1:]])
        for row in rows
    ]
