"""What may be asked in a search, as JSON Schemas of the texts that are sent: told from the list that searching goes by.

A parameter without a value is left alone (R4), so each of them may be empty. Of `_sort`, `_include` and `_revinclude`,
what is not known is left alone as well.
"""

from collections.abc import Sequence

from cpar_plugin.fhir_mappings.searchable import Parameter, Searchable, SearchType

from .answer_schemas import Schema, one_of

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
    SearchType.URI: f"{_LETTER_OR_BAR}*",
}


_COUNT: Schema = {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 999_999_999}, {"const": ""}]}


def search_values(searchable: Searchable[Parameter], totals: Sequence[str]) -> dict[str, Schema]:
    """The schema of every parameter that is about what is found, each modifier as one more (`family:exact`)."""
    known: dict[str, Schema] = {}
    for parameter in searchable.parameters.values():
        known[parameter.name] = _listed(_VALUES[parameter.type])
        known |= {f"{parameter.name}:{modifier}": _modified(parameter, modifier) for modifier in parameter.modifiers}
    known["_count"] = _COUNT
    known["_total"] = one_of([*totals, ""])
    sorts = "|".join(searchable.sorts)
    known["_sort"] = or_not_changed(f"-?(?:{sorts})(?:,-?(?:{sorts}))*")
    for name, includes in (("_include", searchable.includes), ("_revinclude", searchable.revincludes)):
        if includes:
            known[name] = or_not_changed("|".join([*includes, "[*]"]))
    return known


def definition_values(names: Sequence[str]) -> dict[str, Schema]:
    """The same for our definitions, which are searched by these parameters."""
    return {"_count": _COUNT, **dict.fromkeys(names, _listed(f"{_LETTER_OR_BAR}*"))}


def shape_values(summaries: Sequence[str], elements: Sequence[str]) -> dict[str, Schema]:
    """The schemas of what says how much of a resource is wanted: either of these two."""
    names = "|".join(elements)
    return {"_summary": one_of([*summaries, ""]), "_elements": or_not_changed(f"(?:{names})(?:,(?:{names}))*")}


def _modified(parameter: Parameter, modifier: str) -> Schema:
    if modifier == "missing":
        return one_of(["true", "false", ""])
    if modifier == "identifier":
        return _listed(_VALUES[SearchType.TOKEN])
    return _listed(_VALUES[parameter.type])


def _listed(value: str) -> Schema:
    return {"type": "string", "pattern": f"^(?:{value}(?:,{value})*)?$"}


def or_not_changed(known: str) -> Schema:
    """A text that is understood where it fits the pattern, and is left alone otherwise."""
    return {"anyOf": [{"type": "string", "pattern": f"^(?:{known})$"}, {"type": "string"}]}
