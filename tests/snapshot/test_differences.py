"""What changed between two snapshots, found in one pass over both."""

from hypothesis import given
from hypothesis import strategies as st

from cpar_plugin.services.submissions.changes import ChangeKind, differences

indexes = st.dictionaries(st.integers(1, 60), st.sampled_from([b"a", b"b"]), max_size=40)


@given(before=indexes, now=indexes)
def test_everyone_who_differs_is_reported_once_with_their_places(
    before: dict[int, bytes], now: dict[int, bytes]
) -> None:
    results = list(differences(sorted(before.items()), sorted(now.items())))
    assert {(one.kind, one.patient_id) for one in results} == (
        {(ChangeKind.ADDED, key) for key in now.keys() - before.keys()}
        | {(ChangeKind.REMOVED, key) for key in before.keys() - now.keys()}
        | {(ChangeKind.CHANGED, key) for key in now.keys() & before.keys() if now[key] != before[key]}
    )
    assert [one.patient_id for one in results] == sorted({one.patient_id for one in results})
    for one in results:
        assert one.before == (sorted(before).index(one.patient_id) if one.patient_id in before else -1)
        assert one.now == (sorted(now).index(one.patient_id) if one.patient_id in now else -1)
