"""A search as it was asked for: which of its parameters are understood, and what they mean."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from ....fhir_mappings.searchable import Searchable, SearchType
from .answers import Answered
from .criteria import AnyCriterion, criterion, plain
from .table import SEARCHABLE
from .values import BadSearch

MOST_PARAMETERS = 40
MOST_VALUES = 200
TOTALS = ("none", "estimate", "accurate")
MOST_LINKS = 3  # of a chain
LONGEST = 2500  # characters of all together: the address of a next page has to hold them
_NAME = re.compile(r"[A-Za-z_][A-Za-z_.:*=-]{0,79}")  # of a parameter; what else is sent as one may be patient data

Pairs = Sequence[tuple[str, str]]


class Total(StrEnum):
    """How far it is reported how many fit."""

    NEVER = "never"
    WHERE_CHEAP = "where cheap"
    ALWAYS = "always"


class Summary(StrEnum):
    """What `_summary` may be."""

    TRUE = "true"
    TEXT = "text"
    DATA = "data"
    COUNT = "count"
    FALSE = "false"


@dataclass(frozen=True, slots=True)
class Shape:
    """How much of each resource to return. `elements` empty: all."""

    summary: Summary = Summary.FALSE
    elements: frozenset[str] = frozenset()

    @property
    def whole(self) -> bool:
        """Whether nothing is removed."""
        return not self.elements and self.summary in (Summary.FALSE, Summary.DATA)


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched for, all of which has to hold.

    `used` are the parameters that were understood, as given; `unanswered` names the others.
    """

    kind: str
    criteria: tuple[AnyCriterion, ...]
    sort: tuple[tuple[str, bool], ...]  # a name, and whether it descends
    count: int  # 0: only the total
    shape: Shape
    total: Total
    includes: tuple[str, ...]
    used: tuple[tuple[str, str], ...]
    unanswered: tuple[str, ...] = ()

    @property
    def compares_words(self) -> bool:
        """Whether the words of each resource have to be read, such as its names."""
        return any(plain(one).parameter.type is SearchType.STRING for one in self.criteria)


@dataclass(frozen=True, slots=True)
class SearchContext:
    """What the understanding of a search depends on: our address, the clinic's time, and the limits."""

    base: str
    zone: ZoneInfo
    now: datetime
    usual_count: int
    largest_count: int
    strict: bool = False
    links: int = 0  # that a chain may have; 0: none is answered


def check_size(pairs: Pairs) -> None:
    """Raises BadSearch for a search with too many parameters, or too long ones."""
    if sum(bool(value) for _, value in pairs) > MOST_PARAMETERS:  # R4: one without a value is ignored
        raise BadSearch(f"A search can have at most {MOST_PARAMETERS} parameters.")
    if sum(len(name) + len(value) for name, value in pairs) > LONGEST:
        raise BadSearch(f"The parameters of a search can have at most {LONGEST} characters. Request less at a time.")


def shape(pairs: Pairs) -> Shape:
    """What `_summary` and `_elements` ask for. Raises BadSearch."""
    summary, elements = Summary.FALSE, set[str]()
    for name, value in pairs:
        if name == "_summary" and value:
            try:
                summary = Summary(value)
            except ValueError:
                raise BadSearch("_summary must be true, text, data, count or false.") from None
        elif name == "_elements":
            elements.update(part.strip().rpartition(".")[2] for part in value.split(",") if part.strip())
    if elements and summary not in (Summary.FALSE, Summary.COUNT):
        raise BadSearch("Use either _summary or _elements, not both.")
    return Shape(summary, frozenset(elements))


def understand(kind: str, pairs: Pairs, terms: SearchContext) -> Search:
    """Raises BadSearch for what is wrong, and in strict terms for a parameter that is unknown."""
    check_size(pairs)
    searchable = SEARCHABLE[kind]
    criteria, sort, includes, used = [], list[tuple[str, bool]](), list[str](), []
    unanswered = dict[str, None]()
    count, total = terms.usual_count, Total.WHERE_CHEAP
    for name, value in pairs:
        if not value:
            continue  # R4: a parameter without a value is ignored
        match name.partition(":")[0]:
            case "_count" if name == "_count":
                count = _count(value, terms.largest_count)
            case "_total" if value in TOTALS:
                total = Total.NEVER if value == "none" else Total.ALWAYS
            case "_total":
                raise BadSearch("_total must be none, estimate or accurate.")
            case "_sort":
                keys, others = _sort(value, searchable)
                unanswered |= dict.fromkeys(_unknown(f"_sort={key}", terms) for key in others)
                sort += keys
                value = ",".join(f"-{key}" if down else key for key, down in keys)
                if not value:
                    continue
            case "_include" | "_revinclude":
                included = _includes(searchable, name, value)
                if not included:
                    unanswered[_unknown(f"{name}={value}", terms)] = None
                    continue
                includes += included
            case "_pretty":
                continue  # may be ignored (R4)
            case "_summary" | "_elements" | "_format":
                pass  # see `shape`; the last is about the answer as such
            case _:
                meant = criterion(kind, name, value, terms)
                if meant is None:
                    unanswered[_unknown(name, terms)] = None
                    continue
                criteria.append(meant)
        used.append((name, value))
    if sum(len(plain(each).values) for each in criteria) > MOST_VALUES:
        raise BadSearch(f"A search can have at most {MOST_VALUES} values. Request fewer at a time.")
    elements = shape(pairs)
    if elements.summary is Summary.COUNT:
        count = 0
    return Search(
        kind,
        tuple(criteria),
        tuple(sort),
        count,
        elements,
        total if count else Total.ALWAYS,
        tuple(includes),
        tuple(used),
        tuple(unanswered),
    )


def _count(value: str, largest: int) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= 9):
        raise BadSearch("_count must be a whole number, 0 or more.")
    return min(int(value), largest)


def parameter_name(name: str) -> str:
    """What an answer calls a parameter: by its name, where that can only be one."""
    return name if _NAME.fullmatch(name) else "A parameter"


def _unknown(name: str, terms: SearchContext) -> str:
    """What the answer calls a parameter that is not answered. Raises BadSearch in strict terms."""
    subject = parameter_name(name)
    if terms.strict:
        raise BadSearch(f"{subject} is not supported. See /metadata, or remove Prefer: handling=strict.")
    return subject


def _includes(searchable: Searchable[Answered], name: str, value: str) -> tuple[str, ...]:
    """`Group:member`, also where it is written with the kind that is referred to; none for what is not known.

    What can be included here refers to nothing else that can: `:iterate` changes nothing.
    """
    direction = name.removesuffix(":iterate")
    includes = {"_include": searchable.includes, "_revinclude": searchable.revincludes}.get(direction, ())
    if value == "*":
        return includes
    kind, _, rest = value.partition(":")
    parameter, _, target = rest.partition(":")
    include = f"{kind}:{parameter}"
    if include not in includes or (target and target not in SEARCHABLE[kind].parameters[parameter].targets):
        return ()
    return (include,)


def _sort(value: str, searchable: Searchable[Answered]) -> tuple[list[tuple[str, bool]], list[str]]:
    """The keys that are known, each with whether it descends; and the others."""
    keys = [(part.removeprefix("-"), part.startswith("-")) for part in value.split(",")]
    return [key for key in keys if key[0] in searchable.sorts], [key for key, _ in keys if key not in searchable.sorts]
