"""A deadline by the clock for a whole call to another machine: looking up its name, connecting, TLS, and every byte.

The time-outs of urllib3, http.client and smtplib are for one operation on the socket: a peer that sends slowly
holds its caller forever. Here a call is inside a `with within(seconds)` block, and each operation gets what is left.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
Address = tuple[Any, ...]

_OVER: Final = 0.001  # seconds; less is no time to wait in
_end: ContextVar[float] = ContextVar("deadline")


class DeadlineError(TimeoutError):
    """The call took longer than it may."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Every wait of this thread for another machine, in this block, ends in so many seconds. The inner of two may be
    shorter, never longer.
    """
    end = time.monotonic() + seconds
    before = _end.set(min(end, _end.get(end)))
    try:
        yield
    finally:
        _end.reset(before)


def seconds_left() -> float:
    """How many seconds are left. Raises DeadlineError when none are, RuntimeError for a call that has no deadline."""
    end = _end.get(None)
    if end is None:
        raise RuntimeError("A call to another machine stands in a block `with within(seconds)`.")
    seconds = end - time.monotonic()
    if seconds < _OVER:
        raise DeadlineError("The call took longer than it may.")
    return seconds


def addresses(host: str, port: int) -> list[tuple[int, Address]]:
    """The family and address of each place that the name resolves to. Raises OSError, DeadlineError included."""
    try:
        entries = aside(socket.getaddrinfo, host.strip("[]"), port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "this can be no name") from None
    return [(family, address) for family, *_, address in entries]


def connected(host: str, port: int, patience: float | None = None) -> socket.socket:
    """A connection whose every operation ends with the deadline, and after `patience` seconds without a sign of life.

    Raises OSError, DeadlineError included.
    """
    failure: OSError = socket.gaierror(socket.EAI_NONAME, "the name stands for no address")
    for family, address in addresses(host, port):
        sock = _Limited(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(patience)
            sock.connect(address)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


def aside(work: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """What cannot be given a time-out (names), in a thread of its own, which is left behind when time is over.

    Raises what `work` raises, and DeadlineError.
    """
    result: Future[T] = Future()

    def run() -> None:
        try:
            result.set_result(work(*arguments, **options))
        except Exception as error:
            result.set_exception(error)

    threading.Thread(target=run, name="cpar-name-look-up", daemon=True).start()
    try:
        return result.result(seconds_left())
    except TimeoutError:
        seconds_left()
        raise


class _Limited(socket.socket):
    _patience: float | None = None

    def settimeout(self, value: float | None) -> None:
        self._patience = value
        super().settimeout(value)

    def connect(self, *arguments: Any) -> None:
        self._in_time(super().connect, *arguments)

    def recv(self, *arguments: Any) -> bytes:
        return self._in_time(super().recv, *arguments)

    def recv_into(self, *arguments: Any, **options: Any) -> int:
        return self._in_time(super().recv_into, *arguments, **options)

    def send(self, *arguments: Any) -> int:
        return self._in_time(super().send, *arguments)

    def sendall(self, *arguments: Any) -> None:
        self._in_time(super().sendall, *arguments)

    def _in_time(self, operation: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        seconds = seconds_left()
        super().settimeout(seconds if self._patience is None else min(seconds, self._patience))
        try:
            return operation(*arguments, **options)
        except TimeoutError:
            seconds_left()
            raise


class LimitedTLS(_Limited, ssl.SSLSocket):
    """For `SSLContext.sslsocket_class`: secured connections with the deadline, the handshake included."""

    def send(self, *arguments: Any) -> int:
        """Of a connection that has broken, the alert that came before, if one came: SSLError instead of SSLEOFError.

        With TLS 1.3 a server says only after our handshake that it wants another certificate of ours, and hangs up.
        """
        try:
            return super().send(*arguments)
        except ssl.SSLEOFError:
            with suppress(ssl.SSLEOFError, ConnectionError, TimeoutError):
                self.recv(1)
            raise

    def do_handshake(self, block: bool = False) -> None:
        """Within what is left."""
        self._in_time(super().do_handshake, block)
