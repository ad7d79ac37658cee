"""The log as JSON, a line each, for programs that collect logs. Decided once for a process: text is the default."""

import json
import logging
import sys
import traceback
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final

from cpar_plugin.hooks import Refused
from cpar_plugin.tracing import subject

_OURS: Final = ("cpar_plugin", "oscar_host")
_SERVER: Final = "gunicorn.error"
_FRAMES: Final = 6


class JsonLines(logging.Formatter):
    """Moment (UTC), level, logger, message, and what the work is about. An error by its kind and place: its text may
    hold patient data.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in asdict(subject()).items() if value not in ("", None)}
        return json.dumps(line | error_of(record))


def error_of(record: logging.LogRecord) -> dict[str, str]:
    """The kind of the error that is logged, and its place; empty without one. Its text may hold patient data."""
    if not record.exc_info or not (error := record.exc_info[1]):
        return {}
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    location = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames))
    return {"error": type(error).__name__, "location": location}


def decide(choice: str) -> None:
    """Write the log of this process so: `text` (also for nothing) or `json`, to the standard error output.

    JSON has the lines of level INFO too, which say how each submission went on. Raises Refused for another choice.
    """
    match choice.strip():
        case "" | "text":
            return
        case "json":
            _write_json()
        case _:
            raise Refused({"log_format": "Set log_format to text (the default) or to json."})


def _write_json() -> None:
    formatter, root = JsonLines(), logging.getLogger()
    if not any(isinstance(handler.formatter, JsonLines) for handler in root.handlers):
        output = logging.StreamHandler(sys.stderr)
        output.setFormatter(formatter)
        root.addHandler(output)
        logging.captureWarnings(True)  # Python's own
    for name in _OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    for handler in logging.getLogger(_SERVER).handlers:
        handler.setFormatter(formatter)
