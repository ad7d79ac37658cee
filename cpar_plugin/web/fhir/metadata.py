"""What the interface is: the CapabilityStatement, open to everyone."""

from datetime import datetime
from functools import cache
from importlib import metadata as packages

from flask import Response, request

from ...domain.scopes import KINDS
from ...fhir_mappings.capability import capability
from ...services.fhir.definitions import Definitions
from ...services.fhir.search.table import SEARCHABLE
from .addresses import base_url
from .callers import Callers
from .negotiation import FORMATS, content_type, parameters
from .refusals import refused
from .routes import json_answer, wrong_method


def metadata(callers: Callers, definitions: Definitions, since: datetime) -> Response:
    """The CapabilityStatement. It says nothing of the clinic beyond its address: no one has to be known to read it.

    `since`: when this server began.
    """
    try:
        if request.method not in ("GET", "HEAD"):
            raise wrong_method("GET", "HEAD")
        statement = capability(
            callers.settings,
            SEARCHABLE,
            base=base_url(callers.settings),
            version=version(),
            since=since,
            formats=FORMATS,
            definitions=definitions.kinds,
            exported=KINDS,
        )
        return json_answer(statement, content_type(parameters()))
    except Exception as error:
        return refused(error)


@cache
def version() -> str:
    """The version of this plugin."""
    return packages.version("oscar-cpar-plugin")
