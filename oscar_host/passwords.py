"""The forms in which OSCAR keeps a password: clear text, SHA-1 in its own spelling, and bcrypt."""

import hashlib
import hmac

import bcrypt

_BCRYPT = "{bcrypt}"
_BCRYPT_READS = 72  # bytes
_SHORTEST_HASH = 20  # characters: what is shorter is clear text
_DUMMY_HASH = bcrypt.hashpw(b"nobody", bcrypt.gensalt(10))


def hashed(password: str) -> str:
    """The password as stored in `security.password`."""
    return _BCRYPT + bcrypt.hashpw(password.encode()[:_BCRYPT_READS], bcrypt.gensalt(10)).decode()


def matches(entered: str, stored: str | None) -> bool:
    """Whether this is the password that is kept so. Takes as long whatever is kept, and for an empty one is never true.

    Compared as OSCAR does: it replaces blanks by backspaces before it takes SHA-1 of the UTF-8 bytes, and joins the
    bytes as signed decimals ("-51-282443-97...").
    """
    stored_text = stored or ""
    in_bcrypt = stored_text.startswith(_BCRYPT)
    hash_to_try = stored_text.removeprefix(_BCRYPT).encode() if in_bcrypt else _DUMMY_HASH
    try:
        fits = bcrypt.checkpw(entered.encode()[:_BCRYPT_READS], hash_to_try)
    except ValueError:  # no bcrypt after all
        fits = False
    if not in_bcrypt:
        candidate = entered if len(stored_text) < _SHORTEST_HASH else _sha1(entered)
        fits = hmac.compare_digest(candidate.encode(), stored_text.encode())
    return fits and bool(entered and stored_text)


def _sha1(entered: str) -> str:
    digest = hashlib.sha1(entered.replace(" ", "\b").encode()).digest()  # noqa: S324  it is OSCAR's choice
    return "".join(str(byte - 256 if byte > 127 else byte) for byte in digest)
