"""What the database account may do, as listed by `SHOW GRANTS`: on MariaDB; SQLite has no accounts."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

_GRANT: Final = re.compile(
    r"GRANT (?P<rights>.+?) ON (?P<database>`(?:[^`]|``)*`|\*)\.(?P<table>`(?:[^`]|``)*`|\*) "
    r"TO (?P<grantee>\S+)(?P<more>.*)",
    re.DOTALL,
)
_EVERYTHING: Final = "ALL PRIVILEGES"


@dataclass(frozen=True, slots=True)
class DatabaseGrant:
    """Rights on a server (`*.*`), on databases (a name, perhaps with % and _) or one table, to an account or role."""

    rights: frozenset[str]  # without the columns that some of them may be limited to
    database: str
    table: str
    grantee: str

    @property
    def scope(self) -> str:
        """As a statement has it."""
        return ".".join(part if part == "*" else f"`{part.replace('`', '``')}`" for part in (self.database, self.table))

    def covers(self, database: str) -> bool:
        """Whether it is about this database or something in it."""
        if self.database == "*" or self.table != "*":
            return self.database in ("*", database)
        return re.fullmatch(_as_expression(self.database), database, re.IGNORECASE | re.DOTALL) is not None


def grants(connection: Connection) -> list[DatabaseGrant]:
    """All grants of the current account and of the roles that it has switched on."""
    return list(_read(connection.execute(text("SHOW GRANTS")).scalars()))


def account(connection: Connection) -> str:
    """The account as a statement has it: `'cpar'@'localhost'`."""
    user, _, machine = str(connection.scalar(text("SELECT CURRENT_USER()"))).rpartition("@")
    return f"'{user}'@'{machine}'"


def missing(granted: Iterable[DatabaseGrant], database: str, required: Iterable[str]) -> list[str]:
    """The required rights that no grant gives on the whole database."""
    rights: set[str] = set()
    for grant in granted:
        if grant.table == "*" and grant.covers(database):
            rights |= grant.rights
    return [] if _EVERYTHING in rights else [right for right in required if right not in rights]


def _read(lines: Iterable[str]) -> Iterator[DatabaseGrant]:
    for line in lines:
        match = _GRANT.match(line)
        if match is None:
            continue  # a role, or a right on routines
        rights = {
            re.sub(r"\s*\(.*", "", right, flags=re.DOTALL) for right in re.split(r", (?![^(]*\))", match["rights"])
        }
        if "WITH GRANT OPTION" in match["more"]:
            rights.add("GRANT OPTION")
        yield DatabaseGrant(frozenset(rights), _bare(match["database"]), _bare(match["table"]), match["grantee"])


def _bare(name: str) -> str:
    return name if name == "*" else name[1:-1].replace("``", "`")


def _as_expression(pattern: str) -> str:
    """MariaDB's pattern of names as a regular expression."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    wildcards = {"%": ".*", "_": "."}
    return "".join(wildcards.get(part) or re.escape(part[-1]) for part in parts)
