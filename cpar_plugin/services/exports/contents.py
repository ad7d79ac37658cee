"""What an export consists of: each kind is read in one stream, mapped once, and written as it is read."""

from collections import namedtuple
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import Connection, Select, func, select, true

from ...fhir_mappings.outcome import IssueType
from ...hooks import Host
from ...settings import Settings
from ...store import tables
from ..clients.caller import Caller
from ..fhir.directory import KINDS as DIRECTORY
from ..fhir.directory import DirectorySource
from ..fhir.groups import GroupSource
from ..fhir.patients import PatientSource, current_patient
from ..fhir.practitioner_roles import roles_of_panels
from ..fhir.search.request import Shape
from ..fhir.search.shape import is_included, shaped
from ..fhir.versions import CurrentResource, Versioned, digest_of, stamped, versioned
from .blocks import Block, Directory, Lines
from .changes import ExportChanges
from .files import Files, Section, Writer
from .filters import TypeFilters
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
        self._changes = (
            ExportChanges(connection, host, settings, caller, request.since, request.until) if request.since else None
        )
        self._filters = TypeFilters(connection, host, settings, caller, request.filters, request.base)

    def expected(self) -> int:
        """How many patients there are to go through."""
        if "Patient" not in self._request.kinds:
            return 0
        panels, member = self._caller.panels, tables.member
        of_panels = true() if panels is None else member.c.panel_id.in_(panels)
        return self._connection.scalar(select(func.count()).select_from(member).where(of_panels)) or 0

    def write(self, files: Files) -> None:
        """Write all of it."""
        if self._request.by_group:
            self._blocks(files)
        else:
            self._output(files)
        if self._changes and self._request.patients is None:
            for kind in self._request.kinds:
                with files.writing(Section.DELETED, kind) as writer:
                    self._deleted(writer, kind, self._changes)
        with files.writing(Section.ERROR, "OperationOutcome") as writer:
            writer.lines([_ignored(message) for message in self._request.ignored])

    def _output(self, files: Files) -> None:
        """Files of one kind each."""
        for kind in self._request.kinds:
            with files.writing(Section.OUTPUT, kind) as writer:
                match kind:
                    case "Patient":
                        self._patients(writer)
                    case "Group":
                        for group in self._groups(only_selected=True):
                            self._group(writer, group)
                    case _:
                        writer.lines(self._shaped(kind, self._selected(kind, self._everything(kind))))

    def _blocks(self, files: Files) -> None:
        """A file for each Group: what heads its block, the Group, and what goes with it."""
        directory = Directory({kind: self._everything(kind) for kind in DIRECTORY})
        selected = {kind: self._selected(kind, directory.of(kind)) for kind in DIRECTORY if kind in self._request.kinds}
        selected_groups = {group.resource_id for group in self._groups(only_selected=True)}
        for group in self._groups(only_selected=False):
            with files.writing_whole("Group", f"Group-{group.resource_id}") as writer:
                block = Block(writer, group)
                if group.resource_id in selected_groups:
                    block.begin()
                    self._group(writer, group)
                for kind, versions in selected.items():
                    block.lines(self._shaped(kind, directory.of_group(group, kind, versions)))
                if "Patient" in self._request.kinds:
                    self._patients(block, int(group.resource_id))

    def _patients(self, writer: Lines, panel_id: int | None = None) -> None:
        """The patients of one panel, or of all."""
        shape = self._request.shape("Patient")
        whole, since, until = shape.whole, self._changes and self._changes.since, self._request.until
        roles = roles_of_panels(self._connection)
        mapping = PatientSource(self._host, self._settings, self._caller).mapping()
        outdated: list[CurrentResource] = []
        with self._connection.execute(self._query(panel_id).execution_options(yield_per=_STREAMED)) as result:
            # A Row looks each column up by its name, which takes as long as all else.
            make_row = namedtuple("named", result.keys())._make  # type: ignore[attr-defined]
            for rows in result.partitions():
                lines = []
                for row in map(make_row, rows):
                    text = mapping(row, roles.get(row.panel_id, "[]"))
                    if digest_of(text) != row.digest:
                        outdated.append(current_patient(row.patient_id, text, row))
                    elif (since is None or row.last_updated >= since or row.concerned) and (
                        until is None or row.last_updated < until
                    ):
                        text = stamped(text, row.version, row.last_updated)
                        lines.append(text if whole else shaped("Patient", text, shape))
                writer.lines(lines, patients=len(lines))
                if len(outdated) >= _WRITTEN:
                    self._write_changed(writer, outdated, shape)
                self._progress(len(rows))
        self._write_changed(writer, outdated, shape)

    def _write_changed(self, writer: Lines, outdated: list[CurrentResource], shape: Shape) -> None:
        """Write patients whose records have changed since the last read, with their new versions."""
        until = self._request.until
        patients = [
            patient
            for patient in versioned(self._host, tables.patient_version, outdated)
            if until is None or patient.last_updated < until
        ]
        writer.lines([shaped("Patient", patient.text, shape) for patient in patients], patients=len(patients))
        outdated.clear()

    def _query(self, panel_id: int | None) -> Select[Any]:
        source = PatientSource(self._host, self._settings, self._caller)
        query = self._filters.narrowed("Patient", source.select())
        if panel_id is not None:
            query = query.where(source.columns["panel_id"] == panel_id)
        if self._request.patients is not None:
            query = query.where(source.key.in_(self._request.patients))
        if self._changes:
            query = query.add_columns(self._changes.concerned().label("concerned"))
        return query

    def _groups(self, *, only_selected: bool) -> list[Versioned]:
        """Groups without their members: those that are to be exported, or all that the caller may read."""
        groups = GroupSource(self._host, self._settings, self._caller)
        query = self._filters.narrowed("Group", groups.select()) if only_selected else groups.select()
        versions = groups.versioned(self._connection, self._connection.execute(query).all())
        return [version for version in versions if not only_selected or self._is_in_time(version)]

    def _group(self, writer: Writer, version: Versioned) -> None:
        shape = self._request.shape("Group")
        group = replace(version, text=shaped("Group", version.text, shape))
        if is_included("Group", "member", shape):
            groups = GroupSource(self._host, self._settings, self._caller)
            writer.chunked(groups.body(self._connection, group), patients=version.resource["quantity"])
        else:
            writer.lines([group.text])
        self._progress(0)

    def _everything(self, kind: str) -> list[Versioned]:
        return DirectorySource(self._host, self._settings, self._caller, kind).everything(self._connection)

    def _selected(self, kind: str, versions: list[Versioned]) -> list[Versioned]:
        """What is to be exported of a small kind."""
        panels_were_edited = bool(self._changes and self._changes.panels_were_edited)
        in_time = [version for version in versions if self._is_in_time(version, also_older=panels_were_edited)]
        return self._filters.fitting(kind, in_time)

    def _shaped(self, kind: str, versions: list[Versioned]) -> list[bytes]:
        shape = self._request.shape(kind)
        return [shaped(kind, version.text, shape) for version in versions]

    def _is_in_time(self, version: Versioned, *, also_older: bool = False) -> bool:
        changes, until = self._changes, self._request.until
        return (also_older or changes is None or version.last_updated >= changes.since) and (
            until is None or version.last_updated < until
        )

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
