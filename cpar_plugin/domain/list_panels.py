"""Which panel a list means by the name of a provider, or the number of a panel, in one of its columns."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from .list_cells import plain
from .texts import without_separators

_TITLES: Final = frozenset({"dr", "doctor", "md", "np", "mr", "mrs", "ms"})


class NamedProvider(NamedTuple):
    """A provider of a panel, as lists may name one."""

    name: str
    provider_id: str
    practitioner_id: str


class NamedPanel(NamedTuple):
    """A panel with its providers."""

    panel_id: int
    number: str
    providers: Sequence[NamedProvider]


def proposed_panel(text: str, panels: Sequence[NamedPanel]) -> int | None:
    """The panel with this number, else the only one of the only provider who may be meant; None for none or several."""
    by_number = [panel.panel_id for panel in panels if _number(panel.number) == _number(text)]
    if by_number:
        return by_number[0] if len(by_number) == 1 else None
    words, digits = _words(text), without_separators(text)
    meant = {
        panel.panel_id
        for panel in panels
        for provider in panel.providers
        if digits in (provider.practitioner_id, provider.provider_id) or _means(words, _words(provider.name))
    }
    return meant.pop() if len(meant) == 1 else None


def _number(text: str) -> str:
    return plain(text).removeprefix("panel ").lstrip("0")


def _words(text: str) -> list[str]:
    return [word for word in plain(text).split() if word not in _TITLES]


def _means(words: Iterable[str], name: Sequence[str]) -> bool:
    """Whether each word is one of the name's, or the first letter of one, and one of them is a whole word."""
    words = list(words)
    known = all(word in name or (len(word) == 1 and any(one.startswith(word) for one in name)) for word in words)
    return known and any(word in name for word in words)
