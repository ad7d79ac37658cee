"""What work is about while it is done: the clinic, the panel, its submission, and the trace that its log lines share.

Kept in a context variable, which threads and processes do not inherit: who begins one hands it over.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final
from uuid import uuid4


@dataclass(frozen=True, slots=True)
class WorkSubject:
    """Names and numbers only, never anything of a patient. Empty or None: not about one in particular."""

    trace: str = ""  # 32 hexadecimal digits, as a trace id of W3C Trace Context
    clinic: str = ""  # its name in a fleet
    panel: int | None = None  # panel_id
    submission: int | None = None  # submission_id


_NOTHING: Final = WorkSubject()
_SUBJECT: Final = ContextVar("cpar_work_subject", default=_NOTHING)


def new_trace() -> str:
    """For work that begins here, such as a tick of a scheduler."""
    return uuid4().hex


def subject() -> WorkSubject:
    """What is worked on here and now."""
    return _SUBJECT.get()


@contextmanager
def about(
    *, trace: str | None = None, clinic: str | None = None, panel: int | None = None, submission: int | None = None
) -> Iterator[WorkSubject]:
    """Within the block work is about this, and about what it was about before where nothing else is said."""
    before = subject()
    work = WorkSubject(
        trace=before.trace if trace is None else trace,
        clinic=before.clinic if clinic is None else clinic,
        panel=before.panel if panel is None else panel,
        submission=before.submission if submission is None else submission,
    )
    token = _SUBJECT.set(work)
    try:
        yield subject()
    finally:
        _SUBJECT.reset(token)
