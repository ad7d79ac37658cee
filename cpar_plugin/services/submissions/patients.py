"""Who was sent with a submission and who was excluded, as it was then: page by page, and the file as it was sent."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

from sqlalchemy import Connection, select

from ...domain.reasons import Reason
from ...domain.refusals import NotFound
from ...fhir_mappings.sent_patient import SentPatient, sent_patient
from ...hooks import Actor, Host
from ...store.tables import exclusion
from ..operations.access import Forbidden
from ..roster import merges
from ..snapshots import build, storage, stored_patients
from ..snapshots.storage import Part
from .history import Submission

AT_ONCE = 100
_AT_ONCE = 1000
_NOT_KEPT = "The contents of this submission are no longer available."
_HIDDEN = (
    "This file includes patients whose records you do not have access to, so you cannot download it. "
    "Ask an administrator of the EMR if you should."
)

Row = TypeVar("Row")


class PatientNow(NamedTuple):
    """A patient as the EMR has them now. None where it no longer has the record, or does not say."""

    patient_id: int
    known: bool
    family_name: str | None = None
    given_name: str | None = None
    birth_date: str | None = None
    merged_into: int | None = None  # the record kept, for one that was merged away


@dataclass(frozen=True, slots=True)
class SnapshotListing(Generic[Row]):
    """One page of a list, counted from 1. `hidden`: how many of this page the actor may not see."""

    rows: Sequence[Row]
    hidden: int
    total: int
    page: int

    @property
    def pages(self) -> int:
        """How many there are: one for an empty list too."""
        return max(1, -(-self.total // AT_ONCE))


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


def places_of(page: int, total: int) -> range:
    """The places in a list that a page shows. Raises NotFound for a page beyond the last."""
    if page < 1 or (page > 1 and (page - 1) * AT_ONCE >= total):
        raise NotFound("Page not found. Start from the first page of the list.")
    return range((page - 1) * AT_ONCE, min(page * AT_ONCE, total))


def sent(connection: Connection, host: Host, actor: Actor, of: Submission, page: int) -> SnapshotListing[Sent]:
    """The patients that were sent, by record number. Two statements. Raises NotFound when they are no longer kept."""
    total = of.sent or 0
    patients = sent_at(connection, of.snapshot_id, places_of(page, total))
    visible = visible_patients(connection, host, actor, [patient.patient_id for patient in patients])
    rows = [Sent(patient, visible[patient.patient_id]) for patient in patients if patient.patient_id in visible]
    return SnapshotListing(rows, len(patients) - len(rows), total, page)


def sent_at(connection: Connection, snapshot_id: str | None, places: Sequence[int]) -> list[SentPatient]:
    """The patients at these places of a snapshot's list. Raises NotFound when they are no longer kept."""
    if not places:
        return []
    try:
        return [sent_patient(*lines) for lines in stored_patients.patients(connection, snapshot_id or "", places)]
    except EOFError:
        raise NotFound(_NOT_KEPT) from None


def exclusions_of(
    connection: Connection, host: Host, actor: Actor, of: Submission, page: int
) -> SnapshotListing[Exclusion]:
    """The members that were excluded, by record number, and why. Two statements."""
    total = of.excluded or 0
    places = places_of(page, total)
    query = select(exclusion.c.patient_id, exclusion.c.reasons).where(exclusion.c.snapshot_id == of.snapshot_id)
    query = query.order_by(exclusion.c.patient_id).offset(places.start).limit(len(places))
    reasons = {patient_id: reasons_in(codes) for patient_id, codes in connection.execute(query)}
    visible = visible_patients(connection, host, actor, reasons)
    rows = [Exclusion(visible[patient_id], why) for patient_id, why in reasons.items() if patient_id in visible]
    return SnapshotListing(rows, len(reasons) - len(rows), total, page)


def reasons_in(codes: str) -> tuple[Reason, ...]:
    """The reasons as they are stored with excluded members."""
    return tuple(map(Reason, codes.split()))


def visible_patients(
    connection: Connection, host: Host, actor: Actor, patient_ids: Iterable[int]
) -> Mapping[int, PatientNow]:
    """Those of these patients that the actor may see, as the EMR has them now. At most two statements for a page."""
    ids = list(patient_ids)
    if not ids:
        return {}
    patient = host.roster.patients()
    columns = patient.c.patient_id, patient.c.family_name, patient.c.given_name, patient.c.birth_date
    visible = host.identity.visible(actor, patient.c.patient_id).label("visible")
    rows = connection.execute(select(*columns, visible).where(patient.c.patient_id.in_(ids))).all()
    gone = set(ids) - {row.patient_id for row in rows}
    kept = merges.kept_records(connection, host, gone)
    return {
        **{key: PatientNow(key, False, merged_into=kept.get(key)) for key in gone if host.identity.may_see(actor, key)},
        **{row.patient_id: PatientNow(row[0], True, *row[1:4]) for row in rows if row.visible},
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
