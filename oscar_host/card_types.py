"""What OSCAR's field HC Type says of who has issued a health number."""

import re
from typing import Any, Final

from sqlalchemy import Boolean, ColumnElement, case, func
from sqlalchemy.sql.functions import FunctionElement

from cpar_plugin.domain.jurisdictions import ALBERTA, UNKNOWN
from cpar_plugin.domain.texts import readable
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
_STATE: Final = re.compile("US-[A-Z]{2}")
_LENGTH: Final = 20  # of the column: OSCAR cuts the rest


class _state(FunctionElement[bool]):  # noqa: N801  # spelled like the function that it is
    """Whether a text of capitals names a state of the US."""

    name = "state"
    type = Boolean()
    inherit_cache = True


spelled(_state, "({0} GLOB 'US-[A-Z][A-Z]')", r"({0} REGEXP '^US-[A-Z]{2}\\z')")


_SPELLINGS: Final = {
    **{spelling: code for code, name in _NAMES.items() for spelling in (code, f"CA-{code}", name, name[:_LENGTH])},
    _OTHER: _OTHER,
}


def jurisdiction(hc_type: ColumnElement[Any]) -> ColumnElement[str]:
    """Alberta, the code of another jurisdiction, or unknown: for what is empty too, and any other text.

    What is long in SQL is in it as few times as can be: MariaDB reads all of it for each statement.
    """
    text = func.upper(seen(hc_type))
    known = {constant(spelling): constant(code) for spelling, code in _SPELLINGS.items()}
    return case(
        (letters(hc_type) == constant(ALBERTA), constant(ALBERTA)),  # nearly all, without a closer look
        else_=case(known, value=text, else_=case((_state(text), text), else_=constant(UNKNOWN))),
    )


def jurisdiction_of(capitals: str | None) -> str:
    """The same of a text in capitals, in Python."""
    text = readable(capitals) or ""
    return _SPELLINGS.get(text) or (text if _STATE.fullmatch(text) else UNKNOWN)
