"""Structure, cardinalities and formats of a submission, checked by the models of fhir.resources (R4B)."""

from fhir.resources.R4B.bundle import Bundle
from pydantic import ValidationError

from .elements import Issue


def faults(body: bytes) -> list[Issue]:
    """Every fault that the models find in a Bundle. What they accept and R4 does not is found by `elements.walk`."""
    try:
        Bundle.model_validate_json(body)
    except ValidationError as error:
        return [
            Issue("structure", _expression(fault["loc"]), fault["msg"]) for fault in error.errors(include_url=False)
        ]
    except (KeyError, TypeError):  # fhir.resources 8.3.0 looks up the model of a nested resource without a check
        return [Issue("structure", "Bundle", "a resource in it has a resourceType that FHIR does not have")]
    return []


def _expression(location: tuple[int | str, ...]) -> str:
    """FHIRPath of pydantic's location, in which `root` is the element itself."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in location if step != "root")
    return "Bundle" + "".join(steps)
