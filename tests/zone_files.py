"""Folders of time zone files with rules of our own choice, as an operating system has them."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

OLD = "MST7MDT,M3.2.0,M11.1.0"  # Alberta until 2026, with a clock change twice a year
NEW = "<-06>6"  # all year


def _zone_file(rule: str) -> bytes:
    """A file of RFC 8536 without a single transition: only the rule at its end counts."""
    header = b"TZif2" + bytes(15) + struct.pack(">6l", 0, 0, 0, 0, 1, 4)
    body = struct.pack(">lbb", -6 * 3600, 0, 0) + b"-06\0"
    return header + body + header + body + f"\n{rule}\n".encode()


ZoneFiles = Callable[..., Path]


@pytest.fixture
def zone_files(tmp_path: Path) -> ZoneFiles:
    """Write a folder of zone files in which Alberta has this rule; `version` None: it does not say how old it is."""

    def write(rule: str, version: str | None) -> Path:
        folder = tmp_path / f"zones-{version}-{len(rule)}"
        (folder / "America").mkdir(parents=True)
        (folder / "America" / "Edmonton").write_bytes(_zone_file(rule))
        if version:
            (folder / "tzdata.zi").write_text(f"# version {version}\n")
        return folder

    return write
