"""A server as unkind as can be: it says the first of something, and then one byte now and then, without an end."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

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
def dripping(first: bytes, certificate: tuple[str, str] | None = None, *, listens: bool = True) -> Iterator[int]:
    """The port of such a server, with TLS where it has a certificate. One that does not listen never reads either."""
    over = threading.Event()
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)

    def drip(connection: socket.socket) -> None:
        try:
            secured = context.wrap_socket(connection, server_side=True) if context else connection
            with secured:
                if listens:
                    secured.recv(100_000)
                    secured.sendall(first)
                until = time.monotonic() + PATIENCE_SECONDS
                while time.monotonic() < until and not over.wait(EVERY_SECONDS):
                    if listens:
                        secured.sendall(b" ")
        except OSError:
            pass  # whoever called has given up

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=drip, args=[connection], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            over.set()
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
