"""What an export consists of: each kind is read in one stream, mapped once, and written as it is read."""

from collections import namedtuple
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import Connection, Select, func, select, true

from ...fhir_mappings.identifiers import relative
from ...fhir_mappings.outcome import IssueType
from ...fhir_mappings.patient import patient_texts
from ...hooks import Host
from ...settings import Settings
from ...store import tables
from ..clients.caller import Caller
from ..fhir.directory import DirectorySource
from ..fhir.groups import GroupSource
from ..fhir.patients import PatientSource, current_patient
from ..fhir.practitioner_roles import roles_of_panels
from ..fhir.search.request import Shape
from ..fhir.search.shape import is_included, shaped
from ..fhir.versions import CurrentResource, Versioned, digest_of, stamped, versioned
from .changes import ExportChanges
from .files import Files, Section, Writer
from .request import ExportRequest

_STREAMED = 100  # more at once, and the garbage collector begins to follow them
_WRITTEN = 500
_DELETED_TOGETHER = 500
CountPatients = Callable[[int], None]


class Contents:
    """Everything that is asked for, as one connection sees it."""

    def __init__(
        self,
        connection: Connection,
        host: Host,
        settings: Settings,
        caller: Caller,
        request: ExportRequest,
        progress: CountPatients,
    ) -> None:
        """`progress` is called with a number of further patients; what it raises ends the work."""
        self._connection = connection
        self._host = host
        self._settings = settings
        self._caller = caller
        self._request = request
        self._progress = progress
        self._changes = ExportChanges(connection, host, settings, caller, request.since) if request.since else None

    def expected(self) -> int:
        """How many patients there are to go through."""
        if "Patient" not in self._request.kinds:
            return 0
        panels, member = self._caller.panels, tables.member
        of_panels = true() if panels is None else member.c.panel_id.in_(panels)
        return self._connection.scalar(select(func.count()).select_from(member).where(of_panels)) or 0

    def write(self, files: Files) -> None:
        """Write all of it."""
        for kind in self._request.kinds:
            with files.writing(Section.OUTPUT, kind) as writer:
                match kind:
                    case "Patient":
                        self._patients(writer)
                    case "Group":
                        self._groups(writer)
                    case _:
                        self._directory(writer, kind)
            if self._changes and self._request.patients is None:
                with files.writing(Section.DELETED, kind) as writer:
                    self._deleted(writer, kind, self._changes)
        with files.writing(Section.ERROR, "OperationOutcome") as writer:
            writer.lines([_ignored(message) for message in self._request.ignored])

    def _patients(self, writer: Writer) -> None:
        source, shape = PatientSource(self._host, self._settings, self._caller), self._request.shape("Patient")
        whole, since = shape.whole, self._changes and self._changes.since
        roles = roles_of_panels(self._connection)
        mapping = patient_texts(self._settings, relative, active_status=self._host.roster.active_status)
        outdated: list[CurrentResource] = []
        with self._connection.execute(self._query(source).execution_options(yield_per=_STREAMED)) as result:
            # A Row looks each column up by its name, which takes as long as all else.
            make_row = namedtuple("named", result.keys())._make  # type: ignore[attr-defined]
            for rows in result.partitions():
                lines = []
                for row in map(make_row, rows):
                    text = mapping(row, roles.get(row.panel_id, "[]"))
                    if digest_of(text) != row.digest:
                        outdated.append(current_patient(row.patient_id, text, row))
                    elif since is None or row.last_updated >= since or row.concerned:
                        text = stamped(text, row.version, row.last_updated)
                        lines.append(text if whole else shaped("Patient", text, shape))
                writer.lines(lines, patients=len(lines))
                if len(outdated) >= _WRITTEN:
                    self._write_changed(writer, outdated, shape)
                self._progress(len(rows))
        self._write_changed(writer, outdated, shape)

    def _write_changed(self, writer: Writer, outdated: list[CurrentResource], shape: Shape) -> None:
        """Write patients whose records have changed since the last read, with their new versions."""
        patients = versioned(self._host, tables.patient_version, outdated)
        writer.lines([shaped("Patient", patient.text, shape) for patient in patients], patients=len(patients))
        outdated.clear()

    def _query(self, source: PatientSource) -> Select[Any]:
        query = source.select()
        if self._request.patients is not None:
            query = query.where(source.key.in_(self._request.patients))
        if self._changes:
            query = query.add_columns(self._changes.concerned().label("concerned"))
        return query

    def _groups(self, writer: Writer) -> None:
        groups = GroupSource(self._host, self._settings, self._caller)
        shape = self._request.shape("Group")
        for version in groups.versioned(self._connection, self._connection.execute(groups.select()).all()):
            if not self._has_changed(version):
                continue
            group = replace(version, text=shaped("Group", version.text, shape))
            if is_included("Group", "member", shape):
                writer.chunked(groups.body(self._connection, group), patients=version.resource["quantity"])
            else:
                writer.lines([group.text])
            self._progress(0)

    def _directory(self, writer: Writer, kind: str) -> None:
        include_all, shape = self._changes is None or self._changes.panels_were_edited, self._request.shape(kind)
        versions = DirectorySource(self._host, self._settings, self._caller, kind).everything(self._connection)
        texts = [version.text for version in versions if include_all or self._has_changed(version)]
        writer.lines([shaped(kind, text, shape) for text in texts])

    def _has_changed(self, version: Versioned) -> bool:
        return self._changes is None or version.last_updated >= self._changes.since

    def _deleted(self, writer: Writer, kind: str, changes: ExportChanges) -> None:
        for ids in changes.deleted(kind, _DELETED_TOGETHER):
            writer.lines([_deletions(kind, ids)], patients=len(ids) if kind == "Patient" else 0)
            self._progress(0)


def _deletions(kind: str, ids: Sequence[object]) -> bytes:
    entries = [{"request": {"method": "DELETE", "url": f"{kind}/{resource_id}"}} for resource_id in ids]
    return orjson.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries})


def _ignored(message: str) -> bytes:
    issue = {"severity": "warning", "code": IssueType.NOT_SUPPORTED.value, "diagnostics": message}
    return orjson.dumps({"resourceType": "OperationOutcome", "issue": [issue]})
