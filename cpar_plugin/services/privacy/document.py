"""A document of sections with tables, and its text in Markdown. No patient data may be put into it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_MARKS: Final = re.compile(r"[\\`*|<\[]|(?<!\w)_|_(?!\w)")  # an underscore within a word means nothing
IN_THIS_SYSTEM: Final = "In this system"  # the heading of a column that is read, where the others are not


class StatementSource(StrEnum):
    """Where the statements of a section come from, in the words that stand below its heading."""

    SYSTEM = "Read from the running system."
    PRODUCT = "About the product: the same in every installation."
    BOTH = f"The column “{IN_THIS_SYSTEM}” is read from the running system. The rest is about the product."


@dataclass(frozen=True, slots=True)
class Grid:
    """A table. The first column names what its row is about."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class PackSection:
    """Some tables below one heading. `text` is a paragraph before them, '' for none."""

    title: str
    source: StatementSource
    grids: Sequence[Grid]
    text: str = ""


@dataclass(frozen=True, slots=True)
class PrivacyPack:
    """All of it. `facts` are labels with values, of the system as a whole."""

    title: str
    facts: Sequence[tuple[str, str]]
    sections: Sequence[PackSection]


def markdown(pack: PrivacyPack) -> str:
    """The document in GitHub's Markdown, whose tables have a line for each row."""
    return "\n".join(_lines(pack)) + "\n"


def _lines(pack: PrivacyPack) -> Iterator[str]:
    yield f"# {pack.title}"
    yield ""
    yield from _table(("Subject", IN_THIS_SYSTEM), pack.facts)
    for section in pack.sections:
        yield from ("", f"## {section.title}", "", f"*{section.source}*")
        if section.text:
            yield from ("", _text(section.text))
        for grid in section.grids:
            if len(section.grids) > 1:
                yield from ("", f"### {_text(grid.caption)}")
            yield ""
            yield from _table(grid.columns, grid.rows)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _row(columns)
    yield _row(["---"] * len(columns))
    yield from map(_row, rows)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(map(_text, cells))} |"


def _text(text: str) -> str:
    """Without what Markdown would take for its own."""
    return " ".join(_MARKS.sub(r"\\\g<0>", text).split())
