"""A record that the host has merged into another: what people read instead of its panel, wherever it is listed."""

from typing import Final

ON_KEPT_RECORD: Final = "This patient's panel is shown on that record."


def merged_title(kept_id: int) -> str:
    """Which record was kept."""
    return f"Merged into {kept_id}"


def merged_text(kept_id: int) -> str:
    """The same for a file, where there is no link."""
    return f"{merged_title(kept_id)}. {ON_KEPT_RECORD}"
