"""Users' answers to cautions: that values were checked against the card. Valid until these values change."""

import json
from collections.abc import Iterable
from hashlib import blake2b

from .cautions import Caution

FINGERPRINT_LENGTH = 32


def fingerprint(caution: Caution, values: Iterable[str | None]) -> str:
    """Of the values that a caution is about, in hexadecimal digits: an answer keeps no name and no PHN.

    It only shows whether they are still the same. JSON writes them alike on every version of Python.
    """
    text = json.dumps([caution.value, *values])
    return blake2b(text.encode(), digest_size=FINGERPRINT_LENGTH // 2).hexdigest()


def is_answered(caution: Caution, values: Iterable[str | None], answers: str | None) -> bool:
    """Whether one of the answers is to this caution about just these values.

    `answers` holds for each caution the last answer that was not withdrawn, `caution=fingerprint`, divided by spaces.
    """
    if not answers or f"{caution.value}=" not in answers:
        return False
    return f"{caution.value}={fingerprint(caution, values)}" in answers.split()
