"""Searching our definitions: there are few, they are open to everyone, and they never change while this runs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ...domain.refusals import NotFound
from ...fhir_mappings.identifiers import Resource
from ...fhir_mappings.published import parameters_of, published
from ...settings import Settings
from .search.request import TOTALS, Pairs, check_size, parameter_name
from .search.table import SEARCHABLE
from .search.values import BadSearch, alternatives, text_matches

Fits = Callable[[Resource], bool]
_LARGEST_PAGE = 500
_MODIFIERS = {"name": ("exact", "contains")}


@dataclass(frozen=True, slots=True)
class FoundDefinitions:
    """A page of a search: `following` is where the next page begins, None after the last one."""

    resources: Sequence[Resource]
    total: int
    following: int | None
    used: Pairs
    unanswered: Sequence[str]  # the names of parameters that are unknown


class Definitions:
    """All that is defined with these settings."""

    def __init__(self, settings: Settings) -> None:
        self.by_kind = published(settings, SEARCHABLE)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of definitions."""
        return tuple(self.by_kind)

    def read(self, kind: str, definition_id: str) -> Resource:
        """A definition. Raises NotFound."""
        for definition in self.by_kind[kind]:
            if definition["id"] == definition_id:
                return definition
        raise NotFound("Definition not found.")

    def search(self, kind: str, pairs: Pairs, *, strict: bool) -> FoundDefinitions:
        """What fits all parameters, from `_cursor` on. Raises BadSearch; if `strict`, also for unknown ones."""
        check_size(pairs)
        fits, used, unanswered, count, start = list[Fits](), list[tuple[str, str]](), list[str](), _LARGEST_PAGE, 0
        for name, value in pairs:
            if not value:
                continue
            match name:
                case "_cursor":
                    start = _number(name, value)
                    continue
                case "_count":
                    count = min(_number(name, value), _LARGEST_PAGE)
                case "_summary" if value == "count":
                    count = 0
                case "_pretty":
                    continue  # may be ignored (R4)
                case "_format":
                    pass
                case "_total" if value in TOTALS:
                    pass  # it is always said
                case _:
                    criterion = _criterion(kind, name, value)
                    if criterion is None:
                        unanswered.append(_unknown(name, strict=strict))
                        continue
                    fits.append(criterion)
            used.append((name, value))
        fitting = [one for one in self.by_kind[kind] if all(fit(one) for fit in fits)]
        end = start + count
        following = end if count and end < len(fitting) else None
        return FoundDefinitions(fitting[start:end], len(fitting), following, used, unanswered)


def _number(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= 9):
        raise BadSearch(f"{name} must be a whole number, 0 or more.")
    return int(value)


def _unknown(name: str, *, strict: bool) -> str:
    subject = parameter_name(name)
    if strict:
        raise BadSearch(f"{subject} is not supported. See /metadata, or remove Prefer: handling=strict.")
    return subject


def _criterion(kind: str, name: str, value: str) -> Fits | None:
    """What a definition has to fit; None for a parameter that is unknown."""
    plain, colon, modifier = name.partition(":")
    if plain not in parameters_of(kind):
        return None
    if colon and modifier not in _MODIFIERS.get(plain, ()):
        raise BadSearch(f"The parameter {plain} does not support this modifier.")
    if any(ord(letter) < 32 for letter in value):
        raise BadSearch("Remove control characters.")
    texts = ["|".join(parts) for parts in alternatives(value)]
    if plain == "name":
        return lambda one: any(text_matches(text, modifier or None, one["name"]) for text in texts)
    return lambda one: not set(texts).isdisjoint(_values(plain, one))


def _values(name: str, definition: Resource) -> Iterator[str]:
    match name:
        case "_id":
            yield definition["id"]
        case "version":
            yield definition["version"]
        case _:
            yield definition["url"]
            yield f"{definition['url']}|{definition['version']}"
