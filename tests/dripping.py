"""A server as unkind as can be: it says the first of something, and then one byte now and then, without an end."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

EVERY_SECONDS = 0.05
# A caller without a deadline is let go after so long, so that its test fails instead of standing still.
PATIENCE_SECONDS = 60.0
# The beginning of a record of TLS that is 16 kB long.
TLS = b"\x16\x03\x03\x40\x00"
HTTP = {
    "status": b"HTTP/1.1 20",
    "head": b"HTTP/1.1 200 So\r\nX-Slow: ",
    "body": b"HTTP/1.1 200 So\r\nContent-Length: 1000000\r\n\r\n{",
    "body without a length": b"HTTP/1.1 200 So\r\nConnection: close\r\n\r\n{}",
    "body in pieces": b"HTTP/1.1 200 So\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n{",
}


@contextmanager
def dripping(
    first: bytes,
    certificate: tuple[str, str] | None = None,
    *,
    listens: bool = True,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Iterator[int]:
    """The port of such a server, with TLS where it has a certificate. One that does not listen never reads either."""
    over = threading.Event()
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)

    def drip(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) if context else connection as secured:
            if listens:
                secured.recv(100_000)
                secured.sendall(first)
            until = time.monotonic() + patience_seconds
            while time.monotonic() < until and not over.wait(EVERY_SECONDS):
                if listens:
                    secured.sendall(b" ")

    with _serving(drip, over) as port:
        yield port


@contextmanager
def _serving(talk: Callable[[socket.socket], None], over: threading.Event) -> Iterator[int]:
    def one(connection: socket.socket) -> None:
        with connection, suppress(OSError):  # whoever called has given up
            talk(connection)

    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=one, args=[server.accept()[0]], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            over.set()
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


SMTP = ("greeting", "EHLO", "STARTTLS", "TLS", "MAIL", "RCPT", "DATA", "mail", "QUIT")


@contextmanager
def dripping_mail(
    at: str, certificate: tuple[str, str], *, patience_seconds: float = PATIENCE_SECONDS
) -> Iterator[int]:
    """The port of a mail server that does all that is asked, and drips from one place of SMTP on."""
    over = threading.Event()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    def say(connection: socket.socket, place: str, answer: bytes) -> None:
        if place != at:
            connection.sendall(answer)
            return
        if place == "TLS":
            connection.recv(100_000)  # else the caller could take the beginning of TLS for the end of the answer before
        connection.sendall(TLS if place == "TLS" else b"250-")
        until = time.monotonic() + patience_seconds
        while time.monotonic() < until and not over.wait(EVERY_SECONDS):
            connection.sendall(b"-")
        raise ConnectionAbortedError

    def talk(connection: socket.socket) -> None:
        say(connection, "greeting", b"220 mail.example\r\n")
        go_on(connection)

    def go_on(connection: socket.socket) -> None:
        answers = {
            "EHLO": b"250-mail.example\r\n250 STARTTLS\r\n",
            "STARTTLS": b"220 go on\r\n",
            "DATA": b"354 go on\r\n",
        }
        with connection.makefile("rb") as reading:
            while line := reading.readline():
                place = line.split()[0].decode().upper()
                say(connection, place, answers.get(place, b"250 good\r\n"))
                if place == "STARTTLS":
                    say(connection, "TLS", b"")
                    with context.wrap_socket(connection, server_side=True) as secured:
                        go_on(secured)
                    return
                if place == "DATA":
                    while reading.readline() not in (b".\r\n", b""):
                        pass
                    say(connection, "mail", b"250 good\r\n")

    with _serving(talk, over) as port:
        yield port
