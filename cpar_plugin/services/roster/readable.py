"""Whether the host's patients and providers can be read."""

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from ...hooks import Host


def reading_error(host: Host) -> str | None:
    """The kind of error with which reading them fails; None when they can be read. Two statements."""
    try:
        with host.database.engine.connect() as connection:
            for source in (host.roster.patients(), host.roster.providers()):
                connection.execute(select(source).limit(1)).all()
    except SQLAlchemyError as error:
        return type(error).__name__
    return None
