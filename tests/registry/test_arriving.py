"""A submission while it arrives: its entries one by one, whatever pieces it comes in."""

import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oscar_host.demo.registry.arriving import Arrival, ArrivingObject, NotAnObject

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


@given(
    others=st.dictionaries(st.text(max_size=5).filter(lambda name: name != "entry"), values, max_size=3),
    items=st.lists(values, max_size=4),
    blanks=st.booleans(),
    size=st.integers(1, 40),
)
def test_an_object_is_the_same_in_whatever_pieces_it_comes(
    others: dict[str, Any], items: list[Any], blanks: bool, size: int
) -> None:
    whole = {**others, "entry": items, "type": 12}
    body = json.dumps(whole, ensure_ascii=blanks, indent=1 if blanks else None).encode()
    arriving = ArrivingObject(pieces(body, size), "entry")
    assert list(arriving.items()) == items
    assert arriving.others == {**others, "type": 12}


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"12", b'{"a"}', b'{"a":1,}', b'{"entry":[1,]}', b'{"entry":[1}', b'{"entry":[1]'),
        *(b'{"a":1} 2', b'{"a":NaN}', b"{1:2}", b'{"a":0.}', b'{"a":"\xff"}', b'{"a":"\xc3', b'{"a":' + b"[" * 100_000),
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_what_is_no_object_is_refused_in_whatever_pieces_it_comes(body: bytes, size: int) -> None:
    if len(body) > 1000 and size == 1:
        size = 1000
    with pytest.raises(NotAnObject):
        list(ArrivingObject(pieces(body, size), "entry").items())


def test_an_item_is_there_before_the_next_has_arrived() -> None:
    sent: list[bytes] = []

    def sending() -> Iterator[bytes]:
        for piece in (b'{"entry":[{"a":1}', b',{"a":2}', b',{"a":3}]}'):
            sent.append(piece)
            yield piece

    items = ArrivingObject(sending(), "entry").items()
    assert (next(items), len(sent)) == ({"a": 1}, 2)  # whether it goes on is seen in the next piece
    assert [item["a"] for item in items] == [2, 3]


def test_a_body_that_nobody_reads_to_its_end_has_its_whole_hash() -> None:
    body = b"x" * 200_000
    read, left = Arrival(BytesIO(body)), Arrival(BytesIO(body))
    assert b"".join(read) == body
    next(iter(left))
    assert read.sha256 == left.sha256
    assert read.zipped() == left.zipped()
