"""Ports of this machine for programs that are told at which one to listen."""

import secrets
import socket
from contextlib import suppress

# Below those that the system gives to whoever asks for any: no connection and no other server takes one meanwhile.
_PORTS = range(20_000, 32_000)


def free_ports(count: int) -> list[int]:
    """So many different ones of the loopback, at which nothing listens now."""
    results: list[int] = []
    for port in secrets.SystemRandom().sample(_PORTS, len(_PORTS)):
        if len(results) == count:
            break
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            results.append(port)
    return results


def free_port() -> int:
    """One such port."""
    return free_ports(1)[0]
