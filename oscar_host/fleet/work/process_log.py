"""The log of a beat or a worker: what we say of work, and of Celery's what is wrong."""

import logging
from typing import Any, Final

from celery.signals import setup_logging

from ..settings import FleetSettings

_FORM: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_OURS: Final = ("cpar_plugin", "oscar_host")


def decide(fleet: FleetSettings) -> None:
    """Write it as text; as JSON it is written from when the fleet's file was read. Celery does not set up logs."""
    setup_logging.connect(_done, weak=False)
    if fleet.log_format == "text":
        logging.basicConfig(format=_FORM, level=logging.WARNING)
        for name in _OURS:
            logging.getLogger(name).setLevel(logging.INFO)


def _done(**_: Any) -> None: ...
