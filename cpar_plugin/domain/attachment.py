"""Whose patient someone is: the lists of patients for whom the EMR, the panels, and the visits say different things."""

from enum import StrEnum
from typing import Final

from .exhaustive import exhaustive

UNSEEN_YEARS: Final = 3  # as clinics are asked for


class AttachmentList(StrEnum):
    """Which patients are listed: active ones, whose status does not exclude them already."""

    NO_PANEL = "no-panel"
    MRP_DIFFERS = "mrp"  # is a provider of another panel, or of none
    FOUR_CUT_DIFFERS = "four-cut"  # proposes a provider who is none of the panel's
    NOT_SEEN = "not-seen"  # on a panel, without a visit for UNSEEN_YEARS


LIST_LABELS: Final = exhaustive(
    __name__,
    AttachmentList,
    {
        AttachmentList.NO_PANEL: "On no panel",
        AttachmentList.MRP_DIFFERS: "MRP and panel differ",
        AttachmentList.FOUR_CUT_DIFFERS: "The four-cut proposes another provider",
        AttachmentList.NOT_SEEN: "Not seen for three years",
    },
)


class AttachmentTarget(StrEnum):
    """Whose panel patients are put on."""

    FOUR_CUT = "four-cut"
    MRP = "mrp"


TARGET_LABELS: Final = exhaustive(
    __name__,
    AttachmentTarget,
    {
        AttachmentTarget.FOUR_CUT: "the provider that the four-cut proposes",
        AttachmentTarget.MRP: "their MRP",
    },
)
