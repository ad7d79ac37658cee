"""Back to the page of the host that a form of the widget stood on: Master Record, Details, or whatever a host has."""

from urllib.parse import urlsplit

from flask import request

from ..hooks import Host

FIELD = "return_to"


def return_to() -> str:
    """The address of the host's page around the widget, '' where it is not known.

    While the host renders that page, its own; afterwards what the form carries along, if it is an address of this
    site: a foreign one would send people elsewhere with our word.
    """
    if request.blueprint == "cpar":
        path = request.form.get(FIELD, "")
        on_this_site = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
        return path if on_this_site else ""
    if request.method != "GET" or "HX-Request" in request.headers:
        return ""  # a script asks, and puts the answer into a page of its own
    address = urlsplit(request.url)
    return f"{address.path}?{address.query}" if address.query else address.path


def patient_page(host: Host, patient_id: int) -> str:
    """Where to go after a change: the page the user came from, else the host's page of the patient."""
    return return_to() or host.pages.patient_href(patient_id)
