"""The kinds of records that are kept for a time, each with its setting, its oldest record, and its removal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from ...domain.exhaustive import exhaustive
from ...hooks import Host
from ...settings import Settings
from ...store import tables
from ..clients import read_sets
from ..exports import jobs as exports
from ..snapshots import retention as snapshots
from .rows import TimedRows


class RecordKind(StrEnum):
    """In the words of reports."""

    LOOKS = "looks at patients"
    READS = "reads through the FHIR interface"
    SNAPSHOTS = "contents of submissions"
    EXCLUSIONS = "closed exclusions"
    CHECK_IN = "answers at check-in"
    CLIENT_CONFIRMATIONS = "confirmations sent by clients"
    SUBSCRIPTION_EVENTS = "events of subscriptions"
    UPLOADS = "uploaded lists"
    REPORTS = "reports of the registry"
    LETTERS = "letters about conflicts"
    EXPORTS = "bulk exports with their files"
    KEPT = "searches and interrupted forms"
    TOKENS = "access tokens"
    ASSERTIONS = "used proofs of identity"
    REQUEST_COUNTS = "counts of requests"


@dataclass(frozen=True, slots=True)
class Retention:
    """How long records are kept: by the setting of this name, or until the moment that each has (`setting` is '')."""

    setting: str
    keep: Callable[[Settings], timedelta]
    oldest: Callable[[Connection, ZoneInfo], datetime | None]
    remove: Callable[[Host, Settings, datetime], object]


def _rows(setting: str, rows: TimedRows) -> Retention:
    return Retention(setting, rows.keep, rows.oldest, rows.remove)


_READS: Final = TimedRows(tables.read.c.at, lambda given: timedelta(days=given.fhir_read_keep_days))


def _remove_reads(host: Host, settings: Settings, now: datetime) -> None:
    _READS.remove(host, settings, now)
    read_sets.forget_unnamed(host)


def _until_then(_: Settings) -> timedelta:
    return timedelta()


def _days_of_snapshots(settings: Settings) -> timedelta:
    return timedelta(days=settings.snapshot_keep_days)


RETENTION: Final[Mapping[RecordKind, Retention]] = exhaustive(
    __name__,
    RecordKind,
    {
        RecordKind.LOOKS: _rows(
            "look_keep_days",
            TimedRows(
                tables.look.c.at, lambda given: timedelta(days=given.look_keep_days), parts=(tables.look_patient,)
            ),
        ),
        RecordKind.READS: Retention("fhir_read_keep_days", _READS.keep, _READS.oldest, _remove_reads),
        RecordKind.SNAPSHOTS: Retention(
            "snapshot_keep_days",
            _days_of_snapshots,
            lambda connection, _: snapshots.oldest(connection),
            lambda host, settings, now: snapshots.forget(host, settings, now=now),
        ),
        RecordKind.EXCLUSIONS: _rows(
            "closed_exclusion_keep_days",
            TimedRows(
                tables.exclusion_line.c.closed_at,
                lambda given: timedelta(days=given.closed_exclusion_keep_days),
                parts=(tables.exclusion_line_change,),
            ),
        ),
        RecordKind.CHECK_IN: _rows(
            "check_in_keep_days",
            TimedRows(tables.check_in.c.day, lambda given: timedelta(days=given.check_in_keep_days)),
        ),
        RecordKind.CLIENT_CONFIRMATIONS: _rows(
            "client_confirmation_keep_days",
            TimedRows(
                tables.client_confirmation.c.at, lambda given: timedelta(days=given.client_confirmation_keep_days)
            ),
        ),
        RecordKind.SUBSCRIPTION_EVENTS: _rows(
            "subscription_event_keep_days",
            TimedRows(tables.subscription_event.c.at, lambda given: timedelta(days=given.subscription_event_keep_days)),
        ),
        RecordKind.UPLOADS: _rows(
            "upload_keep_hours",
            # One after the other, for each may have many rows.
            TimedRows(tables.upload.c.created_at, lambda given: timedelta(hours=given.upload_keep_hours), portion=1),
        ),
        RecordKind.REPORTS: _rows(
            "report_keep_days",
            TimedRows(
                tables.report.c.received_at,
                lambda given: timedelta(days=given.report_keep_days),
                parts=(
                    tables.report_line_change,
                    tables.report_line_before,
                    tables.report_line,
                    tables.report_row,
                    tables.report_piece,
                ),
                portion=1,
            ),
        ),
        RecordKind.LETTERS: _rows(
            "letter_keep_days",
            TimedRows(tables.letter.c.recorded_at, lambda given: timedelta(days=given.letter_keep_days)),
        ),
        RecordKind.EXPORTS: Retention(
            "fhir_export_keep_hours",
            lambda given: timedelta(hours=given.fhir_export_keep_hours),
            lambda connection, _: exports.oldest(connection),
            lambda host, settings, _: exports.forget(host, settings),
        ),
        RecordKind.KEPT: _rows("", TimedRows(tables.kept.c.expires_at, _until_then)),
        RecordKind.TOKENS: _rows("", TimedRows(tables.client_token.c.expires_at, _until_then)),
        RecordKind.ASSERTIONS: _rows("", TimedRows(tables.client_assertion.c.expires_at, _until_then)),
        RecordKind.REQUEST_COUNTS: _rows("", TimedRows(tables.request_count.c.expires_at, _until_then)),
    },
)
