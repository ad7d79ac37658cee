"""The forms of a password, against what OSCAR would have written, and the throttle."""

import datetime as dt

import bcrypt
import pytest

from cpar_plugin.host_kit.throttle import Throttle
from oscar_host.passwords import hashed, matches

from ..conftest import ALBERTA

NOW = dt.datetime(2026, 11, 10, 10, tzinfo=ALBERTA)
# SHA-1 of "mac2002", as OSCAR writes it.
SEEDED = "-51-282443-97-5-9410489-60-1021-45-127-12435464-32"


@pytest.mark.parametrize(
    ("entered", "stored", "fits"),
    [
        ("mac2002", SEEDED, True),
        ("mac2003", SEEDED, False),
        ("", SEEDED, False),
        (SEEDED, SEEDED, False),  # whoever has read the table knows no password
        ("clear text", "clear text", True),
        ("clear text", "Clear text", False),
        ("clear\btext", "clear text", False),
        ("x" * 19, "x" * 19, True),
        ("x" * 20, "x" * 20, False),  # as long as that it is a hash
        ("", "", False),
        ("", None, False),
        ("None", None, False),
        ("", "{bcrypt}", False),
        ("{bcrypt}", "{bcrypt}", False),
        ("anything", "{bcrypt}no hash at all", False),
        ("anything", "{noop}anything-and-more", False),
        ("Ærlig 🔑", "Ærlig 🔑", True),
    ],
)
def test_a_password_fits_what_is_kept_of_it(entered: str, stored: str | None, fits: bool) -> None:
    assert matches(entered, stored) is fits


@pytest.mark.parametrize("version", ["2a", "2b", "2y"])
def test_every_version_of_bcrypt_is_read(version: str) -> None:
    kept = bcrypt.hashpw(b"a good one", bcrypt.gensalt(4)).decode().replace("$2b$", f"${version}$")
    assert matches("a good one", f"{{bcrypt}}{kept}")
    assert not matches("a bad one", f"{{bcrypt}}{kept}")


@pytest.mark.parametrize("password", ["x", "with blanks in it", "x" * 72, "x" * 400, "Ærlig 🔑", "a\0b"])
def test_what_this_project_writes_it_reads(password: str) -> None:
    assert matches(password, hashed(password))
    assert not matches("y" + password, hashed(password))


def test_blanks_are_backspaces_before_they_are_hashed() -> None:
    # What `printf 'a\\bb' | sha1sum` says.
    digest = bytes.fromhex("d5da1bfeea2e863e700cd5e59bec80b01cdc56c3")
    kept = "".join(str(int.from_bytes([byte], signed=True)) for byte in digest)
    assert matches("a b", kept)
    assert matches("a\bb", kept)
    assert not matches("ab", kept)


def test_a_name_has_five_attempts_a_minute_from_one_address_however_it_is_written() -> None:
    throttle = Throttle()
    for name in ("penner", "PENNER", "Penner ", "pénner", "penner"):
        assert throttle.begin(name, "192.0.2.1", NOW)
    assert throttle.begin("Penner", "192.0.2.1", NOW) is None
    assert throttle.begin("okafor", "192.0.2.1", NOW)
    assert throttle.begin("penner", "192.0.2.1", NOW + dt.timedelta(minutes=1))


def test_wrong_passwords_from_one_address_lock_no_one_out_at_another() -> None:
    throttle = Throttle()
    for number in range(100):
        throttle.begin("penner", "192.0.2.1", NOW)
        throttle.begin("penner", f"2001:db8:0:1::{number}", NOW)
    for address in ("192.0.2.2", "2001:db8:0:2::1"):
        assert throttle.begin("penner", address, NOW)
    for address in ("192.0.2.1", "2001:db8:0:1::ffff"):
        assert throttle.begin("penner", address, NOW) is None


def test_a_right_password_does_not_count() -> None:
    throttle = Throttle()
    for _ in range(20):
        attempt = throttle.begin("penner", "192.0.2.1", NOW)
        assert attempt
        throttle.passed(attempt)


def test_an_address_has_five_times_as_many_whatever_the_names() -> None:
    throttle = Throttle()
    for number in range(25):
        assert throttle.begin(f"name {number}", "192.0.2.1", NOW)
    assert throttle.begin("another", "192.0.2.1", NOW) is None
    assert throttle.begin("another", "192.0.2.2", NOW)


def test_what_is_remembered_is_bounded() -> None:
    throttle = Throttle()
    admitted = sum(throttle.begin(f"name {number}", f"192.0.2.{number}", NOW) is not None for number in range(2000))
    assert admitted == 250
    assert throttle.begin("name", "192.0.2.1", NOW + dt.timedelta(minutes=1))
