"""A machine with a network of its own: a namespace, and a cable to each server, that can be unplugged."""

import ctypes
import os
import shutil
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import randbelow

from ...way import Connect, Way

_LIBRARY = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000  # <sched.h>; Python has os.setns from 3.12


def _enter(namespace: int) -> None:
    """This thread alone."""
    if _LIBRARY.setns(namespace, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def _listening_in(namespace: Path, port: int) -> socket.socket:
    """On the loopback of that namespace; it is accepted here."""
    with Path("/proc/thread-self/ns/net").open() as here, namespace.open() as there:
        _enter(there.fileno())
        try:
            return socket.create_server(("127.0.0.1", port))
        finally:
            _enter(here.fileno())


class Cable:
    """From a machine to one server, which answers there at `host` and `port`."""

    def __init__(self, namespace: str, connect: Connect) -> None:
        self._link = f"cpar{uuid.uuid4().hex[:8]}"
        network = f"198.18.{randbelow(256)}"  # RFC 2544: for tests alone
        last = 4 * randbelow(63)
        self.host = f"{network}.{last + 1}"
        _ip("link", "add", self._link, "type", "veth", "peer", "name", f"{self._link}m", "netns", namespace)
        _ip("address", "add", f"{self.host}/30", "dev", self._link)
        _ip("link", "set", self._link, "up")
        _ip("-n", namespace, "address", "add", f"{network}.{last + 2}/30", "dev", f"{self._link}m")
        _ip("-n", namespace, "link", "set", f"{self._link}m", "up")
        self._way = Way(connect, socket.create_server((self.host, 0)))
        self.port = self._way.port

    def unplug(self) -> None:
        """Everything sent is lost, and no end of a connection learns of it."""
        _ip("link", "set", self._link, "down")

    def restore(self) -> None:
        """It is plugged in again."""
        _ip("link", "set", self._link, "up")

    def close(self) -> None:
        self._way.close()
        _ip("link", "delete", self._link)


class Network:
    """A namespace; programs run in it after the words `prefix`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.prefix = ["ip", "netns", "exec", name]
        self._opened: list[Cable | Way] = []

    def cable(self, connect: Connect) -> Cable:
        """A cable to this server."""
        cable = Cable(self._name, connect)
        self._opened.append(cable)
        return cable

    def give_loopback(self, port: int) -> None:
        """What listens on this port of the loopback here answers on the same one there, whatever is unplugged."""
        listening = _listening_in(Path("/run/netns", self._name), port)
        self._opened.append(Way(lambda: socket.create_connection(("127.0.0.1", port)), listening))

    def reaches(self, cable: Cable) -> bool:
        """Whether a program in it gets a connection by this cable."""
        connect = f"import socket; socket.create_connection(({cable.host!r}, {cable.port}), timeout=2)"
        result = subprocess.run([*self.prefix, sys.executable, "-c", connect], capture_output=True)
        return result.returncode == 0

    def close(self) -> None:
        """Take down what was opened."""
        for opened in self._opened:
            opened.close()


def are_allowed() -> bool:
    """Whether namespaces and links between them can be made here."""
    if os.geteuid() or not shutil.which("ip"):
        return False
    link = f"cpar{uuid.uuid4().hex[:8]}"
    made = subprocess.run(["ip", "link", "add", link, "type", "veth"], capture_output=True)
    if made.returncode == 0:
        _ip("link", "delete", link)
    return made.returncode == 0


@contextmanager
def network() -> Iterator[Network]:
    """A namespace for as long as the block lasts; end its programs before."""
    name = f"cpar-{uuid.uuid4().hex[:8]}"
    _ip("netns", "add", name)
    _ip("-n", name, "link", "set", "lo", "up")
    opened = Network(name)
    try:
        yield opened
    finally:
        opened.close()
        _ip("netns", "delete", name)
