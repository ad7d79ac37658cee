"""What an operator may ask: does it work, and if not, how is that mended."""

from ..hooks import Health, HealthCheck, HealthLevel, Host
from ..settings import load
from . import notices


def checks(host: Host) -> list[HealthCheck]:
    """The checks of this plugin."""

    def submissions() -> Health:
        found = notices.status(host, load(host.settings), host.clock.now())
        if found.problems:
            return Health(level=HealthLevel.FAILURE, message=" ".join(found.problems), mend="See Submission History.")
        return Health(level=HealthLevel.OK, message=" ".join(found.facts))

    return [HealthCheck(name="cpar-submissions", run=submissions)]
