"""The page about the checks names each of them, and no other."""

import re
from pathlib import Path
from typing import Any

from .conftest import Doctor

PAGE = (Path(__file__).parents[2] / "docs/reference/doctor.md").read_text(encoding="utf-8")


def test_the_page_says_of_every_check_what_it_says_and_what_to_do(doctor: Doctor, oscar: Any) -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+?) \| (.+) \|$", PAGE, re.MULTILINE)
    report = doctor(oscar_url="http://127.0.0.1:9/oscar", secret_key="0123456789abcdef" * 2)
    assert sorted(name for name, _, _ in rows) == sorted([*report.checks, *report.not_checked])
