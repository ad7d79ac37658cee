"""What is said of one clinic alone, as it is said in a fleet: its own commands, and settings of a file."""

import re
from typing import Final

from ..host import PREFIX

_COMMAND: Final = re.compile(r"\bcpar (?=[a-z])(?!fleet\b)")
_VARIABLE: Final = re.compile(rf"\b{PREFIX}(?!FLEET\b)([A-Z_]+)\b")


def of_fleet(text: str, name: str) -> str:
    """With commands as they are for the clinic of this name, and settings as in its file."""
    return of_file(_COMMAND.sub(f"cpar fleet for {name} ", text))


def of_file(text: str) -> str:
    """With settings as in a file: `database_url` for CPAR_DATABASE_URL."""
    return _VARIABLE.sub(lambda found: found[1].lower(), text)
