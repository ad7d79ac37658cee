"""What gunicorn may write to its log: never what someone asked for, which may name a patient."""

import logging
import os
import sys
import threading
import traceback
from typing import Any

from gunicorn.glogging import Logger

from .json_lines import decide


class WithoutRequests(Logger):  # type: ignore[misc]
    """gunicorn's own log. An error from a request is logged by its kind, and by its place in our code."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.addFilter(_without_request)
        decide(os.environ.get("CPAR_LOG_FORMAT", ""))  # also for what it says before the application is loaded


def _without_request(record: logging.LogRecord) -> bool:
    """gunicorn logs what a request has caused while it handles the exception, whose text has parts of the request."""
    error = sys.exception()
    # In the main thread no request is handled: there it says why a worker does not start.
    if isinstance(error, Exception) and threading.current_thread() is not threading.main_thread():
        frames = traceback.extract_tb(error.__traceback__)
        location = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames[-6:]))
        record.msg, record.args = "A request failed: %s at %s", (type(error).__name__, location)
        record.exc_info = record.exc_text = None
    return True
