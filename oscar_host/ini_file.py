"""INI files of settings."""

from collections.abc import Mapping
from configparser import ConfigParser
from configparser import Error as IniError
from pathlib import Path

from cpar_plugin.hooks import Refused


def sections(path: Path, needed: str, source: str) -> Mapping[str, dict[str, str]]:
    """The sections of a file by their names. `source` is what has named the file.

    Raises Refused where it cannot be read, or has no section `needed`.
    """
    try:
        return sections_of(path.read_text(encoding="utf-8"), needed)
    except OSError as error:
        raise Refused({"settings": f"{source}: {path} cannot be read ({error.strerror})."}) from None
    except (Refused, UnicodeDecodeError):
        raise Refused({"settings": f"{source}: {path} must be an INI file with a section [{needed}]."}) from None


def sections_of(text: str, needed: str) -> Mapping[str, dict[str, str]]:
    """The same of a text."""
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
        parser[needed]
    except (IniError, KeyError):
        raise Refused({"settings": f"It must be an INI file with a section [{needed}]."}) from None
    return {name: dict(parser[name]) for name in parser.sections()}
