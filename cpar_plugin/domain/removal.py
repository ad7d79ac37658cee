"""Why a patient was removed from a panel, as the person who removed them says."""

from enum import StrEnum


class RemovalReason(StrEnum):
    """The value is its code; `RemovalReason.text` is for people, after "Removed from panel ...:"."""

    OTHER_PROVIDER = "other-provider"
    MOVED_AWAY = "moved-away"

    @property
    def text(self) -> str:
        """In words."""
        return {
            RemovalReason.OTHER_PROVIDER: "has another provider",
            RemovalReason.MOVED_AWAY: "moved away",
        }[self]
