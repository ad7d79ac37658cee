"""How a rule says no."""


class Refused(Exception):
    """An input or a wish that the rules do not allow. Nothing has been changed.

    `messages` holds one sentence for each field (key "" where no single field is at fault), each of which says what to
    do. They are shown to people as they are and never hold patient data.
    """

    def __init__(self, messages: dict[str, str] | str) -> None:
        self.messages = {"": messages} if isinstance(messages, str) else messages
        super().__init__(" ".join(self.messages.values()))


class Stale(Refused):
    """Somebody else has changed the thing meanwhile: look at it as it is now and decide again."""


class NotFound(Refused):
    """There is no such thing, or no longer."""
