"""What must hold of the tortured clinic when all is over, read from its tables, the registry and the files."""

from collections import Counter
from typing import Any

from sqlalchemy import select

from cpar_plugin.domain.export import OPEN
from cpar_plugin.domain.submission import FINAL, RETRIED, SubmissionState
from cpar_plugin.services.fhir import refresh
from cpar_plugin.settings import Settings
from cpar_plugin.store.tables import exclusion, export, export_file, ledger, member, panel, snapshot, submission
from oscar_host.host import OscarHost

_COLUMNS = ("panel_id", "since", "confirmed_on", "confirmed_how")


def check(host: OscarHost, received: list[dict[str, Any]]) -> tuple[list[str], dict[str, Any]]:
    """What is wrong (nothing, one hopes), and counts that show what was going on. Every request must be finished."""
    with host.database.engine.connect() as connection:
        members = {
            row.patient_id: tuple(row)[1:] for row in connection.execute(select(member.c.patient_id, *_of(member)))
        }
        live = set(connection.scalars(select(panel.c.panel_id).where(panel.c.deleted_at.is_(None))))
        requests = connection.execute(select(submission)).all()
        taken = {row.snapshot_id: row for row in connection.execute(select(snapshot))}
        named = Counter(connection.scalars(select(exclusion.c.snapshot_id)))
        changes = connection.execute(select(ledger).order_by(ledger.c.operation_id, ledger.c.patient_id)).all()
    wrong = [f"patient on a panel that is gone: {patient}" for patient, row in members.items() if row[0] not in live]
    wrong += _wrong_ledger(changes, members)
    wrong += [f"submission {row.submission_id} is not finished: {row.state}" for row in requests if not _finished(row)]
    wrong += _wrong_registry(requests, taken, received)
    wrong += _wrong_releases(requests)
    for row in requests:
        if row.snapshot_id and row.snapshot_id in taken and named[row.snapshot_id] != taken[row.snapshot_id].excluded:
            wrong.append(f"submission {row.submission_id}: not all who were left out are named")
    counts = {
        "submissions": dict(Counter(str(row.state) for row in requests)),
        "reasons of failures": dict(Counter(row.failure for row in requests if row.state == SubmissionState.FAILED)),
        "releases": dict(Counter(str(row.state) for row in requests if row.releases)),
        "released when the window ended": sum(1 for row in requests if row.releases and row.guard_note),
        "attempts": sum(row.attempts for row in requests),
        "registry holds": len(received),
        "arrivals at the registry": sum(one["arrivals"] for one in received),
        "changes of membership": len(changes),
        "members": len(members),
    }
    return wrong, counts


def _of(table: Any, prefix: str = "") -> list[Any]:
    return [table.c[prefix + name] for name in _COLUMNS]


def _finished(row: Any) -> bool:
    return (
        SubmissionState(row.state) in FINAL
        and row.open_panel_id is None
        and row.finished_at is not None
        and row.claim is None
    )


def _wrong_ledger(changes: Any, members: dict[int, tuple[Any, ...]]) -> list[str]:
    """The ledger, played from its beginning, gives the memberships; each change begins where the last one ended."""
    absent = (None,) * len(_COLUMNS)
    played: dict[int, tuple[Any, ...]] = {}
    wrong = []
    for row in changes:
        before = tuple(getattr(row, f"from_{name}") for name in _COLUMNS)
        if played.get(row.patient_id, absent) != before:
            wrong.append(f"operation {row.operation_id}, patient {row.patient_id}: does not follow the one before")
        played[row.patient_id] = tuple(getattr(row, f"to_{name}") for name in _COLUMNS)
    memberships = {patient: row for patient, row in played.items() if row != absent}
    return wrong + [
        f"patient {key}: not as in the ledger"
        for key in {*memberships, *members}
        if memberships.get(key) != members.get(key)
    ]


def _wrong_registry(requests: Any, taken: dict[str, Any], received: list[dict[str, Any]]) -> list[str]:
    """At most one distinct snapshot for each request, and exactly one, with our hash, for each delivered one."""
    there: dict[str, list[dict[str, Any]]] = {}
    for one in received:
        there.setdefault(one["identifier"].removeprefix("urn:uuid:"), []).append(one)
    known = {row.snapshot_id for row in requests if row.snapshot_id}
    wrong = [f"the registry holds {identifier}, which no request sent" for identifier in there.keys() - known]
    for row in requests:
        arrived = there.get(row.snapshot_id or "", [])
        if len(arrived) > 1:
            wrong.append(f"submission {row.submission_id}: {len(arrived)} different contents arrived")
        if row.state == SubmissionState.DELIVERED and len(arrived) != 1:
            wrong.append(f"submission {row.submission_id}: delivered, but the registry does not hold it")
        if any(one["sha256"] != taken[row.snapshot_id].sha256 for one in arrived):
            wrong.append(f"submission {row.submission_id}: other bytes arrived than were stored")
    return wrong


def _wrong_releases(requests: Any) -> list[str]:
    """What is held has no snapshot and was never tried. A release is of a held one of its panel, and of each there is
    one, and another only as a Retry of one that failed: sent once at most."""
    held = {row.submission_id: row for row in requests if row.state == SubmissionState.HELD}
    wrong = [
        f"submission {row.submission_id}: held, but something of it was stored or sent"
        for row in held.values()
        if row.snapshot_id or row.first_attempt_at or row.in_doubt_since or not row.failure
    ]
    by_held: dict[int, list[Any]] = {}
    for row in requests:
        if row.releases:
            by_held.setdefault(row.releases, []).append(row)
    for held_id, releases in by_held.items():
        if held_id not in held or any(row.panel_id != held[held_id].panel_id for row in releases):
            wrong.append(f"submission {held_id} was released, and is not held")
        if any(row.state == SubmissionState.HELD for row in releases):
            wrong.append(f"submission {held_id} was released, and its release is held")
        *earlier, _ = sorted(releases, key=lambda row: int(row.submission_id))
        if any(row.state not in RETRIED for row in earlier):
            wrong.append(f"submission {held_id} was released more than once")
    return wrong


def check_holds(host: OscarHost, held_until_last_kill: int | None) -> list[str]:
    """Something was held, and something held was released and sent: else the rules above were not put to the test."""
    with host.database.engine.connect() as connection:
        released = select(submission.c.submission_id).where(submission.c.releases.is_not(None))
        sent = connection.scalar(released.where(submission.c.state == SubmissionState.DELIVERED).limit(1))
    wrong = [] if sent else ["nothing that was held was released and sent"]
    return wrong + (["nothing was held while workers were killed"] if held_until_last_kill == 0 else [])


def check_exports(host: OscarHost, settings: Settings) -> list[str]:
    """Every export has ended, its files are whole, and a second look at everything finds nothing new."""
    with host.database.engine.connect() as connection:
        still = connection.scalars(select(export.c.export_id).where(export.c.state.in_(OPEN))).all()
        files = connection.execute(select(export_file, export.c.claim).join(export)).all()
    wrong = [f"export {export_id} has not ended" for export_id in still]
    for row in files:
        path = settings.fhir_export_folder / str(row.claim) / row.name
        lines = path.read_bytes().count(b"\n") if path.exists() else None
        if lines != row.resources:
            wrong.append(f"export {row.export_id}: {row.name} has {lines} lines, not {row.resources}")
    refresh.refresh(host, settings)
    again = refresh.refresh(host, settings)
    if again.changed or again.gone or again.visits:
        wrong.append(f"a second look finds something new: {again}")
    return wrong
