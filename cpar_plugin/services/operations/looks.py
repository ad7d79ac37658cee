"""Who looked at which patients: recorded here and in the host's audit trail, before the answer leaves."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from sqlalchemy import insert

from ...hooks import Actor, AuditEvent, Host
from ...settings import LookLines, load
from ...store import tables

_NOUN: Final = "cparPanelMember"
_IN_A_LINE: Final = 300  # record numbers, of eleven places with the blank: a line of OSCAR's log has room for 4000


@dataclass(frozen=True, slots=True)
class Look:
    """Who looked, at which page (the name of its view) and path, from which address."""

    actor: Actor
    page: str
    path: str = ""
    address: str = ""


def page_text(page: str) -> str:
    """The name of a view in words."""
    return page.replace("check_in", "check-in").replace("_", " ")


def record(host: Host, look: Look, patient_ids: Collection[int]) -> None:
    """Record that these patients are shown, in a transaction of its own. To be called before they are.

    Raises Refused where the host's audit trail cannot be written.
    """
    ids = sorted(patient_ids)
    row = {
        "at": host.clock.now(),
        "actor_id": look.actor.actor_id,
        "role": look.actor.role[:250],
        "page": look.page,
        "path": look.path[:250],
        "address": look.address[:64],
    }
    with host.database.session() as session:
        inserted = session.execute(insert(tables.look).values(row))
        look_id = inserted.inserted_primary_key[0]  # type: ignore[attr-defined]
        if ids:
            session.execute(insert(tables.look_patient), [{"look_id": look_id, "patient_id": key} for key in ids])
        host.audit.record(session, *_events(host, look, ids))


def _events(host: Host, look: Look, ids: Sequence[int]) -> Iterator[AuditEvent]:
    words = page_text(look.page)
    for of_line in lines(load(host.settings).look_lines, ids):
        yield AuditEvent(
            actor=look.actor,
            action="read",
            noun=_NOUN,
            key=look.path or look.page,
            patient_id=of_line[0] if len(of_line) == 1 else None,
            detail=f"{words}: {' '.join(map(str, of_line))}" if of_line else words,
            address=look.address,
        )


def lines(kind: LookLines, ids: Sequence[int]) -> list[Sequence[int]]:
    """The record numbers of each line of the host's audit trail, as the clinic has set it."""
    match kind:
        case "page":
            return [ids[start : start + _IN_A_LINE] for start in range(0, len(ids), _IN_A_LINE)] or [()]
        case "patient":
            return [(key,) for key in ids] or [()]
        case _:
            assert_never(kind)
