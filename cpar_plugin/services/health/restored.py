"""Whether the work after the restore of a backup is done."""

from ...domain.dates import moment_text
from ...hooks import Health, Host
from ...settings import Settings
from ..clients import registry
from ..operations import clinic
from . import after_restore


def completed(host: Host, settings: Settings) -> Health:
    """Whether the tables know what is in the outbox folder, and clients are on hold. Reads the keys of snapshots."""
    calendar = settings.calendar(host.clock.zone)
    with host.database.engine.connect() as connection:
        at = clinic.restored_at(connection)
        unknown = after_restore.unknown_files(connection, settings, after=at)
        clients = registry.every_client(connection)
    if unknown:
        return Health.warning(
            f"The outbox folder contains submissions that are not in the tables ({len(unknown)}): were the tables "
            "restored from a backup?",
            "If so, stop the service, run cpar after-restore, and start it again.",
        )
    on_hold = [client.client_id for client in clients if client.held_at and not client.revoked_at]
    if on_hold:
        return Health.warning(
            f"On hold since a backup was restored: {', '.join(on_hold)}.",
            "Run cpar client allow for each client that should have access, cpar client revoke for the others.",
        )
    if at is None:
        return Health.ok("No backup has been restored.")
    return Health.ok(f"A backup was restored; cpar after-restore completed {moment_text(at, calendar.zone)}.")
