"""Which panels end because their provider has left, as cron asks every minute. What ends them is imported then."""

from datetime import datetime

from sqlalchemy import select

from ...hooks import Host
from ...store.tables import departure


def end_due(host: Host, now: datetime) -> int:
    """End the panels whose provider has left and who have no active patient left. Returns how many."""
    today = now.astimezone(host.clock.zone).date()
    due = select(departure.c.panel_id).where(departure.c.open_panel_id.is_not(None), departure.c.leaves_on <= today)
    with host.database.engine.connect() as connection:
        panel_ids = connection.scalars(due.order_by(departure.c.departure_id)).all()
    if not panel_ids:
        return 0
    from .steps import end_without_patients

    return sum(end_without_patients(host, panel_id, today) for panel_id in panel_ids)
