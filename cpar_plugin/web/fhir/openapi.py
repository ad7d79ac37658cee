"""The interface as an OpenAPI description, for tools that make clients and tests from it."""

import orjson
from flask import Response, request

from ...domain.export import Dialect
from ...fhir_mappings.openapi import Interface
from ...fhir_mappings.openapi import openapi as described
from ...fhir_mappings.openapi_export import Exporting
from ...services.exports.request import FORMATS as FORMATS_OF_FILES
from ...services.exports.request import MOST_PATIENTS
from ...services.fhir.definitions import Definitions
from ...services.fhir.search.request import LONGEST, MOST_PARAMETERS, MOST_VALUES, TOTALS, Summary
from ...services.fhir.search.table import SEARCHABLE
from .addresses import base_url, token_url
from .callers import Callers
from .metadata import version
from .negotiation import FORMATS
from .reading import OF_PATIENTS
from .routes import METHODS, wrong_method

_LIMITS = f"A search has at most {MOST_PARAMETERS} parameters, {MOST_VALUES} values and {LONGEST} characters in all."


def openapi(callers: Callers) -> Response:
    """The description, open to everyone: it says nothing of the clinic beyond its address.

    Raises Refusal for any other method than GET.
    """
    if request.method not in ("GET", "HEAD"):
        raise wrong_method("GET", "HEAD")
    description = described(
        Interface(
            base=base_url(callers.settings),
            token_url=token_url(callers.settings),
            version=version(),
            formats=FORMATS,
            kinds=SEARCHABLE,
            definitions={
                kind: [one["id"] for one in found] for kind, found in Definitions(callers.settings).by_kind.items()
            },
            summaries=tuple(Summary),
            totals=TOTALS,
            noted=OF_PATIENTS,
            limits=_LIMITS,
            exporting=Exporting(
                FORMATS_OF_FILES, MOST_PATIENTS, posted_only=callers.settings.fhir_bulk_data is Dialect.STU4
            ),
        )
    )
    return Response(orjson.dumps(description), content_type="application/json")


ROUTES = (("/openapi.json", openapi, METHODS),)
