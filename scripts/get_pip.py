"""Bring pip into the virtual environment that runs this, where Python came without it: fetched, checked, installed."""

import configparser
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

WHEEL = "pip-26.3-py3-none-any.whl"
SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"


def index_url() -> str:
    """The package index that pip itself would use: from the environment, pip's settings, else PyPI."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(["/etc/pip.conf", Path.home() / ".config/pip/pip.conf", os.environ.get("PIP_CONFIG_FILE", "")])
    configured = settings.get("global", "index-url", fallback="https://pypi.org/simple")
    return os.environ.get("PIP_INDEX_URL", configured).rstrip("/")


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=120) as answer:
        return bytes(answer.read())


def wheel() -> bytes:
    page_url = index_url() + "/pip/"
    page = fetch(page_url).decode()
    link = re.search(rf'href="([^"]*{re.escape(WHEEL)})[#"]', page)
    if link is None:
        raise OSError(f"{WHEEL} is not in the package index")
    content = fetch(urllib.parse.urljoin(page_url, link[1]))
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise OSError(f"{WHEEL} is not the file that was expected (wrong SHA-256)")
    return content


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, WHEEL)
        try:
            path.write_bytes(wheel())
        except OSError as error:  # urllib's errors are of this kind
            sys.exit(f"Could not fetch pip: {error}\nInstall it instead: apt-get install python3-venv")
        command = [sys.executable, f"{path}/pip", "install", "--quiet", "--no-index", str(path)]
        sys.exit(subprocess.call(command))


if __name__ == "__main__":
    main()
