"""How submissions leave, where the settings may not allow any way."""

from ...domain.refusals import Refused
from ...settings import Settings
from ...transport import DeliveryResult, Envelope, Transport, for_settings, not_sent


class _NoWayOut:
    """Replaces a transport that the settings do not allow: the panels wait, and say why."""

    def __init__(self, reason: str) -> None:
        self._why = reason

    def send(self, envelope: Envelope) -> DeliveryResult:
        """Nothing is sent."""
        return not_sent(self._why)


def way_out(settings: Settings) -> Transport:
    """The transport that the settings name, or one that says why there is none."""
    try:
        return for_settings(settings)
    except Refused as refused:
        return _NoWayOut(str(refused))
