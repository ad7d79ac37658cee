"""`_typeFilter`: searches that resources have to fit to be exported. They are understood as searches are."""

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Select, or_

from ...domain.scopes import KINDS
from ...hooks import Host
from ...settings import Settings
from ..clients.caller import Caller
from ..fhir.search import in_memory
from ..fhir.search.criteria import kinds_passed
from ..fhir.search.fitting import CallerReading
from ..fhir.search.page import condition
from ..fhir.search.request import MOST_LINKS, MOST_PARAMETERS, Search, SearchContext, understand
from ..fhir.search.values import BadSearch
from ..fhir.versions import Versioned

# They say how results are returned, not which (https://hl7.org/fhir/R4/search.html#modifyingresults).
_OF_RESULTS = re.compile(
    "_(contained|containedType|count|elements|format|graph|include|maxresults|pretty|revinclude|score|sort|summary|total)"
)


_OF_PATIENTS = frozenset({"Patient", "Task"})


class UnsupportedFilter(Exception):
    """A filter that this server cannot apply. The message is its subject, and repeats no value."""


def type_filter(text: str, base: str, zone: ZoneInfo, now: datetime) -> Search:
    """The search in a filter such as `Patient?active=true`. Raises BadSearch, and UnsupportedFilter.

    `base` is our own address, `zone` the clinic's.
    """
    kind, mark, query = text.partition("?")
    if not mark:
        raise BadSearch("Write a search such as Patient?active=true, encoded.")
    if kind not in KINDS:
        raise UnsupportedFilter("A type in _typeFilter")
    try:
        pairs = parse_qsl(query, errors="strict", max_num_fields=MOST_PARAMETERS)
    except ValueError:
        raise BadSearch("The search is not encoded as UTF-8, or has too many parameters.") from None
    if any(_OF_RESULTS.fullmatch(name.partition(":")[0]) for name, _ in pairs):
        raise UnsupportedFilter("A parameter about results, such as _sort or _include, in _typeFilter")
    search = understand(kind, pairs, SearchContext(base, zone, now, 1, 1, links=MOST_LINKS))
    passed = {one for criterion in search.criteria for one in kinds_passed(criterion)}
    by_member = kind == "Group" and any(criterion.parameter.name == "member" for criterion in search.criteria)
    if passed & _OF_PATIENTS or by_member:
        # Which Groups are in a file would tell of a patient of whom there is no record.
        raise UnsupportedFilter("A parameter by which a patient is looked for through another resource in _typeFilter")
    if len(search.used) != len(pairs):
        raise UnsupportedFilter(f"A parameter of {kind} in _typeFilter that search does not have")
    if not search.criteria:
        raise BadSearch("Give a search at least one parameter with a value.")
    return search


class TypeFilters:
    """The filters of an export for a caller, on one connection. Those of one kind are alternatives."""

    def __init__(
        self,
        connection: Connection,
        host: Host,
        settings: Settings,
        caller: Caller,
        texts: Iterable[str],
        base: str,
    ) -> None:
        self._connection = connection
        self._host = host
        self._settings = settings
        self._caller = caller
        self._by_kind = defaultdict[str, list[Search]](list)
        for text in texts:
            search = type_filter(text, base, host.clock.zone, host.clock.now())
            self._by_kind[search.kind].append(search)

    def narrowed(self, kind: str, query: Select[Any]) -> Select[Any]:
        """The rows of a large kind's source that fit."""
        searches = self._by_kind.get(kind)
        if not searches:
            return query
        context = (self._connection, self._host, self._settings, self._caller)
        return query.where(or_(*(condition(*context, search) for search in searches)))

    def fitting(self, kind: str, versions: list[Versioned]) -> list[Versioned]:
        """What fits of a small kind, in the same order."""
        searches = self._by_kind.get(kind)
        if not searches:
            return versions
        reading = CallerReading(self._connection, self._host, self._settings, self._caller)
        ids = {
            version.resource_id
            for search in searches
            for version in in_memory.fitting(versions, reading.plain(search.criteria))
        }
        return [version for version in versions if version.resource_id in ids]
