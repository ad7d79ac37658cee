"""The key with which a recipient fetches one submission from us: nobody can guess it, and it ends."""

import hmac
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256

HEADER = "X-Submission-Key"
GOOD_FOR = timedelta(hours=25)  # since the snapshot: longer than it is tried to be sent


def submission_key(secret: str, snapshot_id: str, taken_at: datetime) -> str:
    """The same for the same snapshot, however often it is sent."""
    until = int((taken_at + GOOD_FOR).timestamp())
    digest = hmac.new(secret.encode(), f"{snapshot_id}.{until}".encode(), sha256).digest()
    return f"{until}.{urlsafe_b64encode(digest).decode().rstrip('=')}"


def is_good(secret: str, snapshot_id: str, taken_at: datetime, key: str, now: datetime) -> bool:
    """Whether a key opens this snapshot now."""
    expected = submission_key(secret, snapshot_id, taken_at)
    return hmac.compare_digest(expected.encode(), key.encode()) and now < taken_at.astimezone(UTC) + GOOD_FOR
