"""The codes of EMRs for sex or gender."""

from typing import Final

from .texts import readable

KNOWN: Final = ("M", "F", "X", "O", "T")  # any other is sent as unknown


def gender_code(text: str | None) -> str | None:
    """The host's code in capital letters: `f` is the same as `F`. None when there is nothing to be read."""
    code = readable(text)
    return code.upper() if code else None
