"""The log of a beat or a worker: what we say of work, and of Celery's what is wrong."""

from typing import Any, Final

from celery.signals import setup_logging

from cpar_plugin.host_kit import text_lines

from ..settings import FleetSettings

_OURS: Final = ("cpar_plugin", "oscar_host")


def decide(fleet: FleetSettings) -> None:
    """Write it as text; as JSON it is written from when the fleet's file was read. Celery does not set up logs."""
    setup_logging.connect(_done, weak=False)
    if fleet.log_format == "text":
        text_lines.write_steps(*_OURS)


def _done(**_: Any) -> None: ...
