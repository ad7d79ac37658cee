"""The log of a beat or a worker: what we say of work, and of Celery's what is wrong."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from celery.apps import worker
from celery.signals import setup_logging

from cpar_plugin.hooks import Refused
from cpar_plugin.host_kit import json_lines, text_lines

from ..settings import FleetSettings

log = logging.getLogger(__name__)

_OURS: Final = ("cpar_plugin", "oscar_host")
_OUTPUT: Final = 2  # the standard error output


def decide(fleet: FleetSettings) -> None:
    """Write it as text; as JSON it is written from when the fleet's file was read. Celery does not set up logs."""
    setup_logging.connect(_done, weak=False)
    if fleet.log_format == "text":
        text_lines.write_steps(*_OURS)
    else:
        worker.safe_say = _said


@contextmanager
def with_its_end(fleet: FleetSettings) -> Iterator[None]:
    """What ends the block as Refused is a line of JSON too, where the log is; the process ends with exit code 1."""
    try:
        yield
    except Refused as refused:
        if fleet.log_format == "text":
            raise
        log.error("%s", refused)
        sys.exit(1)


def _done(**_: Any) -> None: ...


def _said(text: str, _: object = None) -> None:
    """What Celery would print when a signal arrives: written at once, for a log may be in the middle of a line."""
    record = logging.LogRecord(worker.__name__, logging.INFO, "", 0, text.strip(), None, None)
    os.write(_OUTPUT, f"{json_lines.JsonLines().format(record)}\n".encode())
