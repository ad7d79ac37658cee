"""When a submission is held, for any numbers."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cpar_plugin.domain.guard import GuardLimits, Hold, HoldCause, SentBefore, SubmissionOutlook, hold
from cpar_plugin.domain.reasons import Reason

counts = st.integers(0, 3000)
reason_counts = st.dictionaries(st.sampled_from(Reason), counts, max_size=4)
befores = st.builds(SentBefore, sent=st.integers(1, 3000), reasons=reason_counts)
outlooks = st.builds(
    SubmissionOutlook, sent=counts, excluded=counts, added=counts, removed=counts, changed=counts, reasons=reason_counts
)
percents = st.integers(0, 100)
limits = st.builds(GuardLimits, percents, percents, st.integers(1, 500))


@given(outlooks, limits)
def test_a_first_submission_is_never_held(now: SubmissionOutlook, at_most: GuardLimits) -> None:
    assert hold(None, now, at_most) is None


@given(befores, limits)
def test_an_empty_panel_is_never_held(before: SentBefore, at_most: GuardLimits) -> None:
    assert hold(before, SubmissionOutlook(0, 0, 0, before.sent, 0, {}), at_most) is None


@given(befores, outlooks, limits)
def test_members_of_whom_none_would_be_sent_are_held_whatever_the_limits(
    before: SentBefore, now: SubmissionOutlook, at_most: GuardLimits
) -> None:
    assert hold(before, replace(now, sent=0, excluded=1), at_most) == Hold(HoldCause.NONE_LEFT)


@given(befores, outlooks, limits)
def test_nothing_is_held_for_fewer_patients_than_the_limit(
    before: SentBefore, now: SubmissionOutlook, at_most: GuardLimits
) -> None:
    few = replace(now, sent=max(1, now.sent), added=0, removed=at_most.least_patients - 1, reasons=before.reasons)
    assert hold(before, few, at_most) is None


@given(befores, outlooks, limits, counts)
def test_what_is_held_stays_held_when_more_is_removed(
    before: SentBefore, now: SubmissionOutlook, at_most: GuardLimits, more: int
) -> None:
    if hold(before, now, at_most):
        assert hold(before, replace(now, removed=now.removed + more), at_most)


@given(befores, outlooks, limits, counts)
def test_who_was_only_changed_holds_nothing(
    before: SentBefore, now: SubmissionOutlook, at_most: GuardLimits, changed: int
) -> None:
    assert hold(before, replace(now, changed=changed), at_most) == hold(before, now, at_most)


def test_the_share_is_exceeded_not_reached() -> None:
    at_most, before = GuardLimits(10, 5, 1), SentBefore(100, {})
    assert hold(before, SubmissionOutlook(100, 0, 5, 5, 0, {}), at_most) is None
    assert hold(before, SubmissionOutlook(100, 0, 6, 5, 0, {}), at_most) == Hold(HoldCause.DIFFERS)
    assert hold(before, SubmissionOutlook(100, 5, 0, 0, 0, {Reason.NO_PHN: 5}), at_most) is None
    assert hold(before, SubmissionOutlook(100, 6, 0, 0, 0, {Reason.NO_PHN: 6}), at_most) == Hold(
        HoldCause.REASON_JUMPED, Reason.NO_PHN, 6
    )
