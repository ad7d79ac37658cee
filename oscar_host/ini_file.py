"""INI files of settings."""

from collections.abc import Mapping
from configparser import (
    ConfigParser,
    DuplicateOptionError,
    DuplicateSectionError,
    MissingSectionHeaderError,
    ParsingError,
)
from pathlib import Path
from typing import Final

from cpar_plugin.hooks import Refused

_BYTE_ORDER_MARK: Final = "\ufeff"  # with which editors of Windows begin


def sections(path: Path, needed: str, source: str) -> Mapping[str, dict[str, str]]:
    """The sections of a file by their names. `source` is what has named the file.

    Raises Refused where it cannot be read, or has no section `needed`.
    """
    try:
        return sections_of(path.read_text(encoding="utf-8"), needed)
    except OSError as error:
        raise Refused({"settings": f"{source}: {path} cannot be read ({error.strerror})."}) from None
    except UnicodeDecodeError:
        raise Refused({"settings": f"{source}: {path} is not text in UTF-8."}) from None
    except Refused as refused:
        raise Refused({"settings": f"{source}: {path}: {refused}"}) from None


def sections_of(text: str, needed: str) -> Mapping[str, dict[str, str]]:
    """The same of a text. What is refused names the line, never what it says."""
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(text.removeprefix(_BYTE_ORDER_MARK))
        parser[needed]
    except DuplicateOptionError as error:
        message = f"Line {error.lineno}: {error.option} is there already. Keep one of the two."
        raise Refused({"settings": message}) from None
    except DuplicateSectionError as error:
        message = f"Line {error.lineno}: the section [{error.section}] is there already. Put both together."
        raise Refused({"settings": message}) from None
    except (MissingSectionHeaderError, KeyError):
        raise Refused({"settings": f"It must be an INI file with a section [{needed}]."}) from None
    except ParsingError as error:
        lines = ", ".join(str(number) for number, _ in error.errors)
        raise Refused({"settings": f"Line {lines}: write a setting as name = value."}) from None
    return {name: dict(parser[name]) for name in parser.sections()}
