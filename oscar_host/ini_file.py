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
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
        parser[needed]
    except OSError as error:
        raise Refused({"settings": f"{source}: {path} cannot be read ({error.strerror})."}) from None
    except (IniError, KeyError, UnicodeDecodeError):
        raise Refused({"settings": f"{source}: {path} must be an INI file with a section [{needed}]."}) from None
    return {name: dict(parser[name]) for name in parser.sections()}
