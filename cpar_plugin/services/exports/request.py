"""What a kick-off asks for: the parameters of `$export`, from an address or a Parameters resource."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict

from ...domain.refusals import NotFound
from ...domain.scopes import KINDS
from ..fhir.access import number
from ..fhir.search.request import Pairs, Shape, Summary
from ..fhir.search.table import SEARCHABLE

FORMAT = "application/fhir+ndjson"
FORMATS = (FORMAT, "application/fhir ndjson", "application/ndjson", "ndjson")  # a plus is a space in a query
MOST_PATIENTS = 5_000
_OF_EVERY_REQUEST = ("_format", "_pretty")  # about the answer to the kick-off itself
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}", re.ASCII)
_ELEMENT = re.compile(r"(?:([A-Z][A-Za-z]+)\.)?([a-z][A-Za-z]*)", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # long before anything of ours


class BadKickOff(Exception):
    """An export that cannot be understood. The message says what to do, and never repeats a value."""


class ExportRequest(BaseModel):
    """What is to be exported. `elements` are written as requested, `ignored` says what was ignored."""

    model_config = ConfigDict(frozen=True)

    kinds: tuple[str, ...] = ()  # none: all that the caller may read
    since: AwareDatetime | None = None
    elements: tuple[str, ...] = ()
    patients: tuple[int, ...] | None = None
    ignored: tuple[str, ...] = ()

    def shape(self, kind: str) -> Shape:
        """Which elements of a kind are asked for. The members of a Group are not where only some patients are."""
        parts = (element.rpartition(".") for element in self.elements)
        elements = frozenset(name for of, _, name in parts if of in ("", kind))
        if kind == "Group" and self.patients is not None:
            elements = (elements - {"member"}) or SEARCHABLE[kind].summary
        return Shape(Summary.FALSE, elements)


class _Reading:
    """Parameters one after the other. Unknown ones are refused, or with `lenient` ignored and noted."""

    def __init__(self, now: datetime, *, lenient: bool) -> None:
        self._now = now
        self._lenient = lenient
        self.ignored: list[str] = []

    def ignore(self, subject: str) -> None:
        if not self._lenient:
            raise BadKickOff(f"{subject} is not supported. Remove it, or send Prefer: handling=lenient.")
        self.ignored.append(f"{subject} is not supported and was ignored.")

    def kinds(self, values: Sequence[str]) -> tuple[str, ...]:
        names = [part.strip() for value in values for part in value.split(",") if part.strip()]
        kinds = tuple(kind for kind in KINDS if kind in names)
        if set(names) - set(KINDS):
            self.ignore("A type in _type")
        if values and not kinds:
            raise BadKickOff(f"_type must name an exportable type: {', '.join(KINDS)}.")
        return kinds

    def since(self, values: Sequence[str]) -> datetime | None:
        if not values:
            return None
        malformed = BadKickOff("_since must be one instant, such as 2026-11-10T10:00:00Z. Encode + in a URL as %2B.")
        if len(values) > 1 or not _INSTANT.fullmatch(values[0]):
            raise malformed
        try:
            moment = datetime.fromisoformat(values[0]).astimezone(UTC)
        except (ValueError, OverflowError):
            raise malformed from None
        if moment > self._now:
            raise BadKickOff("_since is in the future. Use the transactionTime of an earlier export.")
        return max(moment, _EPOCH)

    def elements(self, values: Sequence[str]) -> tuple[str, ...]:
        names = []
        for part in (part.strip() for value in values for part in value.split(",")):
            element = _ELEMENT.fullmatch(part)
            if element and element[1] in (None, *KINDS):
                names.append(part)
            elif part:
                self.ignore("An element in _elements")
        return tuple(dict.fromkeys(names))


def understand(
    pairs: Pairs, now: datetime, *, lenient: bool, base: str = "", of_posted_group: bool = False
) -> ExportRequest:
    """Raises BadKickOff. `patient` goes with a posted export of one Group alone; `base` is our own address."""
    parameters: dict[str, list[str]] = {}
    for name, value in pairs:
        parameters.setdefault(name, []).append(value)
    reading = _Reading(now, lenient=lenient)
    if any(value not in FORMATS for value in parameters.pop("_outputFormat", ())):
        raise BadKickOff(f"Files are only available as {FORMAT}.")
    patients = parameters.pop("patient", None)
    if patients is not None and not of_posted_group:
        raise BadKickOff("Pass patient in the Parameters of a POST to a Group's $export.")
    request = ExportRequest(
        kinds=reading.kinds(parameters.pop("_type", ())),
        since=reading.since(parameters.pop("_since", ())),
        elements=reading.elements(parameters.pop("_elements", ())),
        patients=None if patients is None else _patients(patients, base),
    )
    for name in parameters:
        if name not in _OF_EVERY_REQUEST:
            reading.ignore(f"The parameter {name}" if _NAME.fullmatch(name) else "A parameter")
    return request.model_copy(update={"ignored": tuple(dict.fromkeys(reading.ignored))})


def of_parameters(body: bytes) -> Pairs:
    """The parameters of a Parameters resource; none for an empty body. Raises BadKickOff."""
    if not body.strip():
        return []
    try:
        return [*_pairs(orjson.loads(body))]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise BadKickOff("Send a Parameters resource as JSON, each parameter with a name and one value.") from None


def _pairs(sent: Any) -> Iterable[tuple[str, str]]:
    parameters = sent.get("parameter", [])
    if sent["resourceType"] != "Parameters" or not isinstance(parameters, list):
        raise ValueError
    for parameter in parameters:
        name = parameter["name"]
        [value] = [parameter[key] for key in parameter if key.startswith("value")]
        if name == "patient":
            value = value["reference"]
        if not (isinstance(name, str) and isinstance(value, str)):
            raise TypeError
        yield name, value


def _patients(references: Sequence[str], base: str) -> tuple[int, ...]:
    if len(references) > MOST_PATIENTS:
        raise BadKickOff(f"List at most {MOST_PATIENTS} patients, or none for all.")
    return tuple(sorted({patient_number(reference, base) for reference in references}))


def patient_number(reference: str, base: str) -> int:
    """The number of the Patient that a reference is to. Raises BadKickOff."""
    kind, _, key = reference.removeprefix(f"{base}/").partition("/")
    try:
        return number(key if kind == "Patient" else "")
    except NotFound:
        raise BadKickOff("A reference in patient does not refer to a Patient on this server.") from None
