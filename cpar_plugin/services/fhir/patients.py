"""Patients: the members of live panels, and the records that were merged into one of them."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    String,
    bindparam,
    exists,
    func,
    literal_column,
    null,
    select,
    true,
)

from ...domain.refusals import NotFound
from ...fhir_mappings.identifiers import relative
from ...fhir_mappings.patient import as_text, retired_patient
from ...hooks import Host, Roster
from ...settings import Settings
from ...store import tables
from ...store.prepared import prepared
from ...store.types import key_of
from ..clients.caller import Caller
from ..clients.tokens import StatementWithValues
from ..roster import answers
from .access import Gone, number, readable, visible
from .patient_rows import RowMapping, all_members, read_member, row_mapping
from .practitioner_roles import role_reference, roles_of_panels
from .versions import CurrentResource, Stored, Versioned, versioned

_MANY = 100
_NOWHERE: ColumnElement[int] = literal_column("-1", Integer())
_NO_PATIENT = "Patient not found on a panel you can read."


class PatientSource:
    """The patients that a caller may read: the members of their panels. Others are not even said to exist."""

    kind = "Patient"

    def __init__(self, host: Host, settings: Settings, caller: Caller) -> None:
        self._host = host
        self._settings = settings
        self._caller = caller
        # A Protocol is not known to be hashable.
        self._all_members, self.columns = all_members(host.roster)  # type: ignore[arg-type]
        self.key: ColumnElement[int] = tables.member.c.patient_id
        self.last_updated: ColumnElement[Any] = tables.patient_version.c.last_updated

    def select(self) -> Select[Any]:
        """Every patient that the caller may read, as `mapping` takes them: to be narrowed and ordered by `columns`."""
        return readable(self._host, self._caller, self._all_members)

    def versioned(self, connection: Connection, rows: Sequence[Row[Any]]) -> list[Versioned]:
        """The resources of rows of `select`. One statement, and a short transaction where something has changed."""
        if not rows:
            return []
        members = list(map(read_member, rows))
        roles = roles_of_panels(connection, {member.panel_id for member in members})
        mapping = self.mapping()
        entries = [
            current_patient(member.patient_id, mapping(member, roles.get(member.panel_id, "[]")), member)
            for member in members
        ]
        return versioned(self._host, tables.patient_version, entries)

    def mapping(self) -> RowMapping:
        """From rows of `select` to Patients as JSON. Made once for each clinic."""
        return row_mapping(self._host.roster, self._settings)  # type: ignore[arg-type]

    def read(self, connection: Connection, resource_id: str, rows: Sequence[Row[Any]] = ()) -> Versioned:
        """One patient, in one statement, or of a client's rows of `patient_with_id`, in none.

        Raises NotFound, and Gone for one who is no longer a member.
        """
        patient_id = number(resource_id)
        matches = self.with_id(connection, patient_id, rows)
        return matches[0] if matches else self._retired(connection, patient_id)

    def with_id(self, connection: Connection, patient_id: int, rows: Sequence[Row[Any]] = ()) -> list[Versioned]:
        """The patient with this id, if the caller may read them. One statement, or a client's rows of it."""
        query = _with_roles(self._host.roster)[0]  # type: ignore[arg-type]
        return self._with_versions(rows or connection.execute(self._readable(query), {"key": patient_id}).all())

    def with_phn(self, connection: Connection, phn: str, rows: Sequence[Row[Any]] = ()) -> list[Versioned] | None:
        """The patients with this health number (ASCII) in the host; None where there are many. Likewise."""
        query = _with_roles(self._host.roster)[1]  # type: ignore[arg-type]
        rows = rows or connection.execute(self._readable(query), {"key": phn}).all()
        return self._with_versions(rows) if len(rows) < _MANY else None

    def _readable(self, query: Select[Any]) -> Select[Any]:
        return query if self._caller.client_id is not None else query.where(visible(self._host, self._caller, self.key))

    def _with_versions(self, rows: Sequence[Row[Any]]) -> list[Versioned]:
        """The resources of rows of `_with_roles`."""
        mapping, entries = self.mapping(), []
        # Sorted here: for so few rows the database would make a table first.
        rows = sorted(rows, key=attrgetter("patient_id", "place_of_provider", "place_of_facility"))
        for patient_id, group in groupby(rows, attrgetter("patient_id")):
            patient_rows = list(group)
            if self._on_panels(patient_rows[0].panel_id):
                places = dict.fromkeys((row.provider_id, row.facility_id) for row in patient_rows)
                roles = [role_reference(*place) for place in places if None not in place]
                text = mapping(patient_rows[0], as_text(roles), _answers_in(patient_rows))
                entries.append(current_patient(patient_id, text, patient_rows[0]))
        return versioned(self._host, tables.patient_version, entries)

    def _on_panels(self, panel_id: int) -> bool:
        return self._caller.panels is None or panel_id in self._caller.panels

    def _retired(self, connection: Connection, patient_id: int) -> Versioned:
        """A record merged away, if the caller may read the one kept."""
        merged, version = self._host.roster.merged(), tables.patient_version
        member = tables.member.alias("kept")
        panels = self._caller.panels
        visible_records = (
            visible(self._host, self._caller, record) for record in (merged.c.retired_id, merged.c.kept_id)
        )
        row = connection.execute(
            select(merged.c.kept_id, version.c.digest, version.c.version, version.c.last_updated)
            .select_from(
                merged.join(member, member.c.patient_id == merged.c.kept_id).outerjoin(
                    version, version.c.patient_id == merged.c.retired_id
                )
            )
            .where(
                merged.c.retired_id == patient_id,
                *visible_records,
                true() if panels is None else member.c.panel_id.in_(panels),
            )
        ).one_or_none()
        if row is None:
            raise self._absent(connection, patient_id)
        text = orjson.dumps(retired_patient(patient_id, row.kept_id, self._settings, relative))
        return versioned(self._host, tables.patient_version, [current_patient(patient_id, text, row)])[0]

    def _absent(self, connection: Connection, patient_id: int) -> NotFound:
        """Gone for those who could have read the patient before; NotFound for others."""
        version, ledger = tables.patient_version.c, tables.ledger.c
        panels = self._caller.panels
        was_readable = (
            true()
            if panels is None
            else exists().where(ledger.patient_id == patient_id, ledger.from_panel_id.in_(panels))
        )
        version_read = select(version.patient_id).where(
            version.patient_id == patient_id, visible(self._host, self._caller, version.patient_id), was_readable
        )
        return (
            NotFound(_NO_PATIENT)
            if connection.scalar(version_read) is None
            else Gone("This patient is no longer on a panel you can read.")
        )


