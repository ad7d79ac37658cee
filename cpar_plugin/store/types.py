"""Column types that mean the same on every database."""

from datetime import UTC, datetime

from sqlalchemy import BigInteger, DateTime, Integer, LargeBinary, String, Text
from sqlalchemy.dialects.mysql import DATETIME, LONGBLOB, LONGTEXT, VARBINARY, VARCHAR
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

LAST_KEY = 2**63 - 1
_MOST_DIGITS = len(str(LAST_KEY))


class _Keys:
    """Answers for anything at once. A range would look for what is no number, such as None, among all of its own."""

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int) and 1 <= value <= LAST_KEY


# Which numbers can be keys of rows; others, as a hostile address may hold, are not even asked for.
KEYS = _Keys()


def key_of(text: str) -> int | None:
    """The key that a text means; None for what can be none: a key is written in one way only."""
    digits = text.isascii() and text.isdigit() and text[0] != "0" and len(text) <= _MOST_DIGITS
    return int(text) if digits and int(text) in KEYS else None


class Moment(TypeDecorator[datetime]):
    """An aware moment, kept in UTC with microseconds. Raises ValueError for a naive one."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime]:
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


def serial() -> BigInteger:
    """A 64-bit key; on SQLite the type that makes it the row's own number."""
    return BigInteger().with_variant(Integer(), "sqlite")


def exact(length: int) -> String:
    """A text that is compared letter by letter, whatever the server's default collation."""
    return String(length).with_variant(VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")


def long_text() -> Text:
    """A text of any length."""
    return Text().with_variant(LONGTEXT(charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")


def piece() -> LargeBinary:
    """Bytes, in a column that does not cut them at 64 KiB."""
    return LargeBinary().with_variant(LONGBLOB(), "mysql", "mariadb")


def digest() -> LargeBinary:
    """A hash of at most sixteen bytes."""
    return LargeBinary(16).with_variant(VARBINARY(16), "mysql", "mariadb")
