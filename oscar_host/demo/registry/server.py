"""The registry's server: one process, a thread for each connection, gone at once when it is killed."""

import socket
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

_IDLE_SECONDS = 120


def tls(certificate: Path, key: Path, client_ca: Path | None) -> ssl.SSLContext:
    """A context for the server; with `client_ca` a client without a certificate of that authority is turned away."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    if client_ca:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def serve(app: Flask, host: str, port: int, context: ssl.SSLContext | None) -> BaseWSGIServer:
    """A server that listens already; `serve_forever` takes it up. Port 0: any free one (`.port`). Raises OSError."""

    class Handler(_Handler):
        tls = context

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # make_server would end the process where the port is taken.
    with socket.create_server((host, port), family=family) as listening:
        return make_server(host, port, app, threaded=True, request_handler=Handler, fd=listening.fileno())


class _Handler(WSGIRequestHandler):
    tls: ssl.SSLContext | None = None
    timeout = _IDLE_SECONDS

    def __init__(self, *arguments: Any) -> None:
        with suppress(OSError):  # of TLS and of the line: the client's affair
            super().__init__(*arguments)

    def setup(self) -> None:
        if self.tls:
            # Here, in the connection's own thread: one client that is slow to shake hands must not stop the others.
            self.request.settimeout(_IDLE_SECONDS)
            self.request = self.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def log(self, type: str, message: str, *args: Any) -> None:
        """Nothing: no address of a request, and no name of a client, gets into a log."""
