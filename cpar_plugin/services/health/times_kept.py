"""Whether records are removed when their time is over."""

from ...domain.dates import date_text, period_text
from ...hooks import Health, Host
from ...settings import Settings
from ..retention import retention
from ..retention.kinds import RETENTION, RecordKind
from . import regular_work


def retained(host: Host, settings: Settings) -> Health:
    """The oldest record of each kind against its setting."""
    now, zone = host.clock.now(), host.clock.zone
    with host.database.engine.connect() as connection:
        kept = retention.kept(connection, host, settings)
    overdue = [_name(kind) for kind, of_kind in kept.items() if of_kind.overdue(now)]
    if overdue:
        return Health.warning(
            f"Not removed though their time is over: {', '.join(overdue)}.",
            f"{regular_work.remedy(settings, jobs=True)} Look for “removal of” in the log.",
        )
    oldest = [
        f"{_name(kind)} since {date_text(of_kind.oldest.astimezone(zone))} ({period_text(of_kind.keep)})"
        for kind, of_kind in kept.items()
        if RETENTION[kind].setting and of_kind.oldest
    ]
    return Health.ok(
        f"Kept no longer than set: {', '.join(oldest)}." if oldest else "No records that are kept for a time."
    )


def _name(kind: RecordKind) -> str:
    return kind.value
