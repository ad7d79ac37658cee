"""A quick answer in SQL for the many members of whom it is plain that they go out. For all others ask the rules."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Select, String, and_, cast, false, func, true

from ...domain.eligibility import Eligibility
from ...domain.jurisdictions import ALBERTA, SENT

# Each ends with a full stop that is put after the text: `$` alone also fits before a line break.
_PHN: Final = "^[0-9]{9}[.]$"
_DAY: Final = (  # of the calendar; 29 February and centuries long ago are for the rules
    "^(19|20)[0-9]{2}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)[.]$"
)
_MOST_SHARED: Final = 1000  # that are handed to the database one by one


def plainly_sent(everyone: Select[Any], rules: Eligibility) -> ColumnElement[bool]:
    """Of whom SQL alone can tell that the rules give no reason to leave them out; NULL or false for all others.

    It may doubt somebody who goes out, such as one whose family name is written without capital and small letters. It
    never takes somebody for sent who is not. `everyone` is that of roll.members at the moment of the rules.
    """
    shown = everyone.selected_columns
    # Databases work out a column anew each time that it is named: each stands here once or twice, cheap ones first.
    return and_(
        shown.status == rules.active_status,
        shown.confirmed_on.is_not(None),
        shown.gender.in_(("F", "M", "X", "U")),
        _has_letter(shown.family_name),
        _has_letter(shown.given_name) if rules.given_name_required else true(),
        func.coalesce(shown.phn_jurisdiction, ALBERTA).in_(SENT),
        shown.phn.concat(".").regexp_match(_PHN),
        shown.phn.not_in(rules.shared_phns) if len(rules.shared_phns) <= _MOST_SHARED else false(),
        shown.birth_date.concat(".").regexp_match(_DAY),
        # A visit is never in the future: who was born before it was not born after today.
        cast(shown.last_visit_on, String(10)) >= shown.birth_date,
    )


def _has_letter(name: ColumnElement[str]) -> ColumnElement[bool]:
    return func.upper(name) != func.lower(name)
