"""Which clinic an address belongs to."""

from typing import TYPE_CHECKING, Literal

from .clinic import FleetReading

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class Addresses:
    """Those of all clinics of a reading, wrong ones too: a clinic that is wrong is not one that does not exist."""

    def __init__(self, by: Literal["path", "name"], reading: FleetReading) -> None:
        self.reading = reading
        self._by_name = by == "name"
        wrong = {entry.address: entry.name for entry in reading.wrong.values()}
        served = {entry.address: entry.name for entry in reading.clinics.values() if not entry.pages_fault}
        others = {entry.address: entry.name for entry in reading.clinics.values() if entry.pages_fault}
        self._names = wrong | others | served  # of two at one address the one that is served

    def name(self, environ: "WSGIEnvironment") -> str | None:
        """The name of the clinic that a request is for; None for none of the fleet."""
        path: str = environ.get("PATH_INFO", "")
        host: str = environ.get("HTTP_HOST") or environ.get("SERVER_NAME", "")
        before = _without_port(host).lower() if self._by_name else ""
        while path:
            if name := self._names.get(before + path):
                return name
            path = path.rpartition("/")[0]
        return None


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
