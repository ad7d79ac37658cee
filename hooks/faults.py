"""What a host may raise when a plugin asks it, and how either of them says no to a person."""


class Refused(Exception):
    """An input or a wish that the rules do not allow, or a setting that is wrong. Nothing has been changed.

    `messages` holds one sentence for each field (key "" where no single field is at fault), each of which says what to
    do. They are shown to people as they are and never hold patient data.

    .. versionadded:: 1.0
    """

    def __init__(self, messages: dict[str, str] | str) -> None:
        self.messages = {"": messages} if isinstance(messages, str) else messages
        super().__init__(" ".join(self.messages.values()))


class HostUnavailable(Exception):
    """What knows who is asking, or what they may do, cannot be asked just now. Later may be better.

    .. versionadded:: 1.0
    """


class HostBusy(HostUnavailable):
    """Too much is asked at a time. In a moment there is room again.

    .. versionadded:: 1.0
    """
