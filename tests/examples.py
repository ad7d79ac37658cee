"""How many examples Hypothesis makes: by its profile, which `--hypothesis-profile usual` or `thorough` changes."""

from hypothesis import settings

_USUAL = 100  # of what needs no database; the profile's own number


def register_profiles() -> None:
    """Go by `few`, unless an option says another. How long a database takes says nothing about a rule."""
    settings.register_profile("few", deadline=None, max_examples=_USUAL * 2 // 5)
    settings.register_profile("usual", deadline=None, max_examples=_USUAL)
    settings.register_profile("thorough", deadline=None, max_examples=20 * _USUAL)
    settings.load_profile("few")


def examples(usual: int) -> int:
    """`usual`, and as many times more or fewer as the profile has. To be asked when a test is collected, or later.

    Two at least: the first that Hypothesis makes is the simplest there is.
    """
    return max(2, -(-usual * settings().max_examples // _USUAL))
