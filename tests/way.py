"""A way to a server over a port of its own, that can be cut, held up, and slowed down."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from select import select

from sqlalchemy import URL

Connect = Callable[[], socket.socket]


class Way:
    """Whoever connects to `port` is connected to the server. While the server is away, connections end at once.

    `listening`: where it is entered; a port of the loopback if not given.
    """

    def __init__(self, connect: Connect, listening: socket.socket | None = None) -> None:
        self._connect = connect
        self._listening = listening or socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._open: list[tuple[socket.socket, threading.Thread]] = []
        self._opening = threading.Lock()
        self._is_cut = False
        self._flows = threading.Event()
        self._flows.set()
        self._seconds = 0.0
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                carrying = threading.Thread(target=self._carry, args=(client,))
                with self._opening:
                    carrying.start()
                    self._open.append((client, carrying))

    def _carry(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            self._flows.wait()
            if self._is_cut:
                return
            with self._connect() as server:
                self._carry_both(client, server)

    def _carry_both(self, client: socket.socket, server: socket.socket) -> None:
        other = {client: server, server: client}
        while True:
            for one in select(list(other), [], [])[0]:
                sent = one.recv(65536)
                if one is server and self._seconds:
                    threading.Event().wait(self._seconds)
                self._flows.wait()
                if not sent:
                    return
                other[one].sendall(sent)

    @property
    def connections(self) -> int:
        """How many there have been since it was last cut."""
        return len(self._open)

    def cut(self) -> None:
        """End every connection, and let no other through."""
        self._is_cut = True
        self._flows.set()
        with self._opening:
            opened, self._open = self._open, []
        for client, carrying in opened:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            carrying.join()

    def hold(self) -> None:
        """Let nothing more through, and end nothing: as a server that hangs, or a network that loses everything."""
        self._flows.clear()

    def restore(self, seconds: float = 0.0) -> None:
        """Let connections through again, each answer of the server after so long."""
        self._is_cut = False
        self._seconds = seconds
        self._flows.set()

    def close(self) -> None:
        """For good."""
        self.cut()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listening.close()


@contextmanager
def way(connect: Connect) -> Iterator[Way]:
    """A way for as long as the block lasts."""
    opened = Way(connect)
    try:
        yield opened
    finally:
        opened.close()


def to_database(server: URL) -> Connect:
    """Connects to the server of a URL, over its socket where it has one."""

    def connect() -> socket.socket:
        path = server.query.get("unix_socket")
        if not path:
            return socket.create_connection((server.host, server.port or 3306))
        connected = socket.socket(socket.AF_UNIX)
        connected.connect(str(path))
        return connected

    return connect


def over(url: URL, port: int) -> URL:
    """The same database, by this port."""
    return url.set(host="127.0.0.1", port=port).difference_update_query(["unix_socket"])
