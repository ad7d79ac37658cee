"""Texts as people have typed them, made fit to travel."""

from unicodedata import category

# A control character becomes a space; what no text file can hold (surrogates, two noncharacters) goes.
_UNFIT: dict[int, str | None] = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), " ")
_UNFIT.update(dict.fromkeys((*range(0xD800, 0xE000), 0xFFFE, 0xFFFF)))


def readable(text: str | None) -> str | None:
    """The text on one line, trimmed, without control characters. None when nothing that can be read is left."""
    if not text:
        return None
    if text.isprintable():
        return text.strip() or None
    line = " ".join(text.translate(_UNFIT).split())
    return line if any(category(letter) not in ("Cf", "Zs") for letter in line) else None
