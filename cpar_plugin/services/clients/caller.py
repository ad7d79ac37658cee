"""Who uses the FHIR interface, and what they may."""

from dataclasses import dataclass

from ...domain.scopes import EVERY_KIND, NAMED_ALONE, READ, SEARCH, Right, allows
from ...hooks import Actor

EVERYTHING: frozenset[Right] = frozenset(
    (kind, interaction) for kind in (EVERY_KIND, *NAMED_ALONE) for interaction in (READ, SEARCH)
)


@dataclass(frozen=True, slots=True)
class Caller:
    """A registered client, or a person signed in to the EMR.

    A client is the clinic's own decision: it does not depend on which patients a person may see. What a person
    may read is narrowed by `host.identity.visible` for `actor`.
    """

    actor: Actor  # for the audit: a client's id is its own, `client-7`
    client_id: str | None  # None for a person
    scopes: frozenset[Right]  # as granted
    panels: frozenset[int] | None  # None: all of the clinic's panels

    def may(self, resource_type: str, interaction: str) -> bool:
        """Whether an interaction (`read`, `search` or `update`) with a type of resource is allowed."""
        return allows(self.scopes, resource_type, interaction)
