"""Whom a page shows. What renders patients notes them, and they are recorded before the page leaves."""

from collections.abc import Collection, Iterator
from itertools import islice

from flask import g, has_request_context, request

from ..domain.csv_columns import CsvColumn
from ..hooks import Actor, Host
from ..services.operations import looks
from ..services.operations.looks import Look

_AT_ONCE = 1000


class Shown:
    """Whom one answer shows. It is made during the request, and may be used while the answer is sent."""

    def __init__(self, host: Host, actor: Actor, page: str = "") -> None:
        """`page` names what is shown where it is not the endpoint's view."""
        self._host = host
        self._look = _look(actor, page)
        self._patient_ids: set[int] = set()
        self._any = False

    def note(self, patient_id: int | None) -> None:
        """A patient is shown; None for one who is not matched with a record."""
        self._any = True
        if patient_id is not None:
            self._patient_ids.add(int(patient_id))

    def record(self) -> None:
        """Record whom was noted since the last time, if anybody. To be called before they are shown."""
        if self._any:
            looks.record(self._host, self._look, self._patient_ids)
        self._patient_ids, self._any = set(), False


def begin(host: Host, actor: Actor, page: str = "") -> Shown:
    """From now on what is rendered for the current request is noted here."""
    g.cpar_shown = Shown(host, actor, page)
    shown: Shown = g.cpar_shown
    return shown


def note(patient_id: int | None) -> None:
    """The current page shows this patient; None for one who is not matched with a record."""
    g.cpar_shown.note(patient_id)


def record_these(host: Host, actor: Actor, patient_ids: Collection[int], page: str = "") -> None:
    """Record that these patients are shown, whatever the current page is."""
    looks.record(host, _look(actor, page), patient_ids)


def recorded(host: Host, actor: Actor, rows: Iterator[tuple[object, ...]]) -> Iterator[tuple[object, ...]]:
    """The rows of a file, whose first one names its columns: each portion is recorded before it is given out."""
    return _recorded(Shown(host, actor), rows)


def _recorded(shown: Shown, rows: Iterator[tuple[object, ...]]) -> Iterator[tuple[object, ...]]:
    head = next(rows)
    yield head
    place = head.index(CsvColumn.RECORD)
    while portion := list(islice(rows, _AT_ONCE)):
        for row in portion:
            record = row[place]
            shown.note(record if isinstance(record, int) else None)
        shown.record()
        yield from portion


def _look(actor: Actor, page: str) -> Look:
    if not has_request_context():
        return Look(actor, page)
    endpoint = (request.endpoint or "").removeprefix("cpar.")
    return Look(actor, page or endpoint, request.path, request.remote_addr or "")
