"""What OSCAR's field HC Type says of who has issued a health number."""

from typing import Any, Final

from sqlalchemy import Boolean, ColumnElement, case, func
from sqlalchemy.sql.functions import FunctionElement

from cpar_plugin.domain.jurisdictions import ALBERTA, UNKNOWN
from cpar_plugin.host_kit.sql import constant, letters, seen, spelled

# OSCAR's own form offers these, `OT` and the states of the US (`US-AK`); imports leave the other spellings too.
_NAMES: Final = {
    ALBERTA: "ALBERTA",
    "BC": "BRITISH COLUMBIA",
    "MB": "MANITOBA",
    "NB": "NEW BRUNSWICK",
    "NL": "NEWFOUNDLAND AND LABRADOR",
    "NS": "NOVA SCOTIA",
    "NT": "NORTHWEST TERRITORIES",
    "NU": "NUNAVUT",
    "ON": "ONTARIO",
    "PE": "PRINCE EDWARD ISLAND",
    "QC": "QUEBEC",
    "SK": "SASKATCHEWAN",
    "YT": "YUKON",
}
_OTHER: Final = "OT"
_LENGTH: Final = 20  # of the column: OSCAR cuts the rest


class _state(FunctionElement[bool]):  # noqa: N801  # spelled like the function that it is
    """Whether a text of capitals names a state of the US."""

    name = "state"
    type = Boolean()
    inherit_cache = True


spelled(_state, "({0} GLOB 'US-[A-Z][A-Z]')", r"({0} REGEXP '^US-[A-Z]{2}\\z')")


def jurisdiction(hc_type: ColumnElement[Any]) -> ColumnElement[str]:
    """Alberta, the code of another jurisdiction, or unknown: for what is empty too, and any other text.

    What is long in SQL is in it as few times as can be: MariaDB reads all of it for each statement.
    """
    plain = func.upper(func.trim(letters(hc_type)))
    text = func.upper(seen(hc_type))
    spellings = {
        spelling: code for code, name in _NAMES.items() for spelling in (code, f"CA-{code}", name, name[:_LENGTH])
    }
    known = {constant(spelling): constant(code) for spelling, code in {**spellings, _OTHER: _OTHER}.items()}
    return case(
        (plain == constant(ALBERTA), constant(ALBERTA)),  # nearly all, without a closer look
        else_=case(known, value=text, else_=case((_state(text), text), else_=constant(UNKNOWN))),
    )
