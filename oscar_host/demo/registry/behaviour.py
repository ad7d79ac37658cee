"""How the registry misbehaves on request."""

import random
import threading
from collections import Counter
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

KINDS = ("ok", "slow", "fail", "refuse", "fault", "cut", "nonsense", "redirect", "huge", "drip", "flaky")
MOMENTS = ("before", "after")


@dataclass(frozen=True)
class Behaviour:
    """What it does to a submission, and to which share of them.

    kind: ok; slow (waits `seconds`); fail (answers `status`, 503); refuse (answers `status`, 422); fault
    (of what it fetches: an error for each Patient; otherwise as refuse); cut (drops the
    line: before storing without reading, after storing in the middle of the answer); nonsense (a web page with
    status 200); redirect (307 to `location`); huge (an answer without an end); drip (a head of which a byte comes
    now and then, for `seconds`, then the line is dropped); flaky (by chance fail, cut, nonsense or drip, before or
    after storing). when: before or after the submission is stored; what was stored stays stored. share: of the
    submissions, by a random generator that begins with `seed`.
    """

    kind: str = "ok"
    when: str = "before"
    share: float = 1.0
    seed: int = 1
    status: int = 0
    seconds: float = 5.0
    location: str = "http://127.0.0.1:9/elsewhere"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind: one of {', '.join(KINDS)}")
        if self.when not in MOMENTS:
            raise ValueError(f"when: one of {', '.join(MOMENTS)}")
        if not 0 <= self.share <= 1:
            raise ValueError("share: between 0 and 1")
        if self.status and not 400 <= self.status <= 599:
            raise ValueError("status: between 400 and 599")
        if not 0 <= self.seconds <= 3600:
            raise ValueError("seconds: between 0 and 3600")


def parse(values: Any) -> Behaviour:
    """A behaviour from JSON. Raises ValueError with a sentence."""
    if not isinstance(values, dict):
        raise ValueError('send an object, for instance {"kind": "fail", "when": "after", "share": 0.3}')
    types = {field.name: type(field.default) for field in fields(Behaviour)}
    for name, value in values.items():
        if name not in types:
            raise ValueError(f"{name}: unknown; there are {', '.join(types)}")
        if not isinstance(value, (int, float) if types[name] is float else types[name]):
            raise ValueError(f"{name}: not a {types[name].__name__}")
    return Behaviour(**values)


class Conduct:
    """The behaviour now, and its chances in order of arrival. For many threads."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._lock = threading.Lock()
        self.change(behaviour)

    def change(self, behaviour: Behaviour) -> None:
        """Behave so from the next submission on; the chances begin again with its seed."""
        with self._lock:
            self._behaviour = behaviour
            self._chance = random.Random(behaviour.seed)  # noqa: S311
            self._done: Counter[str] = Counter()

    def next(self) -> Behaviour:
        """What to do to the submission that has just arrived: kind is never flaky."""
        with self._lock:
            behaviour = self._choose()
            self._done[behaviour.kind if behaviour.kind == "ok" else f"{behaviour.kind} {behaviour.when}"] += 1
            return behaviour

    def _choose(self) -> Behaviour:
        if self._chance.random() >= self._behaviour.share:
            return Behaviour()
        if self._behaviour.kind != "flaky":
            return self._behaviour
        kind, when = self._chance.choice(("fail", "cut", "nonsense", "drip")), self._chance.choice(MOMENTS)
        return replace(self._behaviour, kind=kind, when=when)

    def as_json(self) -> dict[str, Any]:
        """The behaviour, and how often what was done since it was set."""
        with self._lock:
            return asdict(self._behaviour) | {"done": dict(self._done)}
