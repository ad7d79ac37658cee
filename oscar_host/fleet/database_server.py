"""Which clinics wait for the same database server."""

from sqlalchemy import make_url

from .clinic import FleetClinic


def server_of(clinic: FleetClinic) -> str:
    """The server of its database by its address, or the file. Raises sqlalchemy.exc.ArgumentError for no URL."""
    url = make_url(clinic.settings["database_url"])
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return f"{url.query.get('unix_socket') or ''} {url.host} {url.port}"
