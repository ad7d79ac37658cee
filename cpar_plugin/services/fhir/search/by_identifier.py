"""The search that systems send most: patients by one identifier. Its statements are made once, not for each search.

Who could be meant is read by the patient's number or the health number; who fits is decided by what is shown of them.
"""

from collections.abc import Iterator

from sqlalchemy import Connection

from ....hooks import Host
from ....settings import Settings
from ...clients.caller import Caller
from ..patients import PatientSource
from ..versions import Versioned
from . import in_memory
from .criteria import Criterion
from .request import Search
from .values import Token, is_number


def looked_up(
    connection: Connection, host: Host, settings: Settings, caller: Caller, search: Search
) -> list[Versioned] | None:
    """All that fit, in the order of ids. None for another search, and where too many could be meant."""
    token = _one_identifier(search)
    if token is None or token.code is None or not token.code.isascii():
        return None
    source = PatientSource(host, settings, caller)
    possible: dict[str, Versioned] = {}
    if token.system in (None, settings.uri_patient_record) and is_number(token.code):
        possible.update(_by_id(source.with_id(connection, int(token.code))))
    if token.system != settings.uri_patient_record:
        patients = source.with_phn(connection, token.code)
        if patients is None:
            return None
        possible.update(_by_id(patients))
    matches = in_memory.matches(search, possible.values())
    return sorted(matches, key=lambda patient: int(patient.resource_id))


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
