"""Searching the kinds of which there are few (clinic, facilities, providers), in memory."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any

from ....store.folding import folded_text
from ..versions import Versioned
from .answers import Answered
from .request import Criterion, Search
from .table import SEARCHABLE
from .values import Period, Reference, Token, compared, text_matches


def found(search: Search, everything: Iterable[Versioned]) -> list[Versioned]:
    """What fits all criteria, in the order asked for; by id otherwise."""
    parameters = SEARCHABLE[search.kind].parameters
    fitting = [one for one in everything if all(_fits(one, criterion) for criterion in search.criteria)]
    fitting.sort(key=lambda one: str(one.resource["id"]))
    for name, descending in reversed(search.sort):
        fitting.sort(key=partial(_sort_key, parameters[name]), reverse=descending)
    return fitting


def _held(one: Versioned, parameter: Answered) -> list[Any]:
    assert parameter.value, parameter.name
    return list(parameter.value(one))


def _fits(one: Versioned, criterion: Criterion) -> bool:
    held = _held(one, criterion.parameter)
    if criterion.missing is not None:
        return criterion.missing != bool(held)
    return any(_matches(value, criterion.modifier, each) for value in criterion.values for each in held)


def _matches(value: Any, modifier: str | None, held: Any) -> bool:
    match value:
        case Period():
            return bool(compared(value.prefix, held, value.first, value.last))
        case Token():
            return value.matches(*held)
        case Reference():
            return value.matches(*held.split("/", 1))
    return text_matches(value, modifier, held)


def _sort_key(by: Answered, one: Versioned) -> Any:
    match next(iter(_held(one, by)), ""):
        case datetime() as moment:
            return moment
        case (_, code):
            return code
        case text:
            return folded_text(text)
