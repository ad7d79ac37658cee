"""Where the patients of an OSCAR-family EMR live, as SQL: the port `Homes`."""

from collections.abc import Callable

from sqlalchemy import ColumnElement, FromClause, String, case, func, literal, null, select

from cpar_plugin.host_kit.sql import constant, filled

from .present import Present
from .schema import Tables

_NOTHING, _SPACE, _LINE = constant(""), constant(" "), literal("\n")


class OscarHomes:
    """The addresses of one OSCAR database."""

    def __init__(self, tables: Tables, tables_present: Callable[[], Present]) -> None:
        self._tables = tables
        self._tables_present = tables_present

    def address(self, patient_id: ColumnElement[int]) -> ColumnElement[str]:
        """Street, city and province, postal code, each on a line. NULL where no street was entered."""
        home = self._tables.demographic.alias("home")
        street, city, province, postal = (self._text(home, name) for name in ("address", "city", "province", "postal"))
        place = func.trim(city.concat(_SPACE).concat(province))
        lines = street.concat(_below(place)).concat(_below(postal))
        known = case((street != _NOTHING, lines), else_=null())
        query = select(func.coalesce(known, null(), type_=String())).where(home.c.demographic_no == patient_id)
        return query.correlate_except(home).scalar_subquery()

    def _text(self, home: FromClause, name: str) -> ColumnElement[str]:
        """Without blanks around it, empty for none: forks lack some of the columns."""
        if not self._tables_present().has_column(self._tables.demographic.c[name]):
            return _NOTHING
        return func.coalesce(filled(home.c[name]), _NOTHING)


def _below(text: ColumnElement[str]) -> ColumnElement[str]:
    return case((text == _NOTHING, _NOTHING), else_=_LINE.concat(text))
