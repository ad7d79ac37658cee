"""Names as the server of an OSCAR compares them."""

from unicodedata import combining, normalize


def folded(name: str) -> str:
    """The name as MariaDB compares it in OSCAR's tables: without case, accents and blanks at the end."""
    if name.isascii():
        return name.lower().rstrip(" ")
    plain = "".join(letter for letter in normalize("NFKD", name) if not combining(letter))
    return plain.casefold().rstrip(" ")
