"""The addresses of pages, for those who read about submissions elsewhere: in an email."""

from collections.abc import Collection

from ...settings import Settings
from .texts import ATTENTION, Stage


def of_submission(settings: Settings, submission_id: int) -> str:
    """The page of one submission, "" where no one has said how browsers reach the pages."""
    return _page(settings, f"submissions/{submission_id}")


def of_several(settings: Settings, stages: Collection[Stage]) -> str:
    """The submissions of one stage, or of several all that need attention; "" likewise."""
    of_one = len(set(stages)) == 1
    return _page(settings, f"submissions?state={next(iter(stages)).name if of_one else ATTENTION}")


def of_rehearsal(settings: Settings, panel_id: int) -> str:
    """The rehearsal of a panel; "" likewise."""
    return _page(settings, f"panels/{panel_id}/rehearsal")


def of_panels(settings: Settings) -> str:
    """The list of panels; "" likewise."""
    return _page(settings, "panels")


def _page(settings: Settings, path: str) -> str:
    return f"{settings.public_url.rstrip('/')}/cpar/{path}" if settings.public_url else ""
