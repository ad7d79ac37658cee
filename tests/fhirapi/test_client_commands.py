"""The commands `cpar client ...` as an operator uses them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from cpar_plugin.commands import cpar
from oscar_host.host import OscarHost

from .clients import KeyPair, key_set


@pytest.fixture
def call(site: OscarHost, environment: dict[str, str]) -> Callable[..., Result]:
    def called(*arguments: str, **changed: str) -> Result:
        return CliRunner().invoke(cpar, ["client", *arguments], env=environment | changed)

    return called


@pytest.fixture
def key_file(tmp_path: Path, rsa: KeyPair) -> str:
    file = tmp_path / "jwks.json"
    file.write_text(key_set(rsa))
    return str(file)


def test_a_client_is_added_listed_and_revoked(
    call: Callable[..., Result], make_panel: Callable[..., int], key_file: str
) -> None:
    make_panel("0042")
    added = call("add", "Network", "--scope", "system/Group.rs", "--jwks", key_file, "--panel", "0042")
    assert added.output.splitlines() == [
        "Network is registered as client-1, for 0042.",
        "Set fhir_base_url: until then, tokens are only issued on this machine.",
    ]
    listed = call("list").output
    for part in ("client-1  Network\n", "system/Group.rs", "0042", "rsa-1", "never"):
        assert part in listed
    assert (
        call("revoke", "client-1", "--yes").output
        == "client-1 (Network) was revoked. Its tokens are no longer valid.\n"
    )
    assert "client-1  Network  REVOKED" in call("list").output
    assert call("revoke", "client-1", "--yes").exit_code == 1


def test_without_panels_it_is_said_that_all_of_them_may_be_read(call: Callable[..., Result], key_file: str) -> None:
    added = call(
        "add", "A", "--scope", "system/*.rs", "--jwks", key_file, CPAR_FHIR_BASE_URL="https://emr.example/fhir"
    )
    assert "for all of the clinic's panels." in added.output
    assert "https://emr.example/fhir/token" in added.output


def test_keys_are_shown_added_and_removed(
    call: Callable[..., Result], key_file: str, tmp_path: Path, ec: KeyPair
) -> None:
    call("add", "A", "--scope", "system/*.rs", "--jwks", key_file)
    new = tmp_path / "new.json"
    new.write_text(key_set(ec))
    assert call("keys", "client-1").output == "rsa-1  RS384 (RSA, 2048 bits)\n"
    both = "rsa-1  RS384 (RSA, 2048 bits)\nec-1  ES384 (EC, P-384)\n"
    assert call("keys", "client-1", "--add", str(new)).output == both
    assert "same kid" in call("keys", "client-1", "--add", str(new)).output
    assert call("keys", "client-1", "--remove", "rsa-1").output == "ec-1  ES384 (EC, P-384)\n"
    assert "only key" in call("keys", "client-1", "--remove", "ec-1").output
    assert "no key with this kid" in call("keys", "client-1", "--remove", "rsa-1").output


def test_web_pages_are_given_shown_added_and_removed(call: Callable[..., Result], key_file: str) -> None:
    added = call("add", "A", "--scope", "system/*.rs", "--jwks", key_file, "--origin", "https://APP.example/")
    assert added.exit_code == 0, added.output
    assert "  origins     https://app.example\n" in call("list").output
    both = "https://app.example\nhttp://localhost:3000\n"
    assert call("origins", "client-1", "--add", "http://localhost:3000").output == both
    assert call("keys", "client-1").output.startswith("rsa-1")
    assert "must start with https" in call("origins", "client-1", "--add", "http://app.example").output
    assert "has no origin" in call("origins", "client-1", "--remove", "https://b.example").output
    assert call("origins", "client-1", "--remove", "https://app.example:443").output == "http://localhost:3000\n"
    assert call("origins", "client-1", "--add", "x", "--remove", "y").exit_code == 2


def test_revoking_asks_first(call: Callable[..., Result], key_file: str) -> None:
    call("add", "A", "--scope", "system/*.rs", "--jwks", key_file)
    asked = call("revoke", "client-1")
    assert asked.exit_code == 1
    assert "REVOKED" not in call("list").output


def test_what_is_wrong_is_one_sentence(
    call: Callable[..., Result], key_file: str, tmp_path: Path, rsa: KeyPair
) -> None:
    private = tmp_path / "private.json"
    private.write_bytes(orjson.dumps(rsa.private))
    broken = tmp_path / "broken.json"
    broken.write_bytes(b"\xff\xfe")
    wrong: list[tuple[tuple[Any, ...], str]] = [
        (("add", "A", "--scope", "system/*.rs", "--jwks", str(private)), "private key"),
        (("add", "A", "--scope", "system/*.rs", "--jwks", str(broken)), "cannot be read"),
        (("add", "A", "--scope", "system/*.rs"), "not both"),
        (("add", "A", "--scope", "everything", "--jwks", key_file), "cannot be registered"),
        (("add", "A", "--scope", "system/*.rs", "--jwks", key_file, "--panel", "7"), "no panel 7"),
        (("add", "A", "--scope", "system/*.rs", "--jwks-url", "https://127.0.0.1/x"), "private network"),
        (("keys", "client-7"), "Client not found"),
        (("revoke", "7", "--yes"), "Client not found"),
    ]
    for arguments, words in wrong:
        answer = call(*arguments)
        assert answer.exit_code == 1, arguments
        assert words in answer.output
        assert "Traceback" not in answer.output
    assert call("list").output == "No client is registered.\n"
