"""The web pages (origins, RFC 6454) from which a client's program may call the FHIR interface in a browser."""

import re

from .refusals import Refused

MOST = 10
LONGEST = 1000  # characters of all together
_FIELD = "origins"
_HOST = r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]"
_ORIGIN = re.compile(rf"(https?)://({_HOST})(?::([0-9]{{1,5}}))?")
_THIS_MACHINE = ("localhost", "127.0.0.1", "[::1]")
_USUAL_PORTS = {"https": 443, "http": 80}
_EXAMPLE = "Enter each origin like https://app.example or https://app.example:8443, without a path."


def registered_origins(text: str) -> str:
    """Origins as they were entered, between them spaces or new lines, as a browser sends them; '' for none.

    Raises Refused (`origins`) that says which one is wrong.
    """
    origins = list(dict.fromkeys(_registered(word) for word in text.replace(",", " ").split()))
    if len(origins) > MOST or len(joined := " ".join(origins)) > LONGEST:
        raise Refused({_FIELD: f"Enter at most {MOST} origins with {LONGEST:,} characters together."})
    return joined


def _registered(word: str) -> str:
    match = _ORIGIN.fullmatch(word.lower().removesuffix("/"))
    if not match:
        raise Refused({_FIELD: _EXAMPLE})
    scheme, host, port = match[1], match[2], int(match[3] or 0)
    if scheme == "http" and host not in _THIS_MACHINE:
        raise Refused({_FIELD: "An origin must start with https; http is for this machine (localhost) only."})
    if port > 65535:
        raise Refused({_FIELD: _EXAMPLE})
    return f"{scheme}://{host}" + (f":{port}" if port and port != _USUAL_PORTS[scheme] else "")
