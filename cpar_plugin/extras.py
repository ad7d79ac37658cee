"""Packages that only some commands need: the extras of setup.cfg, such as `demo`."""

import sys
from importlib.metadata import PackageNotFoundError, distribution, requires

_PROJECT = "oscar-cpar-plugin"


def missing(extra: str) -> list[str]:
    """The requirements of an extra that are not installed here, such as `fhir.resources<9,>=8.2`."""
    from packaging.requirements import Requirement  # only where a command asks: cron's does not

    packages = []
    for text in requires(_PROJECT) or ():
        need = Requirement(text)
        if need.marker and need.marker.evaluate({"extra": extra}) and not need.marker.evaluate({"extra": ""}):
            try:
                distribution(need.name)
            except PackageNotFoundError:
                packages.append(f"{need.name}{need.specifier}")
    return packages


def command_for(extra: str) -> str:
    """The command that installs an extra for the Python that runs this."""
    return f"{sys.executable} -m pip install '{_PROJECT}[{extra}]'"
