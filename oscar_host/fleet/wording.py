"""What is said of one clinic alone, as it is said in a fleet: its own commands, and settings of a file."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import IO, Any, Final, cast

from ..host import PREFIX

_COMMAND: Final = re.compile(r"\bcpar (?=[a-z])(?!fleet\b)")
_VARIABLE: Final = re.compile(rf"\b{PREFIX}(?!FLEET\b)([A-Z_]+)\b")


def of_fleet(text: str, name: str) -> str:
    """With commands as they are for the clinic of this name, and settings as in its file."""
    return of_file(_COMMAND.sub(f"cpar fleet for {name} ", text))


def of_file(text: str) -> str:
    """With settings as in a file: `database_url` for CPAR_DATABASE_URL."""
    return _VARIABLE.sub(lambda found: found[1].lower(), text)


@contextmanager
def said_as_of_fleet(name: str) -> Iterator[None]:
    """Within the block what a command for one clinic alone prints, but for bytes, is worded as `of_fleet` does."""
    with (
        redirect_stdout(cast(IO[str], _Output(sys.stdout, name))),
        redirect_stderr(cast(IO[str], _Output(sys.stderr, name))),
    ):
        yield


class _Output:
    """A stream of text whose rest is another's."""

    def __init__(self, stream: IO[str], name: str) -> None:
        self._stream = stream
        self._name = name

    def write(self, text: str) -> int:
        self._stream.write(of_fleet(text, self._name))
        return len(text)

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._stream, attribute)
