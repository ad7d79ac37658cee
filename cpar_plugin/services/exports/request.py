"""What a kick-off asks for: the parameters of `$export`, by https://hl7.org/fhir/uv/bulkdata/STU3/export.html."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict

from ...domain.export import Dialect
from ...domain.refusals import NotFound
from ...domain.scopes import KINDS
from ..fhir.access import number
from ..fhir.search.request import Pairs, Shape, Summary
from ..fhir.search.table import SEARCHABLE
from ..fhir.search.values import BadSearch
from .filters import UnsupportedFilter, type_filter

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
    until: AwareDatetime | None = None
    filters: tuple[str, ...] = ()  # searches such as Patient?active=true
    by_group: bool = False  # a file for each Group, instead of one for each kind
    partial_manifests: bool = False
    base: str = ""  # our own address, which references in filters may begin with
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


@dataclass(frozen=True, slots=True)
class KickOffTerms:
    """What the understanding of a kick-off depends on. `base` is our own address.

    `of_posted_group`: it is a posted export of one Group, with which alone `patient` goes.
    """

    now: datetime
    zone: ZoneInfo
    lenient: bool = False
    base: str = ""
    of_posted_group: bool = False
    dialect: Dialect = Dialect.STU3


class _Reading:
    """Parameters one after the other. Unknown ones are refused, or when lenient ignored and noted."""

    def __init__(self, terms: KickOffTerms) -> None:
        self._terms = terms
        self.ignored: list[str] = []

    def ignore(self, subject: str) -> None:
        if not self._terms.lenient:
            raise BadKickOff(f"{subject} is not supported. Remove it, or send Prefer: handling=lenient.")
        self.ignored.append(f"{subject} is not supported and was ignored.")

    def kinds(self, values: Sequence[str]) -> tuple[str, ...]:
        names = [part for part in self._parts("_type", values) if part]
        kinds = tuple(kind for kind in KINDS if kind in names)
        if set(names) - set(KINDS):
            self.ignore("A type in _type")
        if values and not kinds:
            raise BadKickOff(f"_type must name an exportable type: {', '.join(KINDS)}.")
        return kinds

    def since(self, values: Sequence[str]) -> datetime | None:
        moment = _moment("_since", values)
        if moment and moment > self._terms.now:
            raise BadKickOff("_since is in the future. Use the transactionTime of an earlier export.")
        return moment and max(moment, _EPOCH)

    def until(self, values: Sequence[str], since: datetime | None) -> datetime | None:
        moment = _moment("_until", values)
        if moment and since and moment <= since:
            raise BadKickOff("_until is not after _since. Nothing can have changed between them.")
        return moment and max(moment, _EPOCH)

    def filters(self, values: Sequence[str], kinds: Sequence[str]) -> tuple[str, ...]:
        filters = []
        for value in values:
            try:
                kind = type_filter(value, self._terms.base, self._terms.zone, self._terms.now).kind
            except UnsupportedFilter as unsupported:
                self.ignore(str(unsupported))
            except BadSearch as bad:
                raise BadKickOff(f"_typeFilter: {bad}") from None
            else:
                if kinds and kind not in kinds:
                    self.ignore("A _typeFilter of a type that _type does not name")
                else:
                    filters.append(value)
        return tuple(dict.fromkeys(filters))

    def by_group(self, values: Sequence[str], kinds: Sequence[str]) -> bool:
        if not values:
            return False
        if values != ["Group"]:
            self.ignore("organizeOutputBy another type than Group")
            return False
        if kinds and "Group" not in kinds:
            raise BadKickOff("organizeOutputBy=Group needs Group in _type.")
        return True

    def elements(self, values: Sequence[str]) -> tuple[str, ...]:
        names = []
        for part in self._parts("_elements", values):
            element = _ELEMENT.fullmatch(part)
            if element and element[1] in (None, *KINDS):
                names.append(part)
            elif part:
                self.ignore("An element in _elements")
        return tuple(dict.fromkeys(names))

    def _parts(self, name: str, values: Sequence[str]) -> list[str]:
        """Values that may be repeated and, before Bulk Data 4.0, listed with commas."""
        if self._terms.dialect is Dialect.STU4 and any("," in value for value in values):
            raise BadKickOff(f"Repeat {name} for each value: this server takes no lists with commas.")
        return [part.strip() for value in values for part in value.split(",")]


def understand(pairs: Pairs, terms: KickOffTerms) -> ExportRequest:
    """Raises BadKickOff."""
    parameters: dict[str, list[str]] = {}
    for name, value in pairs:
        parameters.setdefault(name, []).append(value)
    reading = _Reading(terms)
    if any(value not in FORMATS for value in parameters.pop("_outputFormat", ())):
        raise BadKickOff(f"Files are only available as {FORMAT}.")
    patients = parameters.pop("patient", None)
    if patients is not None and not terms.of_posted_group:
        raise BadKickOff("Pass patient in the Parameters of a POST to a Group's $export.")
    kinds, since = reading.kinds(parameters.pop("_type", ())), reading.since(parameters.pop("_since", ()))
    request = ExportRequest(
        kinds=kinds,
        since=since,
        until=reading.until(parameters.pop("_until", ()), since),
        filters=reading.filters(parameters.pop("_typeFilter", ()), kinds),
        by_group=reading.by_group(parameters.pop("organizeOutputBy", ()), kinds),
        partial_manifests=_boolean("allowPartialManifests", parameters.pop("allowPartialManifests", ())),
        elements=reading.elements(parameters.pop("_elements", ())),
        patients=None if patients is None else _patients(patients, terms.base),
        base=terms.base,
    )
    for name in parameters:
        if name not in _OF_EVERY_REQUEST:
            reading.ignore(f"The parameter {name}" if _NAME.fullmatch(name) else "A parameter")
    return request.model_copy(update={"ignored": tuple(dict.fromkeys(reading.ignored))})


def _moment(name: str, values: Sequence[str]) -> datetime | None:
    if not values:
        return None
    malformed = BadKickOff(f"{name} must be one instant, such as 2026-11-10T10:00:00Z. Encode + in a URL as %2B.")
    if len(values) > 1 or not _INSTANT.fullmatch(values[0]):
        raise malformed
    try:
        return datetime.fromisoformat(values[0]).astimezone(UTC)
    except (ValueError, OverflowError):
        raise malformed from None


def _boolean(name: str, values: Sequence[str]) -> bool:
    if any(value not in ("true", "false") for value in values) or len(values) > 1:
        raise BadKickOff(f"{name} must be true or false.")
    return "true" in values


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
