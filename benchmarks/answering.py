"""A registry in a process of its own that reads what is sent, and accepts every entry."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from multiprocessing.connection import Connection
from time import sleep

_FULL_URL = b'"fullUrl":'
_ACCEPTED = b'{"response":{"status":"200"}}'


@contextmanager
def answering_registry(delay: float) -> Iterator[str]:
    """The address of one that reads each submission, and accepts every entry after so many seconds."""
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_answering, args=(theirs, delay), daemon=True)
    process.start()
    yield f"http://127.0.0.1:{ours.recv()}"
    process.terminate()
    process.join()


def _answering(says: Connection, delay: float) -> None:
    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sleep(delay)
            entries = b",".join([_ACCEPTED] * body.count(_FULL_URL))
            answer = b'{"resourceType":"Bundle","type":"transaction-response","entry":[' + entries + b"]}"
            self.send_response(200)
            self.send_header("Content-Type", "application/fhir+json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        says.send(server.server_port)
        server.serve_forever()
