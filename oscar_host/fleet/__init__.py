"""Many clinics in one installation: their pages as gunicorn serves them, and their work.

`gunicorn --config python:oscar_host.fleet.gunicorn_settings 'oscar_host.fleet:app()'`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .application import FleetApplication


def app() -> "FleetApplication":
    """The application of the fleet that CPAR_FLEET names. Raises Refused that says what to set.

    No jobs run in it: `cpar fleet run-due` and the workers do these.
    """
    from .application import FleetApplication  # commands do not need it
    from .clinics import Clinics
    from .settings import from_environment

    return FleetApplication(Clinics(from_environment()))
