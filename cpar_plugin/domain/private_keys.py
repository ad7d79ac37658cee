"""What no one may paste anywhere here: the private part of a pair of keys."""

import re

# The text form of a key (RFC 7468), and the members of a JSON Web Key that only its owner may have (RFC 7518, section
# 6), also in what is no longer JSON because a part of it was not pasted along.
_PRIVATE = re.compile(r"""PRIVATE KEY|["'](?:d|p|q|dp|dq|qi|oth|k)["']\s*:""")


def holds_private_key(text: str) -> bool:
    """Whether a text has a private key in it, or looks as if it had."""
    return _PRIVATE.search(text) is not None
