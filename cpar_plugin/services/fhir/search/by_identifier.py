"""The search that systems send most: patients by one identifier. Its statements are made once, not for each search.

Who could be meant is read by the patient's number or the health number; who fits is decided by what is shown of them.
"""

from collections.abc import Iterator

from sqlalchemy import Connection

from ....hooks import Host
from ....settings import Settings
from ...clients.caller import Caller
from ...clients.tokens import ReadAlong, StatementWithValues
from ..patients import PatientSource, patient_with_id, patients_with_phn
from ..versions import Versioned
from . import in_memory
from .criteria import Criterion
from .request import Search
from .values import BadSearch, Token, alternatives, is_number
from .values import token as read_token


def looked_up(
    connection: Connection, host: Host, settings: Settings, caller: Caller, search: Search, along: ReadAlong
) -> list[Versioned] | None:
    """All that fit, in the order of ids. None for another search, and where too many could be meant.

    `along`: what was read together with who asks, perhaps by `statement_for`.
    """
    token = _one_identifier(search)
    if token is None or token.code is None or not token.code.isascii():
        return None
    source = PatientSource(host, settings, caller)
    rows = along.rows_of(_statement(host, settings, token))
    possible: dict[str, Versioned] = {}
    if token.system in (None, settings.uri_patient_record) and is_number(token.code):
        possible.update(_by_id(source.with_id(connection, int(token.code), rows)))
    if token.system != settings.uri_patient_record:
        patients = source.with_phn(connection, token.code, rows)
        if patients is None:
            return None
        possible.update(_by_id(patients))
    matches = in_memory.matches(search, possible.values())
    return sorted(matches, key=lambda patient: int(patient.resource_id))


def statement_for(host: Host, settings: Settings, identifier: str) -> StatementWithValues | None:
    """By which `looked_up` reads who could be meant by an identifier, as a search has it; None where that is not one
    statement, and for what it does not look up.
    """
    try:
        [value] = alternatives(identifier)
        return _statement(host, settings, read_token(value))
    except (ValueError, BadSearch):
        return None


def _statement(host: Host, settings: Settings, token: Token) -> StatementWithValues | None:
    if token.system is None or token.code is None or not token.code.isascii():
        return None
    if token.system == settings.uri_patient_record:
        return patient_with_id(host, token.code)
    return patients_with_phn(host, token.code)


def _one_identifier(search: Search) -> Token | None:
    if search.kind != "Patient" or search.sort or len(search.criteria) != 1:
        return None
    criterion = search.criteria[0]
    if not isinstance(criterion, Criterion) or criterion.modifier:
        return None
    if criterion.parameter.name != "identifier" or len(criterion.values) != 1:
        return None
    value = criterion.values[0]
    return value if isinstance(value, Token) else None


def _by_id(patients: list[Versioned]) -> Iterator[tuple[str, Versioned]]:
    return ((patient.resource_id, patient) for patient in patients)
