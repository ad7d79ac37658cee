"""`Roster.providers`: who the providers are."""

from .bench import Bench, NewProvider
from .reading import provider_row

COLUMNS = {"provider_id", "family_name", "given_name", "practitioner_id", "licence_id", "active"}


def test_providers_has_every_agreed_column(bench: Bench) -> None:
    assert set(bench.host.roster.providers().c.keys()) >= COLUMNS


def test_a_provider_is_the_one_who_was_entered(bench: Bench) -> None:
    new = NewProvider(family_name="Tremblay", given_name="Hélène", practitioner_id="223456789", licence_id="L-7")
    provider_id = bench.provider(new)
    row = provider_row(bench.host, provider_id)
    assert row
    assert (row["provider_id"], row["family_name"], row["given_name"]) == (provider_id, "Tremblay", "Hélène")
    assert (row["practitioner_id"], row.get("licence_id", "L-7")) == ("223456789", "L-7")


def test_a_missing_text_of_a_provider_is_null_and_never_empty(bench: Bench) -> None:
    row = provider_row(bench.host, bench.provider(NewProvider()))
    assert row
    texts = {name: text for name, text in row.items() if name not in ("provider_id", "active")}
    assert {name: text for name, text in texts.items() if text is not None} == {}


def test_whether_a_provider_is_active_is_true_or_false(bench: Bench) -> None:
    for active in (True, False):
        row = provider_row(bench.host, bench.provider(NewProvider(active=active)))
        if row:
            assert row["active"] is active, "give the column the type Boolean"


def test_providers_who_have_left_are_there_too(bench: Bench) -> None:
    provider_id = bench.provider(NewProvider(family_name="Left", active=False))
    assert provider_row(bench.host, provider_id), "their panels and submissions still name them"
