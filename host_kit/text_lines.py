"""The log as text, in which a line names what the work is about: in a fleet the clinic above all."""

import logging
import time
from dataclasses import asdict
from typing import Final

from cpar_plugin.tracing import subject

from .json_lines import error_of

_FORM: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class TextLines(logging.Formatter):
    """Moment (UTC), level, logger, message, then `[clinic=north panel=7 trace=...]`. An error by its kind and place."""

    converter = staticmethod(time.gmtime)
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__(_FORM)

    def format(self, record: logging.LogRecord) -> str:
        record.message = record.getMessage()
        record.asctime = self.formatTime(record)
        parts = [self.formatMessage(record)]
        if about := " ".join(f"{name}={value}" for name, value in asdict(subject()).items() if value not in ("", None)):
            parts.append(f"[{about}]")
        if error := error_of(record):
            parts.append(f"{error['error']} at {error['location']}")
        return " ".join(parts)


def write() -> None:
    """Give this form to the lines that no handler takes, which go to the standard error output: warnings and errors."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(TextLines())


def write_steps(*loggers: str) -> None:
    """Write all lines in this form, of these loggers those of level INFO too."""
    output, root = logging.StreamHandler(), logging.getLogger()
    output.setFormatter(TextLines())
    root.addHandler(output)
    for name in loggers:
        logging.getLogger(name).setLevel(logging.INFO)
