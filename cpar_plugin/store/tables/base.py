"""What all tables share."""

from typing import Any

from sqlalchemy import MetaData

# Every constraint has a name, so that a later migration can change it on any database.
metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "fk": "%(table_name)s_%(column_0_name)s_fk",
        "uq": "%(table_name)s_%(column_0_name)s_uq",
    }
)

# Whatever the server's default engine and collation: transactions and locks need this engine.
INNODB: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_default_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}
