"""The page about the checks names each of them, and no other."""

import re
from pathlib import Path
from typing import Any

from .conftest import Doctor

PAGE = (Path(__file__).parents[2] / "docs/reference/doctor.md").read_text(encoding="utf-8")


def test_the_page_says_of_every_check_what_it_says_and_what_to_do(doctor: Doctor, oscar: Any) -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+?) \| (.+) \|$", PAGE, re.MULTILINE)
    report = doctor()
    assert sorted(name for name, _, _ in rows) == sorted([*report.checks, *report.not_checked])
