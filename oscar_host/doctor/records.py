"""Whether OSCAR's records are such as the rules take them to be: merges, and statuses of appointments."""

import re
from typing import Any, Final

from sqlalchemy import Connection, Select, func, or_, select

from cpar_plugin.hooks import Health
from cpar_plugin.host_kit.schemas import as_text
from cpar_plugin.host_kit.sql import letters

from ..host import OscarHost
from ..visit_status import NO_VISIT, VISIT
from .rights import Reading, grant_reading, reading

LATEST: Final = 100_000
_LONG: Final = 20
_NAMED: Final = 10
_NOT_SEEN: Final = re.compile(r"cancel|no[ -]?show|delet|did not|not seen|missed", re.IGNORECASE)


def merges(host: OscarHost) -> Health:
    """Whether every merge ends at a record. Reads all merges, and the record at the end of each."""
    merge, record = host.tables.demographic_merged, host.tables.demographic
    if reading(host, merge) is not Reading.ALLOWED:
        return Health.ok("This OSCAR has no merged records.")
    chains, merged = host.roster.chains(), host.roster.merged()
    retired = chains.c.retired_id.distinct()
    with host.database.engine.connect() as connection:
        count = _count(connection, select(func.count(retired)))
        in_circles = count - _count(connection, select(func.count(merged.c.retired_id.distinct())))
        lost = _count(
            connection,
            select(func.count())
            .select_from(merged.outerjoin(record, record.c.demographic_no == merged.c.kept_id))
            .where(record.c.demographic_no.is_(None)),
        )
        lengths = select(chains.c.retired_id, func.count().label("length")).group_by(chains.c.retired_id).subquery()
        longest = _count(connection, select(func.max(lengths.c.length)))
    faults = {}
    if in_circles:
        circles = select(chains.c.retired_id).where(chains.c.retired_id == chains.c.kept_id)
        faults[f"{in_circles} in a circle or into one, so none of them is a patient"] = circles
    if lost:
        dangling = chains.c.kept_id.not_in(select(record.c.demographic_no))
        faults[f"{lost} into one that does not exist"] = select(chains.c.retired_id).where(dangling)
    if longest > _LONG:
        long_chains = select(lengths.c.retired_id).where(lengths.c.length > _LONG)
        faults[f"a chain has {longest} merges, which slows every lookup of a visit"] = long_chains
    if faults:
        affected = or_(*(merge.c.demographic_no.in_(fault) for fault in faults.values()))
        query = select(merge.c.demographic_no, merge.c.merged_to).where(merge.c.deleted == 0, affected)
        return Health.warning(
            f"Of {count:,} merged records: {'; '.join(faults)}.",
            f"Undo these merges in OSCAR and redo them. To find them: {_as_text(host, query)};",
        )
    return Health.ok(f"{count:,} records are merged, each into an existing one.")


def visit_statuses(host: OscarHost) -> Health:
    """Whether the visit rule knows the statuses in use. Reads the latest 100,000 appointments by their key."""
    visit = host.tables.appointment
    latest = select(visit.c.status).order_by(visit.c.appointment_no.desc()).limit(LATEST).subquery()
    status = letters(latest.c.status)
    query = select(status, func.count()).where(latest.c.status.is_not(None)).group_by(status).order_by(status)
    names = reading(host, host.tables.appointment_status)
    with host.database.engine.connect() as connection:
        used: dict[str, int] = {name: count for name, count in connection.execute(query) if name.strip()}
        descriptions = _descriptions(connection, host) if names is Reading.ALLOWED else []
    faults = []
    unknown = [f"{name} ({count:,})" for name, count in used.items() if name[0] not in (*VISIT, *NO_VISIT)]
    if unknown:
        faults.append(f"statuses unknown to the rule count as visits: {_first_texts(unknown)}")
    doubtful = [
        f"{name} ({description})"
        for name, description in descriptions
        if name[:1] not in NO_VISIT and _NOT_SEEN.search(description)
    ]
    if doubtful:
        faults.append(f"statuses count as visits although their names say otherwise: {_first_texts(doubtful)}")
    range_text = f"the latest {LATEST:,} appointments" if sum(used.values()) >= LATEST else "all appointments"
    if faults:
        return Health.warning(
            f"In {range_text}: {'; '.join(faults)}.",
            "Give appointments that did not take place a status that begins with C, N or D: there is no other rule.",
        )
    if names is Reading.DENIED:
        return Health.warning(
            f"The visit rule covers every status in {range_text}, but the account may not read the clinic's names for "
            "them: one for visits that did not take place may be missed.",
            grant_reading(host, host.tables.appointment_status),
        )
    return Health.ok(f"The visit rule covers every status in {range_text}.")


def _descriptions(connection: Connection, host: OscarHost) -> list[tuple[str, str]]:
    """The clinic's own names of statuses. There are some dozens."""
    status = host.tables.appointment_status
    rows = connection.execute(select(status.c.status, status.c.description).limit(1000)).all()
    return [(str(name or ""), str(description or "")) for name, description in rows]


def _as_text(host: OscarHost, query: Select[tuple[int, int]]) -> str:
    """One line, to be typed at the database."""
    return " ".join(as_text(host.database.engine, query).split())


def _count(connection: Connection, query: Any) -> int:
    return connection.scalar(query) or 0


def _first_texts(texts: list[str]) -> str:
    return ", ".join(texts[:_NAMED]) + (", ..." if len(texts) > _NAMED else "")
