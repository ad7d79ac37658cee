"""Which panels are submitted, as SQL: those that were not deleted and have not ended."""

from typing import Final

from sqlalchemy import ColumnElement

from ...domain.panel_state import NOT_SUBMITTED
from ...store.tables import panel

IS_SUBMITTED: Final[ColumnElement[bool]] = panel.c.deleted_at.is_(None) & panel.c.state.not_in(NOT_SUBMITTED)
