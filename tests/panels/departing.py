"""Somebody who takes the next step of a departure, in a process that may be killed within it.

python -m tests.panels.departing DATABASE_URL SCHEMA NOW PANEL TARGETS KILL_AT
"""

import os
import signal
import sys
from collections.abc import Sequence
from datetime import date, datetime
from itertools import count
from typing import Any

from sqlalchemy import event

from cpar_plugin.domain.departure import Split, Target
from cpar_plugin.domain.departure_texts import RegistryTask
from cpar_plugin.domain.panel_state import PanelState
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services import bulk
from cpar_plugin.services.departures import lists, plan, steps
from cpar_plugin.services.other_panels import listing
from cpar_plugin.services.panels import editing
from oscar_host.host import OscarHost, open_host

LEAVES_ON = date(2027, 1, 31)
FORM_KEY = "d" * 32


NOTHING_LEFT = 7  # exit code


def step(host: OscarHost, panel_id: int, targets: Sequence[int]) -> bool:
    """Take the next step that the page offers. Returns False when the panel has ended."""
    actor = host.identity.system
    with host.database.engine.connect() as connection:
        state = editing.get(connection, host, panel_id).state
        found = steps.current(connection, panel_id)
        move = steps.last_move(connection, found) if found else None
    if state is PanelState.ENDED:
        return False
    if found is None:
        steps.save_date(host, actor, panel_id, None, LEAVES_ON, "")
    elif state is PanelState.ACTIVE:
        steps.freeze(host, actor, panel_id, found.version)
    elif found.split is None:
        with host.database.engine.connect() as connection:
            own = [one.other_panel_id for one in lists.of_provider(connection, host, panel_id)]
            others = [one.other_panel_id for one in listing.live(connection, host) if one.other_panel_id not in own]
        share = 100 // len(targets)
        to_lists = zip(targets, others, strict=True)
        rules = tuple(Target(target, share, affiliation_id=other) for target, other in to_lists)
        split = Split(rules, together=True, divided_lists=tuple(own))
        plan.plan(host, actor, panel_id, found.version, split)
    elif move is None:
        bulk.carry_out(host, actor, plan.order_of(found), FORM_KEY)
    elif not found.done:
        steps.save_tasks(host, actor, panel_id, found.version, list(RegistryTask))
    else:
        steps.end(host, actor, panel_id, found.version)
    return True


def killed_at(host: OscarHost, place: int) -> None:
    """Die before this statement or commit, counted from 1, as when the power fails. 0: never."""
    passed = count(1)

    def maybe(*_: Any, **__: Any) -> None:
        if next(passed) == place:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(host.database.engine, "before_cursor_execute", maybe)
    event.listen(host.database.engine, "commit", maybe)


def main(arguments: Sequence[str]) -> None:
    url, schema, now, panel_id, targets, place = arguments
    with open_host(url, host_schema=schema or None, clock=FixedClock(datetime.fromisoformat(now))) as host:
        killed_at(host, int(place))
        if not step(host, int(panel_id), [int(target) for target in targets.split(",")]):
            sys.exit(NOTHING_LEFT)


if __name__ == "__main__":
    main(sys.argv[1:])
