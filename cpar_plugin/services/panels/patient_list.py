"""The panels of the patients in a list of the host's, such as a day sheet, and what there is to do about each."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select

from ...domain.cautions import ABOUT_COVERAGE, Caution
from ...domain.reasons import Reason
from ...domain.to_do import ToDo, to_do
from ...hooks import Actor, Host
from ...settings import Settings
from ...store import tables
from ...store.types import KEYS
from ..operations import clinic
from ..roster import member_rows, same_phn
from ..roster.member_rows import MemberRow


@dataclass(frozen=True, slots=True)
class ListedPatient:
    """One patient of the list. `panel_number` is None for one who is not paneled."""

    patient_id: int
    panel_number: str | None
    confirmed_on: date | None
    member: MemberRow | None  # None likewise
    reasons: tuple[Reason, ...]  # why the next submission will go without this member
    coverage: tuple[Caution, ...]  # what is doubtful about the member's coverage, whether or not for other reasons
    to_do: tuple[ToDo, ...]


def listed_patients(
    host: Host, actor: Actor, settings: Settings, patient_ids: Collection[int]
) -> tuple[ListedPatient, ...]:
    """The patients that are in the host's roster and that the actor may see, by id; none while the integration is off.

    Four statements, up to two more where PHNs are the same, however many patients. Records that were merged away are
    not found.
    """
    ids = sorted(patient_id for patient_id in set(patient_ids) if patient_id in KEYS)
    with host.database.engine.connect() as connection:
        if not ids or not clinic.load(connection).enabled:
            return ()
        return read(connection, host, actor, settings, ids)


def read(
    connection: Connection, host: Host, actor: Actor, settings: Settings, ids: Collection[int]
) -> tuple[ListedPatient, ...]:
    """The same of ids that are keys, whether or not the integration is on."""
    now, patient, panel = host.clock.now(), host.roster.patients(), tables.panel
    members = (
        member_rows.members(host, now=now)
        .add_columns(panel.c.number)
        .join(panel, panel.c.panel_id == tables.member.c.panel_id)
        .where(tables.member.c.patient_id.in_(ids))
        .subquery("own")
    )
    rows = connection.execute(
        select(*members.c, patient.c.patient_id.label("listed_id"), patient.c.status.label("listed_status"))
        .select_from(patient.outerjoin(members, members.c.patient_id == patient.c.patient_id))
        .where(patient.c.patient_id.in_(ids), host.identity.visible(actor, patient.c.patient_id))
        .order_by(patient.c.patient_id)
    ).all()
    phns = {row.phn for row in rows if row.phn}
    visible = host.identity.visible(actor, tables.member.c.patient_id)
    shared = same_phn.of_all(connection, host, settings, now, visible, among=phns)
    rules = same_phn.eligibility(connection, host, settings, now, same_phn=shared)
    patients = []
    for row in rows:
        member = None if row.number is None else MemberRow._make(row[: len(MemberRow._fields)])
        reasons = rules.reasons(member) if member else ()
        cautions = rules.cautions(member) if member and Reason.COVERAGE_ENDED not in reasons else ()
        coverage = tuple(caution for caution in cautions if caution in ABOUT_COVERAGE)
        confirmed_on = member.confirmed_on if member else None
        due = to_do(
            active=row.listed_status == rules.active_status,
            paneled=member is not None,
            excluded=bool(reasons),
            coverage=bool(coverage),
            confirmed_on=confirmed_on,
            today=rules.today,
            months=settings.unconfirmed_months,
        )
        patients.append(ListedPatient(row.listed_id, row.number, confirmed_on, member, reasons, coverage, due))
    return tuple(patients)
