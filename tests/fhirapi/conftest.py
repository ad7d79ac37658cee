"""A configured clinic whose panels are read through the FHIR interface."""

from ..fhir.conftest import check_r4  # noqa: F401  fixtures
from ..panels.conftest import clerk, make_panel, placed, site  # noqa: F401
from .clients import app, ec, registered, rsa, served, token  # noqa: F401
from .rest import conflict, panel, people, reader, reader_for, staff  # noqa: F401
