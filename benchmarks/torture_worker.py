"""One worker of the torture: everything that people and jobs do without a browser, at random, until it is killed."""

import random
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from sqlalchemy import func, insert, select, update

from benchmarks.torture_clinic import MANAGER, PANELS_AT_BROWSERS, PATIENTS_AT_BROWSERS, PROVIDERS, READER, Scene
from cpar_plugin.domain.refusals import Refused
from cpar_plugin.domain.scopes import KINDS
from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.hooks import Host
from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import undo
from cpar_plugin.services.exports import jobs
from cpar_plugin.services.exports.request import ExportRequest
from cpar_plugin.services.exports.workers import Workers
from cpar_plugin.services.fhir import refresh
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.submissions import releases, requests
from cpar_plugin.services.submissions.run import run_due
from cpar_plugin.settings import Settings
from cpar_plugin.store.tables import member, operation, panel, submission
from oscar_host.host import OscarHost

SPLITS = 0.5  # of the merges


def main(scene: Scene, seed: int, says: Connection) -> None:
    """Work without end. Any error but a refusal ends it with a trace: that is a finding."""
    host, settings, chance = scene.open(), scene.settings(), random.Random(seed)
    live = panels_of_workers(host)
    patient_id = host.tables.demographic.c.demographic_no
    patients = _scalar(host, select(func.max(patient_id)).where(patient_id < PATIENTS_AT_BROWSERS.start))
    says.send("working")
    while True:
        try:
            if chance.random() < 0.4:
                for error in run_due(host, settings, host.clock.now()).errors:
                    says.send(error)
            else:
                _something(host, settings, chance, live, patients)
        except Refused:
            pass  # someone else was faster, or there is nothing to do


def _something(host: OscarHost, settings: Settings, chance: random.Random, live: list[int], patients: int) -> None:
    panel_id, other = chance.choice(live), chance.choice(live)
    patient_id = chance.randint(1, patients)
    match chance.randrange(16):
        case 0:
            bulk.carry_out(host, MANAGER, bulk.Assign(chance.choice(PROVIDERS), "AC", panel_id))
        case 1:
            bulk.carry_out(host, MANAGER, bulk.Move(other, panel_id, "AC"))
        case 2 | 13 | 14:
            _swing(host, settings, chance, panel_id)
        case 3:
            latest = select(func.max(operation.c.operation_id)).where(operation.c.kind.startswith("bulk"))
            undo.undo(host, MANAGER, _scalar(host, latest) or 0)
        case 4 | 5:
            seen = _scalar(host, select(member.c.panel_id).where(member.c.patient_id == patient_id))
            one_patient.choose(host, MANAGER, patient_id, panel_id, seen_panel_id=seen)
        case 6:
            seen = _scalar(host, select(member.c.panel_id).where(member.c.patient_id == patient_id))
            chance.choice((one_patient.confirm, one_patient.remove))(host, MANAGER, patient_id, seen_panel_id=seen)
        case 7:
            requests.ask(host, settings, MANAGER, panel_id)
        case 8:
            _merge_or_split(host, chance, patient_id, chance.randint(1, patients))
        case 9 | 10:
            with suppress(jobs.StillRunning):
                jobs.create(host, READER, ExportRequest(kinds=KINDS), None, "")
            Workers(host, settings).work_off()
        case 11:
            refresh.refresh(host, settings)
        case 12:
            held = latest_held(host, live)
            releases.release(host, settings, MANAGER, chance.choice(held) if held else 0)
        case _:
            failed = (
                submission.c.state.in_([SubmissionState.FAILED, SubmissionState.REFUSED]),
                submission.c.panel_id == panel_id,
            )
            latest = select(func.max(submission.c.submission_id)).where(*failed)
            requests.retry(host, settings, MANAGER, _scalar(host, latest) or 0)


def _swing(host: OscarHost, settings: Settings, chance: random.Random, panel_id: int) -> None:
    """A bulk update that changes most of a panel, which is then asked to be submitted."""
    status = chance.choice(("AC", "AC", "IN"))
    remove, assign = bulk.Remove(panel_id, status), bulk.Assign(chance.choice(PROVIDERS), status, panel_id)
    bulk.carry_out(host, MANAGER, chance.choice((remove, assign)))
    requests.ask(host, settings, MANAGER, panel_id)


def latest_held(host: Host, live: Sequence[int]) -> list[int]:
    """The last submission of each of these panels, where it is held."""
    last = select(func.max(submission.c.submission_id)).where(submission.c.panel_id.in_(live))
    held = submission.c.submission_id.in_(last.group_by(submission.c.panel_id))
    query = select(submission.c.submission_id).where(held, submission.c.state == SubmissionState.HELD)
    with host.database.engine.connect() as connection:
        return list(connection.scalars(query.order_by(submission.c.submission_id)))


def _merge_or_split(host: OscarHost, chance: random.Random, retired: int, kept: int) -> None:
    """As people do in the EMR."""
    merge = host.tables.demographic_merged
    merged = _scalar(host, select(func.max(merge.c.id)).where(merge.c.deleted == 0))
    with host.database.session() as session:
        if merged is not None and chance.random() < SPLITS:
            session.execute(update(merge).where(merge.c.id == merged).values(deleted=1))
        elif retired != kept:
            session.execute(insert(merge).values(demographic_no=retired, merged_to=kept, deleted=0))


def panels_of_workers(host: Host) -> list[int]:
    """All panels but those of people at browsers."""
    with host.database.engine.connect() as connection:
        return list(connection.scalars(select(panel.c.panel_id).where(panel.c.live_number.not_in(PANELS_AT_BROWSERS))))


def _scalar(host: Host, query: Any) -> Any:
    with host.database.engine.connect() as connection:
        return connection.scalar(query)
