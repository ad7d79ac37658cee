"""A stand-in for OSCAR's REST interface: a real server that answers as OSCAR does, or as badly as a test wants."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

ME = "/oscar/ws/rs/providerService/provider/me"
RIGHTS = "/oscar/ws/rs/persona/rights"
HAS_RIGHT = "/oscar/ws/rs/persona/hasRight"
ROLES = "/oscar/ws/rs/providerService/self/security/roles"
RECORD = "/oscar/demographic/demographiccontrol.jsp"
LOGIN_PAGE = "<!doctype html><title>OSCAR</title><form action='login.do'><input name='username'></form>"


class Question(NamedTuple):
    """One question that has arrived; the names of its headers in small letters."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


class Answer(NamedTuple):
    """What is sent back. A body that is no text becomes JSON."""

    status: int
    body: Any = ""
    headers: Mapping[str, str] = MappingProxyType({})


@dataclass
class StandIn:
    """An OSCAR: `sessions` holds the provider's id by the value of the cookie, `answers` what a path answers with.

    An answer is called with the question and the provider's id, within a thread of its own for each question.
    `signed_out` is what everybody else gets.
    """

    url: str = ""
    sessions: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Callable[[Question, str], Answer]] = field(default_factory=dict)
    signed_out: Answer = field(default_factory=lambda: Answer(401, "Unauthorized"))
    asked: list[Question] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.answers[RECORD] = lambda *_: Answer(200)
        self.answers[ME] = lambda _, provider_id: Answer(
            200,
            {"providerNo": provider_id, "firstName": "Ada", "lastName": "Example", "status": "1"},
            {"Set-Cookie": "JSESSIONID=another-one; Path=/oscar; HttpOnly"},
        )

    def answer(self, question: Question) -> Answer:
        self.asked.append(question)
        cookies = dict(part.partition("=")[::2] for part in question.headers.get("cookie", "").split("; "))
        provider_id = self.sessions.get(cookies.get("JSESSIONID", ""))
        if provider_id is None:
            return self.signed_out
        answer = self.answers.get(question.path)
        return answer(question, provider_id) if answer else Answer(404, "no such service")


@contextmanager
def running() -> Iterator[StandIn]:
    """A stand-in that listens at `url`, on a port of its own, until the block ends."""
    oscar = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = oscar.answer(Question(address.path, dict(parse_qsl(address.query)), headers))
            body = (answer.body if isinstance(answer.body, str) else json.dumps(answer.body)).encode()
            try:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)
            except OSError:
                pass  # whoever asked has gone

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    oscar.url = f"http://127.0.0.1:{server.server_port}/oscar"
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield oscar
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
