"""What a client needs to know to get a token (SMART App Launch, conformance)."""

import orjson
from flask import Response, request

from ...domain.scopes import CONFIRM, EVERY_KIND, KINDS, NAMED_ALONE, SUBSCRIBE
from ...services.clients.keys import ALGORITHMS
from .addresses import token_url
from .callers import Callers
from .routes import METHODS, wrong_method


def smart_configuration(callers: Callers) -> Response:
    """The document of `/.well-known/smart-configuration`, open to everyone: it says nothing of the clinic.

    Where no tokens can be had, because the interface does not know its own address, it does not say that they can.
    Raises Refusal for any other method than GET.
    """
    if request.method not in ("GET", "HEAD"):
        raise wrong_method("GET", "HEAD")
    endpoint = token_url(callers.settings)
    document: dict[str, object] = {
        "grant_types_supported": ["client_credentials"] if endpoint else [],
        "scopes_supported": [
            *(f"system/{kind}.{end}" for kind in (EVERY_KIND, *KINDS, *NAMED_ALONE) for end in ("rs", "read")),
            SUBSCRIBE,
            CONFIRM,
        ],
        "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"] if endpoint else [],
    }
    if endpoint:
        document |= {
            "token_endpoint": endpoint,
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        }
    return Response(orjson.dumps(document), content_type="application/json")


ROUTES = (("/.well-known/smart-configuration", smart_configuration, METHODS),)
