"""Settings that say where their value is: `file:/run/secrets/database-url`, or `env:NAME`."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from cpar_plugin.hooks import Refused

from .plain_file import content

FILE: Final = "file:"
VARIABLE: Final = "env:"
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST: Final = 64 * 1024  # bytes


def resolved(settings: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """The settings, each reference replaced by the text that it names, without the line ends after it.

    Raises Refused that names every setting whose reference leads nowhere, and never a value.
    """
    values, faults = dict(settings), dict[str, str]()
    for name, text in settings.items():
        try:
            if text.startswith(FILE):
                values[name] = _content(Path(text.removeprefix(FILE).strip()))
            elif text.startswith(VARIABLE):
                values[name] = _variable(text.removeprefix(VARIABLE).strip(), environment)
        except ValueError as error:
            faults[name] = f"{name}: {error}"
    if faults:
        raise Refused(faults)
    return values


def files(settings: Mapping[str, str]) -> Iterator[Path]:
    """The files that settings refer to: when one changes, a setting does."""
    return (Path(text.removeprefix(FILE).strip()) for text in settings.values() if text.startswith(FILE))


def _content(path: Path) -> str:
    if not path.is_absolute():
        raise ValueError("write the whole path of the file, such as file:/run/secrets/database-url.")
    try:
        value = content(path, _LONGEST + 1)
        if len(value) > _LONGEST:
            raise ValueError(f"the file {path} is too long for a setting.")
        return value.decode("utf-8").rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"the file {path} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise ValueError(f"the file {path} is not text in UTF-8.") from None


def _variable(name: str, environment: Mapping[str, str]) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("write the name of an environment variable, such as env:DATABASE_URL.")
    if name not in environment:
        raise ValueError(f"the environment variable {name} is not set.")
    return environment[name]
