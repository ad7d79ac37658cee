"""Through nginx, as installed: a client keeps its connection, and asks for answers that are compressed."""

import gzip
import http.client
import ssl

import orjson
import pytest

from .bed import Bed


@pytest.mark.usefixtures("two_panels")
def test_a_connection_is_kept_and_announced_for_75_seconds_whatever_the_answer(bed: Bed) -> None:
    context = ssl.create_default_context(cafile=bed.authority)
    connection = http.client.HTTPSConnection("127.0.0.1", bed.oscar.site_port, context=context, timeout=120)
    connection.connect()
    socket = connection.sock
    for path in ("/fhir/metadata", "/oscar/cpar/fhir/metadata", "/fhir/Patient", "/fhir/token", "/oscar/cpar/panels"):
        lengths = []
        for method in ("GET", "HEAD"):
            connection.request(method, path)
            answer = connection.getresponse()
            answer.read()
            assert (answer.headers["Connection"], answer.headers["Keep-Alive"]) == ("keep-alive", "timeout=75"), path
            lengths.append(answer.headers["Content-Length"])
        assert lengths[0] == lengths[1] is not None, path
    connection.request("GET", "/fhir/metadata", headers={"Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    assert answer.headers["Content-Encoding"] == "gzip"
    assert orjson.loads(gzip.decompress(answer.read()))["resourceType"] == "CapabilityStatement"
    connection.request("HEAD", "/fhir/metadata", headers={"Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    answer.read()
    assert (answer.headers["Content-Encoding"], answer.headers["Content-Length"]) == ("gzip", None)
    assert connection.sock is socket  # one connection for all of it
    connection.close()
