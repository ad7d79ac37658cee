"""Names as they are submitted. Alberta law allows a single name: it is submitted as the family name."""

from .answers import is_answered
from .cautions import Caution
from .member import Named, stored_names
from .name_faults import unless_program_word
from .texts import readable, readable_name


def has_one_name(person: Named) -> bool:
    """Whether the host holds a name for them as family or as given name, and nothing as the other."""
    return bool(readable(person.family_name)) != bool(readable(person.given_name))


def one_name_only(person: Named) -> bool:
    """Whether these names were checked against the card, and it shows only one name."""
    if not person.answers or not has_one_name(person):
        return False
    return is_answered(Caution.GIVEN_NAME_MISSING, stored_names(person), person.answers)


def legal_names(person: Named) -> tuple[str | None, str | None, str | None]:
    """Family, given and middle names as they are submitted; None where there is nothing that can be read.

    Words of programs are no middle name.
    """
    family_name, given_name = readable_name(person.family_name), readable_name(person.given_name)
    middle = unless_program_word(person.middle_names) if person.middle_names else None
    if person.answers and one_name_only(person):
        return (family_name or given_name, None, None)
    return (family_name, given_name, middle)


def full_name(family: str | None, given: str | None, *, capitals: bool = False) -> str:
    """`Family, Given` for people to read, or `FAMILY, Given`; '' where there is no name."""
    family, given = readable(family), readable(given)
    return ", ".join(name for name in (family.upper() if family and capitals else family, given) if name)


def name_in_sentence(name: str) -> str:
    """A name as a letter says it: `Ada Okafor` for `Okafor, Ada`."""
    family, _, given = name.partition(", ")
    return f"{given} {family}" if given else family
