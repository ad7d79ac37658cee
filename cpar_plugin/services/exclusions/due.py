"""When the scheduler compares exclusions, as cron asks every minute. What compares them is imported then."""

from datetime import datetime

from ...hooks import Host
from ...settings import Settings
from ..operations import clinic
from .compared import FEW, is_due, state_of


def compare_due(host: Host, settings: Settings, now: datetime) -> None:
    """For the scheduler: everyone now and then, in between those whose membership changed."""
    with host.database.engine.connect() as connection:
        if not clinic.load(connection).enabled:
            return
        state, changed = state_of(connection)
    everyone = is_due(state, now, settings.exclusions_time) or len(changed) > FEW
    if not (everyone or changed):
        return
    from .compare import compare_changed, compare_everyone

    if everyone:
        compare_everyone(host, settings, state.whole_at)
    else:
        compare_changed(host, settings, changed, state)
