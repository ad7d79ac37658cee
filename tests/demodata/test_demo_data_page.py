"""The page about the demo data tells what is really invented."""

import re
from pathlib import Path

from oscar_host.demo.data import mess
from oscar_host.demo.data.staff import SIGN_INS

PAGE = (Path(__file__).parents[2] / "docs/reference/demo-data.md").read_text(encoding="utf-8")


def test_the_page_lists_every_kind_of_mess_with_its_share() -> None:
    shares = {**mess.RECORD_STATUS, **mess.IDENTITY, **mess.ATTENDANCE}
    listed = {kind: int(share) for kind, share in re.findall(r"^\| ([^|`]+) \| (\d+) \|$", PAGE, re.MULTILINE)}
    assert listed == {str(kind): share for kind, share in shares.items()}
    assert set(shares) == {*mess.RecordFlaw, *mess.IdentityFlaw, *mess.AttendanceFlaw}


def test_the_page_names_everyone_who_can_sign_in() -> None:
    assert all(f"`{person.user_name}`" in PAGE for person in SIGN_INS)
