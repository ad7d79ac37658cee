"""The panel of one patient as the widget shows it, and what becomes of the patient with the next submission."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, false, literal, select

from ...domain.cautions import Caution
from ...domain.confirmation import ConfirmedHow, may_confirm
from ...domain.identifiers import is_phn
from ...domain.names import full_name
from ...domain.panel_state import PanelState
from ...domain.questions import Question, questions
from ...domain.reasons import Reason
from ...domain.removal import GIVEN_REASONS, RemovalRules
from ...domain.wording import kind_of
from ...hooks import Actor, Host
from ...settings import Settings
from ...store import tables
from ...store.types import KEYS
from ..operations import clinic
from ..roster import answers, member_rows, merges, same_phn, separated
from ..roster.answers import CautionAnswer
from ..roster.member_rows import MemberRow
from ..roster.providers import panel_label, provider_name
from ..roster.same_phn import SamePhn


@dataclass(frozen=True, slots=True)
class PanelChoice:
    """A live panel."""

    panel_id: int
    label: str
    state: PanelState = PanelState.ACTIVE


@dataclass(frozen=True, slots=True)
class ShownMembership:
    """What the widget shows of one patient. `panel` and what follows is None or empty for one who is not paneled."""

    enabled: bool
    known: bool  # the host has the patient, or a panel still does
    name: str  # `Family, Given`; '' where the host knows none
    choices: tuple[PanelChoice, ...]  # the panels that a patient can be put on
    of_mrp: tuple[PanelChoice, ...] = ()  # those of them that the patient's MRP is a provider of
    panel: PanelChoice | None = None
    since: datetime | None = None
    confirmed_on: date | None = None
    confirmed_how: ConfirmedHow | None = None
    may_confirm: bool = False
    mrp_outside: bool = False  # the patient's MRP is none of the panel's providers: allowed, but worth a look
    member: MemberRow | None = None
    reasons: tuple[Reason, ...] = ()  # why the patient will be excluded from the next submission
    cautions: tuple[Caution, ...] = ()  # what is doubtful about a patient who will be sent
    questions: Mapping[Reason | Caution, Question] = field(default_factory=dict)  # those of them that can be answered
    answers: Sequence[CautionAnswer] = ()  # what would be told, had it not been checked
    merge_waits: bool = False  # a merge of this record, or its undoing, may not have been followed yet
    merged_into: int | None = None  # the record that is kept, for one that was merged away
    split_off: tuple[int, ...] = ()  # records of which this one has inherited, and which are apart again
    removal: RemovalRules = GIVEN_REASONS
    same_phn: tuple[int, ...] = ()  # where that matters: other patients with it that the actor may see


def current(host: Host, settings: Settings, patient_id: int, actor: Actor | None = None) -> ShownMembership:
    """The same as `membership`, once merges of this record have been followed: the host does not announce them."""
    with host.database.engine.connect() as connection:
        widget = membership(connection, host, settings, patient_id, actor)
    if not (widget.merge_waits and merges.catch_up_to_show(host)):
        return widget
    with host.database.engine.connect() as connection:
        return membership(connection, host, settings, patient_id, actor)


def membership(
    connection: Connection, host: Host, settings: Settings, patient_id: int, actor: Actor | None = None
) -> ShownMembership:
    """The membership of one patient and the panels to choose from.

    Two statements, one while turned off; one more for a record merged away, and two where something was answered.
    A further one where another member has the patient's PHN: the `actor` sees who, if they may see them.
    """
    now = host.clock.now()
    record = _record(connection, host, patient_id if patient_id in KEYS else 0, now)
    if record.enabled_at is None:
        return ShownMembership(enabled=False, known=False, name="", choices=())
    member = None if record.member_of is None else MemberRow._make(record[: len(MemberRow._fields)])
    choices, providers, is_shared_phn = _panels(connection, host, member)
    open_panels = tuple(choice for choice in choices.values() if choice.state.takes_patients)
    of_mrp = tuple(choice for choice in open_panels if record.found_mrp_id in providers[choice.panel_id])
    merged_into = None if record.found is not None else merges.kept_record(connection, host, patient_id)
    paneled = ShownMembership(
        enabled=True,
        known=record.found is not None or member is not None or merged_into is not None,
        merge_waits=record.merge_waits,
        merged_into=merged_into,
        name=full_name(record.found_family_name, record.found_given_name, capitals=True),
        choices=open_panels,
        of_mrp=of_mrp,
    )
    if member is None:
        return paneled
    shared = SamePhn()
    if member.phn and is_shared_phn:
        visible = host.identity.visible(actor, tables.member.c.patient_id) if actor else false()
        shared = same_phn.of_one(connection, host, settings, now, member.phn, visible)
    rules = same_phn.eligibility(connection, host, settings, now, same_phn=shared)
    reasons = rules.reasons(member)
    cautions = () if reasons else rules.cautions(member)
    answered = rules.answered(member)
    patient_answers = answers.of_patients(connection, host, [patient_id]).get(patient_id, []) if answered else []
    is_shared = Reason.SHARED_PHN in reasons or Caution.PHN_OF_ANOTHER in cautions
    return replace(
        paneled,
        removal=clinic.removal_rules(record.removal_reasons, record.removal_reason_required_at),
        panel=choices[record.member_of],
        since=member.since,
        confirmed_on=member.confirmed_on,
        confirmed_how=ConfirmedHow(member.confirmed_how) if member.confirmed_how else None,
        may_confirm=may_confirm(member.confirmed_on, rules.today, kind_of(host.roster, member.status)),
        mrp_outside=member.mrp_id is not None and member.mrp_id not in providers[record.member_of],
        member=member,
        reasons=reasons,
        cautions=cautions,
        questions=questions((*reasons, *cautions), member),
        answers=answers.to(answered, patient_answers),
        split_off=tuple(int(retired_id) for retired_id in (record.split_off or "").split()),
        same_phn=shared.others(member) if is_shared else (),
    )


def _record(connection: Connection, host: Host, patient_id: int, now: datetime) -> Row[*tuple[Any, ...]]:
    """One row, whatever is there of the patient: the columns of MemberRow first, all NULL for a patient on no panel."""
    patient = host.roster.patients()
    own = (
        member_rows.members(host, now=now)
        .add_columns(tables.member.c.panel_id.label("member_of"))
        .where(tables.member.c.patient_id == patient_id)
        .subquery("own")
    )
    of_clinic = tables.clinic.c
    removal = of_clinic.removal_reasons, of_clinic.removal_reason_required_at
    request = select(of_clinic.enabled_at, *removal, literal(patient_id).label("patient_id")).subquery("asked")
    return connection.execute(
        select(
            *own.c,
            request.c.enabled_at,
            request.c.removal_reasons,
            request.c.removal_reason_required_at,
            patient.c.patient_id.label("found"),
            patient.c.family_name.label("found_family_name"),
            patient.c.given_name.label("found_given_name"),
            patient.c.mrp_id.label("found_mrp_id"),
            merges.waiting(host, request.c.patient_id).label("merge_waits"),
            separated.split_off(request.c.patient_id, own.c.since).label("split_off"),
        )
        .select_from(request)
        .outerjoin(patient, patient.c.patient_id == request.c.patient_id)
        .outerjoin(own, own.c.patient_id == request.c.patient_id)
    ).one()


def _panels(
    connection: Connection, host: Host, member: MemberRow | None
) -> tuple[dict[int, PanelChoice], dict[int, set[str]], bool]:
    """The live panels by number, the providers of each, and whether another member has the same PHN."""
    another: ColumnElement[bool] = false()
    if member and member.phn and is_phn(member.phn):
        another = same_phn.another_has(host, member.phn, member.patient_id)
    panel, provider, provider_names = tables.panel.c, tables.panel_provider.c, host.roster.providers()
    rows = connection.execute(
        select(
            panel.panel_id,
            panel.number,
            panel.state,
            provider.provider_id,
            provider_names.c.family_name,
            provider_names.c.given_name,
            another.label("another_has_phn"),
        )
        .join_from(tables.panel, tables.panel_provider, provider.panel_id == panel.panel_id)
        .outerjoin(provider_names, provider_names.c.provider_id == provider.provider_id)
        .where(panel.live_number.is_not(None))
        .order_by(panel.number, provider.position)
    ).all()
    heads = {row.panel_id: (row.number, PanelState(row.state)) for row in rows}
    names: dict[int, list[str]] = {panel_id: [] for panel_id in heads}
    for row in rows:
        names[row.panel_id].append(provider_name(row.family_name, row.given_name, row.provider_id))
    choices = {
        panel_id: PanelChoice(panel_id, panel_label(heads[panel_id][0], providers), heads[panel_id][1])
        for panel_id, providers in names.items()
    }
    provider_ids: dict[int, set[str]] = {panel_id: set() for panel_id in heads}
    for row in rows:
        provider_ids[row.panel_id].add(row.provider_id)
    return choices, provider_ids, any(row.another_has_phn for row in rows)
