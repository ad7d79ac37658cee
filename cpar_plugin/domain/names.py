"""Names as the registry is told them. Alberta law knows people with a single name: it is told as the family name."""

from .answers import is_answered
from .cautions import Caution
from .member import Named, names_as_held
from .name_faults import unless_program_word
from .texts import readable


def has_one_name(one: Named) -> bool:
    """Whether the host holds a name for them as family or as given name, and nothing as the other."""
    return bool(readable(one.family_name)) != bool(readable(one.given_name))


def one_name_only(one: Named) -> bool:
    """Whether somebody has compared these names with the card, and it shows one name only."""
    if not one.answers or not has_one_name(one):
        return False
    return is_answered(Caution.GIVEN_NAME_MISSING, names_as_held(one), one.answers)


def legal_names(one: Named) -> tuple[str | None, str | None, str | None]:
    """Family, given and middle names as they are told; None where there is nothing that can be read.

    Words of programs are no middle name.
    """
    family, given = readable(one.family_name), readable(one.given_name)
    middle = unless_program_word(one.middle_names)
    return (family or given, None, None) if one_name_only(one) else (family, given, middle)


def full_name(family: str | None, given: str | None, *, capitals: bool = False) -> str:
    """`Family, Given` for people to read, or `FAMILY, Given`; '' for nobody's name."""
    family, given = readable(family), readable(given)
    return ", ".join(name for name in (family.upper() if family and capitals else family, given) if name)
