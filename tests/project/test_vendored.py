"""What others have written and we hand on is exactly theirs."""

import hashlib
import re
from pathlib import Path

STATIC = Path(__file__).parents[2] / "cpar_plugin/static"


def test_htmx_is_the_released_file_and_its_version_and_licence_are_next_to_it() -> None:
    script = (STATIC / "htmx.esm.js").read_bytes()
    record = (STATIC / "htmx.txt").read_text(encoding="utf-8")
    facts = dict(re.findall(r"^(Version|SHA-256): (\S+)$", record, re.MULTILINE))
    assert hashlib.sha256(script).hexdigest() == facts["SHA-256"]
    assert f"version: '{facts['Version']}'".encode() in script
    assert "Zero-Clause BSD" in record
