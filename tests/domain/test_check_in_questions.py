"""The clinic's own words at check-in: what may be in them, and how they are asked."""

import pytest

from cpar_plugin.domain.check_in_questions import DEFAULTS, LONGEST, CheckInQuestion, checked, spoken
from cpar_plugin.domain.refusals import Refused


@pytest.mark.parametrize(
    ("question", "text", "words"),
    [
        (CheckInQuestion.PANELED, "", "Enter the question"),
        (CheckInQuestion.PANELED, "x" * (LONGEST + 1), "too long"),
        (CheckInQuestion.PANELED, "a\x00b", "invisible"),
        (CheckInQuestion.PANELED, "Is {Provider} yours?", "Only {provider} can be used here: remove {Provider}."),
        (CheckInQuestion.PANELED, "Is {provider yours?", "remove {."),
        (CheckInQuestion.NOT_PANELED, "Is it {provider}?", "No placeholder can be used here: remove {provider}."),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_to_do(question: CheckInQuestion, text: str, words: str) -> None:
    with pytest.raises(Refused) as refused:
        checked(question, text)
    assert words in refused.value.messages[question]


def test_the_provider_is_named_where_the_words_say_so() -> None:
    own = checked(CheckInQuestion.PANELED, " {provider}: still your doctor? ({provider}) ")
    assert spoken(own, "Okafor, Ada") == "Okafor, Ada: still your doctor? (Okafor, Ada)"
    assert spoken(DEFAULTS[CheckInQuestion.PANELED], "") == "Is a provider of this clinic your regular family provider?"
    for question in CheckInQuestion:
        assert checked(question, DEFAULTS[question]) == DEFAULTS[question]
