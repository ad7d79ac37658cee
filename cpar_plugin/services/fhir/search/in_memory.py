"""Searching the kinds of which there are few (clinic, facilities, providers), in memory."""

from collections.abc import Collection, Iterable
from datetime import datetime
from functools import partial
from typing import Any

from ....store.folding import folded_text
from ..versions import Versioned
from .answers import Answered
from .criteria import Criterion
from .request import Search
from .table import SEARCHABLE
from .values import Address, Period, Reference, Token, compared, text_matches


def matches(search: Search, everything: Iterable[Versioned]) -> list[Versioned]:
    """What fits all criteria, which may not be chains, in the order asked for; by id otherwise."""
    parameters = SEARCHABLE[search.kind].parameters
    criteria = [criterion for criterion in search.criteria if isinstance(criterion, Criterion)]
    assert len(criteria) == len(search.criteria)  # `CallerReading.plain` leaves no others
    results = sorted(fitting(everything, criteria), key=lambda version: version.resource_id)
    for name, descending in reversed(search.sort):
        results.sort(key=partial(_sort_key, parameters[name]), reverse=descending)
    return results


def fitting(everything: Iterable[Versioned], criteria: Collection[Criterion]) -> list[Versioned]:
    """What fits all criteria, in the same order."""
    return [version for version in everything if all(_fits(version, criterion) for criterion in criteria)]


def _values(version: Versioned, parameter: Answered) -> list[Any]:
    assert parameter.value, parameter.name
    return list(parameter.value(version))


def _fits(version: Versioned, criterion: Criterion) -> bool:
    values = _values(version, criterion.parameter)
    if criterion.missing is not None:
        return criterion.missing != bool(values)
    is_met = any(_matches(value, criterion.modifier, each) for value in criterion.values for each in values)
    return is_met != (criterion.modifier == "not")


def _matches(value: Any, modifier: str | None, content: Any) -> bool:
    match value:
        case Period():
            return bool(compared(value.prefix, content, value.first, value.last))
        case Token():
            return value.matches(*content)
        case Address():
            return bool(value.text == content)
        case Reference():
            return value.matches(*content.split("/", 1))
    return text_matches(value, modifier, content)


def _sort_key(by: Answered, version: Versioned) -> Any:
    match next(iter(_values(version, by)), ""):
        case datetime() as moment:
            return moment
        case (_, code):
            return code
        case text:
            return folded_text(text)
