"""Reading one resource, if it has changed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import NamedTuple

import orjson
from flask import Response
from werkzeug.wrappers import Request

from ...domain.refusals import NotFound
from ...fhir_mappings.task import patient_of
from ...services.clients.read_log import Interaction, PatientRead
from ...services.clients.tokens import StatementWithValues
from ...services.fhir.groups import GroupSource, HeldMembers, group_with_id
from ...services.fhir.patients import patient_with_id
from ...services.fhir.search.request import Shape, Summary, shape
from ...services.fhir.search.shape import is_included, shaped
from ...services.fhir.sources import read
from ...services.fhir.versions import Versioned
from .callers import Callers, require
from .routes import Exchange

OF_PATIENTS = ("Patient", "Group", "Task")  # each read of these leaves a record


def resource_meant(callers: Callers, kind: str, resource_id: str) -> StatementWithValues | None:
    """What a read of a patient or a panel reads first; None for others."""
    if kind == "Patient":
        return patient_with_id(callers.host, resource_id)
    return group_with_id(resource_id) if kind == "Group" else None


def read_resource(exchange: Exchange, kind: str, resource_id: str, version: str | None = None) -> Response:
    """One resource; 304 without a body where the caller has it already. A Group is streamed with its members.

    Raises NotFound when `version` is not the current one: no other is kept.
    """
    require(exchange.caller, kind, "read")
    response_shape = shape(exchange.pairs)
    if response_shape.summary is Summary.COUNT:
        response_shape = replace(response_shape, summary=Summary.FALSE)  # R4: for searches alone
    connection, host, settings, caller = exchange.connection, exchange.host, exchange.settings, exchange.caller
    versioned = read(connection, host, settings, caller, kind, resource_id, exchange.along.rows)
    if version not in (None, str(versioned.version)):
        raise NotFound("Only the current version of a resource is available here.")
    headers = {
        "ETag": f'W/"{versioned.version}"',
        "Last-Modified": format_datetime(versioned.last_updated, usegmt=True),
    }
    if _unchanged(exchange.request, versioned):
        return Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    with_members = kind == "Group" and is_included(kind, "member", response_shape)
    shown = ShownPatients()
    if kind in OF_PATIENTS:
        shown = shown_in(exchange, [versioned], response_shape)
        read_record = PatientRead(Interaction.READ, kind, resource_id, patient_ids=shown.patient_ids)
        exchange.note(read_record, reads_on=with_members and shown.held is None)
    if with_members:
        return exchange.chunks(group_body(exchange, versioned, response_shape, shown), shown.held is None, headers)
    return exchange.answer(orjson.Fragment(shaped(kind, versioned.text, response_shape)), headers)


def read_version(exchange: Exchange, kind: str, resource_id: str, version: str) -> Response:
    """A resource by the number of its version, as `read_resource` reads it (R4, vread)."""
    return read_resource(exchange, kind, resource_id, version)


class ShownPatients(NamedTuple):
    """Whom an answer is about, and the members of its Groups: None where they are read once more while it is sent."""

    patient_ids: Sequence[int] = ()
    held: HeldMembers | None = None


def group_body(exchange: Exchange, group: Versioned, response_shape: Shape, shown: ShownPatients) -> Iterator[bytes]:
    """A Group with its members as JSON, a chunk at a time."""
    groups = GroupSource(exchange.host, exchange.settings, exchange.caller)
    shaped_group = replace(group, text=shaped("Group", group.text, response_shape))
    return groups.body(exchange.connection, shaped_group, shown.held)


def shown_in(exchange: Exchange, resources: Sequence[Versioned], response_shape: Shape) -> ShownPatients:
    """The patients whom these resources are about: as resources, or as members of Groups, or whom a Task is for.

    One statement for each Group whose members are not kept, or one for all where they have very many members.
    """
    patients = {int(versioned.resource_id) for versioned in resources if versioned.kind == "Patient"}
    patients |= {patient_of(versioned.resource) for versioned in resources if versioned.kind == "Task"}
    groups = [versioned for versioned in resources if versioned.kind == "Group"]
    if not groups or not is_included("Group", "member", response_shape):
        return ShownPatients(sorted(patients))
    source = GroupSource(exchange.host, exchange.settings, exchange.caller)
    held = source.held(exchange.connection, groups, exchange.callers.background.members)
    if held is None:
        members = source.member_ids(exchange.connection, [int(group.resource_id) for group in groups])
    else:
        members = held.patient_ids
    return ShownPatients(sorted(patients.union(members)) if patients else members, held)


def _unchanged(request: Request, versioned: Versioned) -> bool:
    """R4, conditional read. Where both are sent, If-None-Match decides (RFC 9110)."""
    if "If-None-Match" in request.headers:
        return request.if_none_match.contains_weak(str(versioned.version))
    since: datetime | None = request.if_modified_since
    return since is not None and versioned.last_updated.replace(microsecond=0) <= since
