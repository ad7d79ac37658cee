"""What a provider may do, read from OSCAR's tables with one statement; in a Juno with closed lists, with two."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Row, and_, func, not_, or_, select

from cpar_plugin.host_kit.names import folded
from cpar_plugin.host_kit.schemas import schema_of
from cpar_plugin.host_kit.sql import exactly, letters

from . import juno
from .closed_sets import closed_to
from .present import Present
from .privileges import ADMINISTRATION, OF_ONE_PATIENT, RECORDS, Grant, Grants, Privileges
from .schema import Tables


@dataclass(frozen=True, slots=True)
class Holder:
    """An active provider with a name to show, and what they may do."""

    name: str
    privileges: Privileges
    roles: str = ""  # by name, "" where the tables are those of a newer Juno


def read(
    connection: Connection, tables: Tables, tables_present: Callable[[], Present], provider_id: str, cpar_object: str
) -> Holder | None:
    """The provider; None for one who is gone or shut out.

    Groups are the names of the provider's roles and the provider_id itself, compared letter by letter, blanks at the
    end included. Where the tables are those of a newer Juno, its own rules hold.
    """
    if juno.is_newer(tables_present()):
        return _newer(connection, tables, tables_present(), provider_id, cpar_object)
    provider, right, user_role = tables.provider, tables.object_privilege, tables.user_role
    roles = select(exactly(user_role.c.role_name)).where(letters(user_role.c.provider_no) == provider_id)
    held = (
        select(func.group_concat(user_role.c.role_name))
        .where(letters(user_role.c.provider_no) == provider_id)
        .scalar_subquery()
    )
    group = exactly(right.c.roleUserGroup)
    own = or_(group == exactly(provider.c.provider_no), group.in_(roles))
    query = (
        select(
            provider.c.last_name,
            provider.c.first_name,
            right.c.roleUserGroup,
            right.c.objectName,
            right.c.privilege,
            func.coalesce(right.c.priority, 0),
            held,
        )
        .select_from(provider.outerjoin(right, and_(concerning(right.c.objectName, cpar_object), own)))
        .where(active(tables, provider_id))
    )
    rows = connection.execute(query).all()
    if not rows:
        return None
    grants = tuple(Grant(*row[2:-1]) for row in rows if row[2] is not None)
    return Holder(
        _name(rows, provider_id),
        Grants(grants, closed_to(connection, tables, tables_present(), provider_id)),
        ", ".join(sorted(set((rows[0][-1] or "").split(",")))),
    )


def _newer(
    connection: Connection, tables: Tables, present: Present, provider_id: str, cpar_object: str
) -> Holder | None:
    provider = tables.provider
    schema = schema_of(connection, provider)
    right = juno.rights(schema, present, provider_id, lambda name: concerning(name, cpar_object))
    query = (
        select(provider.c.last_name, provider.c.first_name, right)
        .select_from(provider.outerjoin(right, right.c.held.is_not(None)))
        .where(active(tables, provider_id))
    )
    rows = connection.execute(query).all()
    if not rows:
        return None
    rights = (juno.JunoRight(*row[2:]) for row in rows if row.held is not None)
    return Holder(_name(rows, provider_id), juno.levels(rights, closed_to(connection, tables, present, provider_id)))


def concerning(object_name: ColumnElement[str], cpar_object: str) -> ColumnElement[bool]:
    """The objects that anyone here asks for. SQLite is made to compare their names as MariaDB does by itself."""
    names = [folded(name) for name in (ADMINISTRATION, RECORDS, cpar_object)]
    return or_(
        func.lower(func.rtrim(object_name)).in_(names),
        object_name.startswith(OF_ONE_PATIENT, autoescape=True),
        not_(object_name.startswith("_", autoescape=True)),  # permissions of plugins
    )


def active(tables: Tables, provider_id: str) -> ColumnElement[bool]:
    """Whether a row of `provider` is this one, and not shut out."""
    return and_(tables.provider.c.provider_no == provider_id, not_locked_out(tables))


def not_locked_out(tables: Tables) -> ColumnElement[bool]:
    """Whether a provider may sign in: OSCAR turns away a status of 0 and no other, not even none."""
    return func.coalesce(tables.provider.c.status, "1") != "0"


def _name(rows: Iterable[Row[*tuple[object, ...]]], provider_id: str) -> str:
    first = next(iter(rows))
    names = (" ".join(f"{name or ''}".split()) for name in (first.last_name, first.first_name))
    return ", ".join(filter(None, names)) or provider_id
