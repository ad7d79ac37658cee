"""The kinds of panels. The registry knows one of them; the others are lists of the clinic's own, never submitted."""

from enum import StrEnum
from typing import Final, Literal, assert_never, get_args

from .refusals import Refused


class PanelKind(StrEnum):
    """What a panel is for. A patient is on at most one panel of each kind.

    `PanelKind.CPAR` is what everything about the registry calls a panel, and has tables of its own: what is submitted
    cannot read the other kinds.
    """

    CPAR = "cpar"
    AFFILIATION = "affiliation"
    CASELOAD = "caseload"

    @property
    def label(self) -> str:
        """What people read, as a heading."""
        match self:
            case PanelKind.CPAR:
                return "CPAR panel"
            case PanelKind.AFFILIATION:
                return "Blended Capitation affiliation"
            case PanelKind.CASELOAD:
                return "Caseload"
            case _:
                assert_never(self)

    @property
    def noun(self) -> str:
        """The same within a sentence, and short."""
        match self:
            case PanelKind.CPAR:
                return "panel"
            case PanelKind.AFFILIATION:
                return "affiliation"
            case PanelKind.CASELOAD:
                return "caseload"
            case _:
                assert_never(self)

    @property
    def is_submitted(self) -> bool:
        """Whether it is reported to the registry."""
        match self:
            case PanelKind.CPAR:
                return True
            case PanelKind.AFFILIATION | PanelKind.CASELOAD:
                return False
            case _:
                assert_never(self)

    @property
    def is_signed(self) -> bool:
        """Whether patients sign a form to be on it, of which the date is kept."""
        match self:
            case PanelKind.AFFILIATION:
                return True
            case PanelKind.CPAR | PanelKind.CASELOAD:
                return False
            case _:
                assert_never(self)


OtherKind = Literal[PanelKind.AFFILIATION, PanelKind.CASELOAD]
OTHER_KINDS: Final[dict[PanelKind, OtherKind]] = {kind: kind for kind in get_args(OtherKind)}

if {PanelKind.CPAR, *OTHER_KINDS} != set(PanelKind):
    raise RuntimeError("A kind of panel is missing in OtherKind: add it in cpar_plugin/domain/panel_kind.py.")


def other_kind_of(text: str) -> OtherKind:
    """The kind that a form or an address names. Raises Refused (`kind`)."""
    for kind in OTHER_KINDS.values():
        if kind == text:
            return kind
    raise Refused({"kind": "Select the kind from the list."})
