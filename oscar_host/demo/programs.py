"""Programs of the machine that the demo starts."""

import os
import shutil

PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/bin"])  # servers are not on everybody's


def program(name: str, package: str, error: type[Exception]) -> str:
    """The path of a program. Raises `error`, whose message says how to install it."""
    path = shutil.which(name, path=PATH)
    if path is None:
        raise error(f"{name} is not installed. Install it with: apt-get install {package}")
    return path
