"""A submission's lists of patients, searched and sorted: who was sent, who was excluded, and who makes a difference."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, select

from ...fhir_mappings.sent_patient import SentPatient, sent_patient
from ...hooks import Actor, Host
from ...store.tables import exclusion
from .changes import Before, ChangeKind, Difference, PatientChange, all_differences, by_id, changed, reasons_of
from .history import Submission
from .patients import Exclusion, Sent, all_sent, visible_ids, visible_patients
from .searched_list import SearchedList, ShownPatient
from .sorted_list import ListEntry

_READ_AT_ONCE = 1000
SENT, EXCLUDED = "sent", "excluded"
ListKind = str  # SENT, EXCLUDED, or a ChangeKind
Row = Sent | Exclusion | PatientChange


class SnapshotList(SearchedList[Row]):
    """One list of a submission."""

    def __init__(
        self, connection: Connection, host: Host, actor: Actor, of: Submission, since: Before | None, show: ListKind
    ) -> None:
        super().__init__(connection, host, actor)
        self._of, self._since, self._show = of, since, show
        self._parsed: dict[int, SentPatient] = {}  # of the portion being read

    def _shown(self, portion: Sequence[ListEntry]) -> list[ShownPatient]:
        """Those that the actor may see: as they were sent, else as the EMR has them now."""
        if self._show != SENT:
            return super()._shown(portion)
        seen = visible_ids(self._connection, self._host, self._actor, [entry.patient_id for entry in portion])
        parsed, self._parsed = self._parsed, {}
        return [_as_sent(entry, parsed[entry.patient_id]) for entry in portion if entry.patient_id in seen]

    def _entries(self) -> Iterator[ListEntry]:
        """Everyone on the list, by record number; of those who were sent also what was sent."""
        if self._show == SENT:
            for lines in all_sent(self._host, self._of):
                patient = sent_patient(*lines)
                self._parsed[patient.patient_id] = patient
                yield ListEntry(patient.patient_id, sent=b"\n".join(lines))
        elif self._show == EXCLUDED:
            yield from map(ListEntry, self._excluded())
        elif self._since:
            for kind, patient_id, before, now in all_differences(self._host, self._since, self._of):
                if kind == self._show:
                    yield ListEntry(patient_id, before, now)

    def _excluded(self) -> Iterator[int]:
        last = -1
        of_snapshot = select(exclusion.c.patient_id).where(exclusion.c.snapshot_id == self._of.snapshot_id)
        while True:
            following = of_snapshot.where(exclusion.c.patient_id > last).order_by(exclusion.c.patient_id)
            ids = self._connection.scalars(following.limit(_READ_AT_ONCE)).all()
            if not ids:
                return
            yield from ids
            last = ids[-1]

    def _rows(self, entries: Sequence[ListEntry]) -> list[Row]:
        ids = [entry.patient_id for entry in entries]
        rows: dict[int, Row] = {}
        if self._show == SENT:
            sent = by_id(sent_patient(*entry.sent.split(b"\n")) for entry in entries)
            visible = visible_patients(self._connection, self._host, self._actor, ids)
            rows = {key: Sent(sent[key], patient) for key, patient in visible.items()}
        elif self._show == EXCLUDED:
            reasons = reasons_of(self._connection, self._of.snapshot_id, ids)
            visible = visible_patients(self._connection, self._host, self._actor, ids)
            rows = {key: Exclusion(patient, reasons[key]) for key, patient in visible.items()}
        elif self._since:
            differences = [Difference(ChangeKind(self._show), *entry[:3]) for entry in entries]
            rows = {**changed(self._connection, self._host, self._actor, self._of, self._since, differences)}
        return [rows[patient_id] for patient_id in ids if patient_id in rows]


def _as_sent(entry: ListEntry, sent: SentPatient) -> ShownPatient:
    return ShownPatient.of(entry, sent.family_name, sent.given_names, sent.preferred_name, sent.birth_date, sent.phn)
