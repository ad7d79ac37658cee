"""A server with a certificate: that of a client which publishes its keys, or of whatever else we connect to."""

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Publisher:
    """It publishes `body`, or whatever else a test makes it answer, to every GET; `asked` counts those."""

    def __init__(self, certificate: str, key: str) -> None:
        self.body, self.status, self.headers, self.asked = b"", 200, {}, 0
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                publisher.asked += 1
                self.send_response(publisher.status)
                for name, value in publisher.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(publisher.body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    headers: dict[str, str]

    @property
    def address(self) -> str:
        return f"https://127.0.0.1:{self._server.server_port}/jwks.json"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
