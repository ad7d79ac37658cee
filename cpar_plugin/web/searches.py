"""What is searched for: posted, kept with the session, and found again by a random token in the list's address.

So no name and no PHN is in an address, and Back, reload and a link to the next page work as on any other page.
"""

import secrets
from datetime import timedelta
from typing import Final

from flask import session

from ..hooks import Actor, Host
from ..services.operations import kept

PARAMETER: Final = "search"
LIFETIME: Final = timedelta(hours=12)
LONGEST: Final = 100
EXPIRED: Final = "This search has expired"
SEARCH_AGAIN: Final = "Searches are kept for the person and session that made them, for 12 hours at most. Search again."
_KEY: Final = "cpar_searches"  # its place in the session


def keep(host: Host, actor: Actor, text: str) -> str:
    """The token of a search, '' for an empty one."""
    text = " ".join(text.split())[:LONGEST]
    return kept.keep(host, actor.actor_id, text, LIFETIME, _session_key()) if text else ""


def text_of(host: Host, actor: Actor, token: str) -> str:
    """What was searched for, '' without a token. Raises kept.Expired for one of another person or session too."""
    return str(kept.find(host, actor.actor_id, token, _session_key())) if token else ""


def _session_key() -> str:
    """Made by chance for each session, which alone knows it: a search cannot be opened from another one."""
    key: str = session.setdefault(_KEY, secrets.token_urlsafe(16))
    return key
