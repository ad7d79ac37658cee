"""What may be asked in a search, as JSON Schemas of the texts that are sent: told from the list that searching goes by.

A parameter without a value is left alone (R4), so each of them may be empty. Of `_sort`, `_include` and `_revinclude`,
what is not known is left alone as well.
"""

from collections.abc import Sequence

from .capability import HOW
from .schemas import Schema, one_of
from .searchable import Parameter, Searchable, SearchType

# A comma, a bar and a backslash are written with a backslash before them.
_LETTER = r"(?:[^\\,|\x00-\x1f]|\\[^\x00-\x1f])"
_LETTER_OR_BAR = r"(?:[^\\,\x00-\x1f]|\\[^\x00-\x1f])"
_INK = r"(?:[^\s\\,\x00-\x1f\x85]|\\[^\s\x00-\x1f\x85])"
# Years beyond these are understood as long as nothing that they are compared with leaves the calendar.
_YEAR = "[1-8][0-9]{3}"
_LEAP_DAY = "(?:[1-8][0-9](?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[1357][26])00)-02-29"
_DAY = f"{_YEAR}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
_ZONE = "(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])"
_TIME = rf"T(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{{1,9}})?)?{_ZONE}?"
_VALUES = {
    SearchType.TOKEN: rf"(?:{_LETTER}+(?:\|{_LETTER}*)?|\|{_LETTER}+)",
    SearchType.STRING: f"{_LETTER_OR_BAR}*{_INK}{_LETTER_OR_BAR}*",
    SearchType.DATE: (
        f"(?:eq|ne|gt|lt|ge|le|sa|eb|ap)?(?:{_YEAR}(?:-(?:0[1-9]|1[0-2]))?|(?:{_DAY}|{_LEAP_DAY})(?:{_TIME})?)"
    ),
    SearchType.REFERENCE: f"{_LETTER_OR_BAR}*",
}

EXAMPLES = {
    "_lastUpdated": "ge2020-01-01",
    "_count": 10,
    "_sort": "-_lastUpdated",
    "_total": "accurate",
    "_type": "Group,Patient",
}


def search_schemas(searchable: Searchable, totals: Sequence[str]) -> dict[str, tuple[Schema, str]]:
    """Schema and meaning of every parameter that is about what is found, each modifier as one more (`family:exact`)."""
    known: dict[str, tuple[Schema, str]] = {}
    for parameter in searchable.parameters.values():
        known[parameter.name] = _plain(parameter)
        known |= {f"{parameter.name}:{modifier}": _modified(parameter, modifier) for modifier in parameter.modifiers}
    count: Schema = {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 999_999_999}, {"const": ""}]}
    known["_count"] = count, "Resources on a page. 0: the total alone."
    known["_total"] = one_of([*totals, ""]), "Whether the total is told."
    sorts = "|".join(searchable.sorts)
    known["_sort"] = or_left_alone(f"-?(?:{sorts})(?:,-?(?:{sorts}))*"), "After a minus: the last first."
    for name, includes in (("_include", searchable.includes), ("_revinclude", searchable.revincludes)):
        if includes:
            known[name] = or_left_alone("|".join(includes)), "What else is to be on the page."
    return known


def shape_schemas(summaries: Sequence[str], elements: Sequence[str]) -> dict[str, tuple[Schema, str]]:
    """Schema and meaning of what says how much of a resource is wanted: either of these two."""
    names = "|".join(elements)
    return {
        "_summary": (one_of([*summaries, ""]), "How much of each resource. Not together with `_elements`."),
        "_elements": (or_left_alone(f"(?:{names})(?:,(?:{names}))*"), "The elements that are wanted."),
    }


def _plain(parameter: Parameter) -> tuple[Schema, str]:
    return _listed(_VALUES[parameter.type]), HOW[parameter.type]


def _modified(parameter: Parameter, modifier: str) -> tuple[Schema, str]:
    match modifier:
        case "missing":
            return one_of(["true", "false", ""]), "Whether the element is missing."
        case "exact":
            return _listed(_VALUES[parameter.type]), "Letter by letter."
        case "contains":
            return _listed(_VALUES[parameter.type]), "Anywhere, without case and accents."
    return _listed(_VALUES[parameter.type]), f"The id of a {modifier}."


def _listed(value: str) -> Schema:
    return {"type": "string", "pattern": f"^(?:{value}(?:,{value})*)?$"}


def or_left_alone(known: str) -> Schema:
    """A text that is understood where it fits the pattern, and is left alone otherwise."""
    return {"anyOf": [{"type": "string", "pattern": f"^(?:{known})$"}, {"type": "string"}]}
