"""What the letters of a departure say of each patient's Blended Capitation affiliation."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from ...domain.departure import Split
from ...domain.departure_texts import affiliation_ends, affiliation_moves
from ...domain.names import name_in_sentence
from ...domain.refusals import NotFound
from ...hooks import Host
from ..other_panels import listing
from ..other_panels.listing import OtherPanel
from .steps import Departure


@dataclass(frozen=True, slots=True)
class Affiliations:
    """What a letter says of a patient's affiliation."""

    found: Departure
    live: Mapping[int, OtherPanel]

    def sentence(self, affiliation_id: int | None, panel_id: int | None) -> str:
        """About the one that a patient who goes to this panel is on now; '' where nothing changes."""
        split = self.found.split or Split()
        if affiliation_id in split.ended_lists:
            return affiliation_ends(self.found.leaves_on)
        moved = {target.affiliation_id for target in split.targets}
        if affiliation_id in split.divided_lists:
            affiliation_id = next((one.affiliation_id for one in split.targets if one.panel_id == panel_id), None)
        one = self.live.get(affiliation_id or 0)
        return affiliation_moves(name_in_sentence(one.provider) or one.name) if one and affiliation_id in moved else ""

    def label(self, other_panel_id: int) -> str:
        """What people call one that is divided or ends. Raises NotFound for any other."""
        one, split = self.live.get(other_panel_id), self.found.split or Split()
        if one is None or other_panel_id not in (*split.ended_lists, *split.divided_lists):
            raise NotFound(listing.NO_SUCH_PANEL)
        return f"{one.kind.noun} {one.label}"


def of(connection: Connection, host: Host, found: Departure) -> Affiliations:
    """What letters say of affiliations."""
    return Affiliations(found, {one.other_panel_id: one for one in listing.live(connection, host)})
