"""Through nginx and gunicorn, as installed: whoever sends half a request, or does not read, holds up nobody else."""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import requests

from .bed import Bed
from .installed import MANAGER
from .test_oscar import session

HALF_OPEN, NOT_READING = 300, 10
LET_GO = 60  # s: after that nginx lets go of half a request by itself


@contextmanager
def connected(bed: Bed, sent: bytes) -> Iterator[socket.socket]:
    """A connection on which so much has been sent, and nothing is read."""
    context = ssl.create_default_context(cafile=bed.authority)
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.settimeout(LET_GO)
        plain.connect(("127.0.0.1", bed.oscar.site_port))
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as secured:
            secured.sendall(sent)
            yield secured


@pytest.mark.usefixtures("two_panels")
def test_pages_answer_next_to_half_requests_and_browsers_that_do_not_read(bed: Bed) -> None:
    cookie = session(bed.oscar.url, MANAGER)
    head = f"/oscar/cpar/panels HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie['Cookie']}\r\n".encode()
    half = [
        b"GET " + head,
        b"POST " + head + b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9999\r\n\r\nnumber=",
    ]

    def page() -> requests.Response:
        return requests.get(f"{bed.site}/oscar/cpar/panels", headers=cookie, verify=bed.authority, timeout=2 * LET_GO)

    assert "0042" in page().text
    with ExitStack() as stack:
        for _ in range(NOT_READING):
            # Far more than what lies between a server and a browser takes up.
            stack.enter_context(connected(bed, (b"GET " + head + b"\r\n") * 100))
        slow = [stack.enter_context(connected(bed, half[number % 2])) for number in range(HALF_OPEN)]
        began = time.monotonic()
        for _ in range(10):
            assert "0042" in page().text
        assert time.monotonic() - began < LET_GO
        for one in slow:
            one.settimeout(0)
            with pytest.raises(ssl.SSLWantReadError):  # nobody has been answered or sent away
                one.recv(1)
