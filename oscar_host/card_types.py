"""What OSCAR's field HC Type says of who has issued a health number."""

from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, func

from cpar_plugin.domain.jurisdictions import ALBERTA, UNKNOWN
from cpar_plugin.host_kit.sql import constant, letters, seen

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


def jurisdiction(hc_type: ColumnElement[Any]) -> ColumnElement[str]:
    """Alberta, the code of another jurisdiction, or unknown: for what is empty too, and any other text."""
    plain = func.upper(func.trim(letters(hc_type)))
    text = func.upper(seen(hc_type))
    spellings = [
        (text.in_([constant(spelling) for spelling in (code, f"CA-{code}", name, name[:_LENGTH])]), constant(code))
        for code, name in _NAMES.items()
    ]
    state = and_(func.length(text) == constant(5), func.substr(text, constant(1), constant(3)) == constant("US-"))
    capitals = (
        func.substr(text, constant(position), constant(1)).between(constant("A"), constant("Z")) for position in (4, 5)
    )
    return case(
        (plain == constant(ALBERTA), constant(ALBERTA)),  # nearly all, without a closer look
        *spellings,
        (text == constant(_OTHER), constant(_OTHER)),
        (and_(state, *capitals), text),
        else_=constant(UNKNOWN),
    )
