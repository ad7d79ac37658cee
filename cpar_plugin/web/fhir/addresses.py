"""The address of the interface, as other systems reach it."""

from ipaddress import ip_address

from flask import request, url_for

from ...settings import Settings


def base_url(settings: Settings) -> str:
    """The setting `fhir_base_url`; without it, what this request was sent to: `http://127.0.0.1:8000/fhir`."""
    return settings.fhir_base_url or own_url()


def own_url() -> str:
    """Where this request was sent to: `https://emr.example/oscar/cpar/fhir`."""
    return url_for("cpar_fhir.token", _external=True).removesuffix("/token")


def token_url(settings: Settings) -> str | None:
    """The address of the token endpoint; None when the interface's own address is not set.

    What a client signs is good for one address. Were that taken from the request, anyone could send here what was
    signed for somewhere else. Only on this machine itself is there no such doubt.
    """
    if settings.fhir_base_url or on_this_machine(request.host):
        return f"{base_url(settings)}/token"
    return None


def on_this_machine(host: str) -> bool:
    """Whether a host, with or without a port, is this machine by name or address."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    try:
        return name == "localhost" or ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
