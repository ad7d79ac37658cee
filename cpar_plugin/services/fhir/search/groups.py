"""Searching Groups in the database: what each search parameter asks of the rows of `GroupSource`."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, false, literal, true

from ....fhir_mappings.panel_group import ATTRIBUTED_TO, CHARACTERISTICS
from ....hooks import Host
from ....settings import Settings
from ....store import tables
from ....store.folding import folded, text_fits
from ...clients.caller import Caller
from ..access import may_read
from ..practitioner_roles import role_ids_of_panels
from ..sources import Source
from .request import Criterion
from .values import Reference, Token, is_number

_GROUP_TYPES = "http://hl7.org/fhir/group-type"


class GroupSearch:
    """Conditions and orders over the columns of panels."""

    def __init__(self, connection: Connection, host: Host, settings: Settings, caller: Caller, source: Source) -> None:
        self._connection = connection
        self._host = host
        self._settings = settings
        self._caller = caller
        self._source = source
        self._number: ColumnElement[str] = source.columns["number"]

    def sorted_by(self, name: str) -> ColumnElement[Any]:
        """What `_sort` by this name orders by; never NULL."""
        return folded(self._number)  # of identifier and of name alike

    def present(self, name: str) -> ColumnElement[bool]:
        """Whether a Group has the element at all."""
        match name:
            case "member":
                return self._has_member(true())
            case "value":
                return false()
            case "characteristic" | "characteristic-reference" | "exclude":
                return self._source.key.in_(role_ids_of_panels(self._connection))
        return true()

    def condition(self, criterion: Criterion, value: Any) -> ColumnElement[bool]:
        """Whether a Group fits one value of a parameter."""
        name = criterion.parameter.name
        if name == "name":
            title = literal("CPAR panel ").concat(self._number)
            return text_fits(title, criterion.modifier, value)
        return self._by_reference(name, value) if isinstance(value, Reference) else self._by_token(name, value)

    def _by_token(self, name: str, value: Token) -> ColumnElement[bool]:
        if name == "identifier":
            if value.system not in (None, self._settings.uri_panel_number):
                return false()
            return true() if value.code is None else self._number == value.code
        if name in ("characteristic", "exclude"):
            fixed = (CHARACTERISTICS, ATTRIBUTED_TO) if name == "characteristic" else (None, "false")
            return self.present(name) if value.matches(*fixed) else false()
        always = {
            "code": (f"{self._settings.uri_codes}/group", "cpar-panel"),
            "type": (_GROUP_TYPES, "person"),
            "actual": (None, "true"),
        }
        return true() if name in always and value.matches(*always[name]) else false()

    def _by_reference(self, name: str, value: Reference) -> ColumnElement[bool]:
        if name == "managing-entity":
            return true() if value.matches("Organization", "clinic") else false()
        if name == "characteristic-reference":
            roles = role_ids_of_panels(self._connection)
            fit = (key for key, ids in roles.items() if any(value.matches("PractitionerRole", one) for one in ids))
            return self._source.key.in_(list(fit))
        key = value.key or ""
        known = value.kind in (None, "Patient") and key and is_number(key)
        return self._has_member(tables.member.c.patient_id == int(key)) if known else false()

    def _has_member(self, wanted: ColumnElement[bool]) -> ColumnElement[bool]:
        """Only members whom the caller may read: the answer shall not tell of others."""
        member = tables.member.c
        readable = may_read(self._host, self._caller, member.patient_id)
        return exists().where(member.panel_id == self._source.key, wanted, readable)
