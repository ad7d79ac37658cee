"""One worker of the torture: bulk operations, single changes and submissions, at random, until it is killed."""

import random
from multiprocessing.connection import Connection
from typing import Any

from sqlalchemy import func, select

from benchmarks.torture_clinic import MANAGER, PROVIDERS, Scene
from cpar_plugin.domain.refusals import Refused
from cpar_plugin.domain.submission import State
from cpar_plugin.hooks import Host
from cpar_plugin.services import bulk, members, undo
from cpar_plugin.services.submission import asking
from cpar_plugin.services.submission.run import run_due
from cpar_plugin.settings import Settings
from cpar_plugin.store.tables import member, operation, panel, submission


def main(scene: Scene, seed: int, says: Connection) -> None:
    """Work without end. Any error but a refusal ends it with a trace: that is a finding."""
    host, settings, chance = scene.open(), scene.settings(), random.Random(seed)
    with host.database.engine.connect() as connection:
        live = list(connection.scalars(select(panel.c.panel_id)))
        patients = connection.scalar(select(func.count()).select_from(host.roster.patients().alias())) or 0
    says.send("working")
    while True:
        try:
            if chance.random() < 0.4:
                for error in run_due(host, settings, host.clock.now()).errors:
                    says.send(error)
            else:
                _something(host, settings, chance, live, patients)
        except Refused:
            pass  # somebody else was quicker, or there is nothing to do


def _something(host: Host, settings: Settings, chance: random.Random, live: list[int], patients: int) -> None:
    panel_id, other = chance.choice(live), chance.choice(live)
    patient_id = chance.randint(1, patients)
    match chance.randrange(9):
        case 0:
            bulk.carry_out(host, MANAGER, bulk.Assign(chance.choice(PROVIDERS), "AC", panel_id))
        case 1:
            bulk.carry_out(host, MANAGER, bulk.Move(other, panel_id, "AC"))
        case 2:
            bulk.carry_out(host, MANAGER, bulk.Remove(panel_id, chance.choice(("AC", "IN"))))
        case 3:
            latest = select(func.max(operation.c.operation_id)).where(operation.c.kind.startswith("bulk"))
            undo.undo(host, MANAGER, _scalar(host, latest) or 0)
        case 4 | 5:
            seen = _scalar(host, select(member.c.panel_id).where(member.c.patient_id == patient_id))
            members.choose(host, MANAGER, patient_id, panel_id, seen_panel_id=seen)
        case 6:
            seen = _scalar(host, select(member.c.panel_id).where(member.c.patient_id == patient_id))
            chance.choice((members.confirm, members.remove))(host, MANAGER, patient_id, seen_panel_id=seen)
        case 7:
            asking.ask(host, settings, MANAGER, panel_id)
        case _:
            failed = submission.c.state.in_([State.FAILED, State.REFUSED]), submission.c.panel_id == panel_id
            latest = select(func.max(submission.c.submission_id)).where(*failed)
            asking.retry(host, settings, MANAGER, _scalar(host, latest) or 0)


def _scalar(host: Host, query: Any) -> Any:
    with host.database.engine.connect() as connection:
        return connection.scalar(query)