def _answers_in(rows: Sequence[Row[Any]]) -> str | None:
    """The answers that are in a patient's rows. Few patients have any."""
    answered = {(row.caution, row.fingerprint, row.operation_id) for row in rows if row.caution is not None}
    return answers.text_of(answered) if answered else None


def current_patient(patient_id: int, text: bytes, stored: Stored | None) -> CurrentResource:
    """A Patient as it is now, as JSON, and what the table of versions says of it."""
    return CurrentResource("Patient", str(patient_id), (patient_id,), text, stored)


def patient_with_id(host: Host, resource_id: str) -> StatementWithValues | None:
    """What a client that may read all panels is given of a patient; None for what can be no id."""
    key = key_of(resource_id)
    return StatementWithValues(_with_roles(host.roster)[0], {"key": key}) if key else None  # type: ignore[arg-type]


def patients_with_phn(host: Host, phn: str) -> StatementWithValues:
    """What such a client is given of the patients with this health number (ASCII)."""
    return StatementWithValues(_with_roles(host.roster)[1], {"key": phn})  # type: ignore[arg-type]


@lru_cache(maxsize=8)
def _with_roles(roster: Roster) -> tuple[Select[Any], Select[Any]]:
    """Those with the id `key`, and those with the PHN `key`: `_MANY` rows at most.

    A row for each PractitionerRole of the patient's panel, with each answer about the patient; with NULL where there is
    none. Joined: for a correlated scalar of one row MariaDB takes as long as for all the rest.
    """
    member, provider, facility, answer = tables.member, tables.panel_provider, tables.panel_facility, tables.answer
    query, columns = all_members(roster)  # type: ignore[arg-type]
    read = {**columns, "answers": null()}
    names = query.selected_columns.keys()
    query = (
        query.with_only_columns(*(read[name].label(name) for name in names), maintain_column_froms=True)
        .add_columns(provider.c.provider_id, func.coalesce(provider.c.position, _NOWHERE).label("place_of_provider"))
        .add_columns(facility.c.facility_id, func.coalesce(facility.c.position, _NOWHERE).label("place_of_facility"))
        .add_columns(answer.c.caution, answer.c.fingerprint, answer.c.operation_id)
        .outerjoin(provider, provider.c.panel_id == member.c.panel_id)
        .outerjoin(facility, facility.c.panel_id == member.c.panel_id)
        .outerjoin(answer, answer.c.patient_id == member.c.patient_id)
    )
    phn = bindparam("key", type_=String())
    return (
        prepared(query.where(member.c.patient_id == bindparam("key"))),
        prepared(query.where(member.c.patient_id.in_(roster.with_phn(phn))).limit(literal_column(str(_MANY)))),
    )
