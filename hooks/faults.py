"""What a host may raise when a plugin asks it."""


class HostUnavailable(Exception):
    """What knows who is asking, or what they may do, cannot be asked just now. Later may be better."""


class HostBusy(HostUnavailable):
    """Too much is asked at a time. In a moment there is room again."""
