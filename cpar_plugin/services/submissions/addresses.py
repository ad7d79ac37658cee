"""The addresses of pages, for those who read about submissions elsewhere: in an email."""

from ...settings import Settings


def of_submission(settings: Settings, submission_id: int) -> str:
    """The page of one submission, "" where no one has said how browsers reach the pages."""
    return _page(settings, f"submissions/{submission_id}")


def failures(settings: Settings) -> str:
    """The submissions that failed, were rejected or were missed; "" likewise."""
    return _page(settings, "submissions?state=FAILED")


def _page(settings: Settings, path: str) -> str:
    return f"{settings.public_url.rstrip('/')}/cpar/{path}" if settings.public_url else ""
