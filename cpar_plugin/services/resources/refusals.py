"""How the FHIR interface says that something is no longer there."""

from ...domain.refusals import NotFound


class Gone(NotFound):
    """It was there, and is no longer."""
