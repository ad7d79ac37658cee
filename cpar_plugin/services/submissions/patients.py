"""Who was sent with a submission and who was excluded, as it was then; and the file as it was sent."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from sqlalchemy import Connection, select

from ...domain.reasons import Reason
from ...domain.refusals import NotFound
from ...fhir_mappings.sent_patient import SentPatient, sent_patient
from ...hooks import Actor, Host
from ..operations.access import Forbidden
from ..roster import merges
from ..snapshots import build, storage, stored_patients
from ..snapshots.storage import Part
from .history import Submission

_AT_ONCE = 1000
_NOT_KEPT = "The contents of this submission are no longer available."
_HIDDEN = (
    "This file includes patients whose records you do not have access to, so you cannot download it. "
    "Ask an administrator of the EMR if you should."
)


class PatientNow(NamedTuple):
    """A patient as the EMR has them now. None where it no longer has the record, or does not say."""

    patient_id: int
    known: bool
    family_name: str | None = None
    given_name: str | None = None
    birth_date: str | None = None
    phn: str | None = None
    merged_into: int | None = None  # the record kept, for one that was merged away


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A member who was excluded, as the EMR has them now, with the reasons at that time."""

    patient: PatientNow
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """A patient as they were sent, and the record as the EMR has it now."""

    patient: SentPatient
    now: PatientNow


def sent_at(connection: Connection, snapshot_id: str | None, places: Sequence[int]) -> list[SentPatient]:
    """The patients at these places of a snapshot's list. Raises NotFound when they are no longer kept."""
    if not places:
        return []
    try:
        return [sent_patient(*lines) for lines in stored_patients.patients(connection, snapshot_id or "", places)]
    except EOFError:
        raise NotFound(_NOT_KEPT) from None


def all_sent(host: Host, of: Submission) -> Iterator[tuple[bytes, bytes]]:
    """All patients that were sent, as `sent_patient` reads them. Raises NotFound when they are no longer kept."""
    try:
        yield from stored_patients.all_patients(host, of.snapshot_id or "", of.sent or 0)
    except EOFError:
        raise NotFound(_NOT_KEPT) from None


def reasons_in(codes: str) -> tuple[Reason, ...]:
    """The reasons as they are stored with excluded members."""
    return tuple(map(Reason, codes.split()))


def visible_ids(connection: Connection, host: Host, actor: Actor, patient_ids: Collection[int]) -> set[int]:
    """Those of these patients that the actor may see. One statement, which reads no names."""
    patient = host.roster.patients()
    visible = host.identity.visible(actor, patient.c.patient_id).label("visible")
    query = select(patient.c.patient_id, visible).where(patient.c.patient_id.in_(patient_ids))
    known = {row.patient_id: bool(row.visible) for row in connection.execute(query)}
    return {key for key in patient_ids if (known[key] if key in known else host.identity.may_see(actor, key))}


def visible_patients(
    connection: Connection, host: Host, actor: Actor, patient_ids: Iterable[int]
) -> Mapping[int, PatientNow]:
    """Those of these patients that the actor may see, as the EMR has them now. At most two statements for a page."""
    ids = list(patient_ids)
    if not ids:
        return {}
    patient = host.roster.patients()
    columns = (patient.c[name] for name in ("patient_id", "family_name", "given_name", "birth_date", "phn"))
    visible = host.identity.visible(actor, patient.c.patient_id).label("visible")
    rows = connection.execute(select(*columns, visible).where(patient.c.patient_id.in_(ids))).all()
    gone = set(ids) - {row.patient_id for row in rows}
    kept = merges.kept_records(connection, host, gone)
    return {
        **{key: PatientNow(key, False, merged_into=kept.get(key)) for key in gone if host.identity.may_see(actor, key)},
        **{row.patient_id: PatientNow(row[0], True, *row[1:5]) for row in rows if row.visible},
    }


def file_as_sent(
    host: Host, actor: Actor, of: Submission, record: Callable[[Collection[int]], None]
) -> Iterator[bytes]:
    """The exact bytes that were sent, streamed. `record` is called first, with the patients in the file, in portions.

    Raises NotFound when they are no longer kept, and Forbidden when the actor may not see one of the patients.
    """
    if of.snapshot_id is None or not of.kept:
        raise NotFound(_NOT_KEPT)
    with host.database.engine.connect() as connection:
        for ids in _patient_ids(host, of.snapshot_id):
            if len(visible_patients(connection, host, actor, ids)) < len(ids):
                raise Forbidden(_HIDDEN)
    for ids in _patient_ids(host, of.snapshot_id):
        record(ids)
    return build.body(host, of.snapshot_id)


def _patient_ids(host: Host, snapshot_id: str) -> Iterator[list[int]]:
    patient_ids = (key for key, _ in storage.index_entries(storage.read(host, snapshot_id, Part.INDEX)))
    while ids := list(islice(patient_ids, _AT_ONCE)):
        yield ids
