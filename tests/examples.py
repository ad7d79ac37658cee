"""How many examples Hypothesis makes: by its profile, which `--hypothesis-profile thorough` changes."""

from hypothesis import settings

_USUAL = 100  # of what needs no database; the profile's own number


def register_profiles() -> None:
    """Go by `usual`, unless an option says `thorough`. How long a database takes says nothing about a rule."""
    settings.register_profile("usual", deadline=None, max_examples=_USUAL)
    settings.register_profile("thorough", deadline=None, max_examples=20 * _USUAL)
    settings.load_profile("usual")


def examples(usual: int) -> int:
    """`usual`, and as many times more as the profile has more. To be asked when a test is collected, or later."""
    return usual * settings().max_examples // _USUAL
