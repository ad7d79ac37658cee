"""One parameter of a search: by a value, by what a resource refers to (a chain), or by what refers to it (`_has`).

https://hl7.org/fhir/R4/search.html#chaining
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, assert_never
from zoneinfo import ZoneInfo

from ....fhir_mappings.searchable import SearchType
from .answers import Answered
from .table import SEARCHABLE
from .values import Address, BadSearch, Value, alternatives, period, reference, token

_OF_PATIENTS = ("Patient", "Task")  # who is meant by them is recorded, where what refers to them is about patients too
_MAY_PASS_PATIENTS = ("Patient", "Group", "Task")


@dataclass(frozen=True, slots=True)
class Criterion:
    """One parameter with its values, of which one has to fit. For `missing`, `values` is empty."""

    parameter: Answered
    values: tuple[Value, ...]
    modifier: str | None = None
    missing: bool | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """What refers, by a parameter, to a resource of `kind` that fits: `member.identifier`."""

    parameter: Answered
    kind: str
    fits: "AnyCriterion"


@dataclass(frozen=True, slots=True)
class Has:
    """What a resource of `kind` that fits refers to, by a parameter of its own: `_has:Group:member:identifier`."""

    kind: str
    parameter: Answered
    fits: "AnyCriterion"


AnyCriterion = Criterion | Chain | Has


class ValueTerms(Protocol):
    """What a value means depends on: our address, the clinic's time; and how many links a chain may have."""

    @property
    def base(self) -> str: ...
    @property
    def zone(self) -> ZoneInfo: ...
    @property
    def now(self) -> datetime: ...
    @property
    def links(self) -> int: ...


def kinds_passed(criterion: AnyCriterion) -> Iterator[str]:
    """The kinds besides the one searched for by which a criterion goes."""
    while not isinstance(criterion, Criterion):
        yield criterion.kind
        criterion = criterion.fits


def plain(criterion: AnyCriterion) -> Criterion:
    """What a chain ends with."""
    while not isinstance(criterion, Criterion):
        criterion = criterion.fits
    return criterion


def criterion(kind: str, name: str, value: str, terms: ValueTerms) -> AnyCriterion | None:
    """None for a parameter that is not known. Raises BadSearch for a wrong value or modifier, or too long a chain."""
    result = _criterion(kind, name, value, terms)
    if result is None:
        return None
    passed = list(kinds_passed(result))
    if len(passed) > terms.links > 0:
        raise BadSearch(f"A chain can go by at most {terms.links} references.")
    is_answered = len(passed) <= terms.links and (
        kind in _MAY_PASS_PATIENTS or not any(one in _OF_PATIENTS for one in passed)
    )
    return result if is_answered else None


def _criterion(kind: str, name: str, value: str, terms: ValueTerms) -> AnyCriterion | None:
    if name.startswith("_has:"):
        return _has(kind, name, value, terms)
    head, dot, rest = name.partition(".")
    parameter_name, colon, modifier = head.partition(":")
    parameter = SEARCHABLE[kind].parameters.get(parameter_name)
    if parameter is None:
        return None
    if dot or (modifier == "identifier" and parameter.type is SearchType.REFERENCE):
        return _chain(parameter, modifier, rest or "identifier", value, terms)
    if colon and modifier not in parameter.modifiers:
        raise BadSearch(f"The parameter {parameter_name} does not support this modifier.")
    if modifier == "missing":
        if value not in ("true", "false"):
            raise BadSearch(f"{parameter_name}:missing must be true or false.")
        return Criterion(parameter, (), missing=value == "true")
    try:
        values = tuple(_value(parameter, parts, modifier, terms) for parts in alternatives(value))
    except BadSearch as bad:
        raise BadSearch(f"{parameter_name}: {bad}") from None
    return Criterion(parameter, values, modifier or None)


def _chain(parameter: Answered, modifier: str, rest: str, value: str, terms: ValueTerms) -> AnyCriterion | None:
    if parameter.type is not SearchType.REFERENCE:
        return None
    if modifier not in ("", "identifier", *parameter.targets):
        raise BadSearch(f"The parameter {parameter.name} does not refer to this kind of resource.")
    [target] = parameter.targets
    fits = _criterion(target, rest, value, terms)
    return Chain(parameter, target, fits) if fits else None


def _has(kind: str, name: str, value: str, terms: ValueTerms) -> AnyCriterion | None:
    _, _, rest = name.partition(":")
    referrer, _, rest = rest.partition(":")
    parameter_name, _, rest = rest.partition(":")
    if f"{referrer}:{parameter_name}" not in SEARCHABLE[kind].has:
        return None
    fits = _criterion(referrer, rest, value, terms)
    return Has(referrer, SEARCHABLE[referrer].parameters[parameter_name], fits) if fits else None


def _value(parameter: Answered, parts: list[str], modifier: str, terms: ValueTerms) -> Value:
    text = "|".join(parts)
    if any(ord(letter) < 32 or 0xD800 <= ord(letter) < 0xE000 for letter in text):
        raise BadSearch("Remove control characters.")
    match parameter.type:
        case SearchType.TOKEN:
            return token(parts)
        case SearchType.DATE:
            return period(text, terms.zone, terms.now)
        case SearchType.REFERENCE:
            return reference(text, terms.base, parameter.targets, modifier or None)
        case SearchType.URI:
            return Address(text)
        case SearchType.STRING:
            if not text.strip():
                raise BadSearch("Enter at least one letter.")
            return text.strip()
        case _:
            assert_never(parameter.type)
