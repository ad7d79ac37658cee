"""A submission's snapshot against streaming the same SELECT, against typed models, and its memory as panels grow.

A snapshot is: reading one consistent view, judging each member, building the Bundle, comparing with the last one,
compressing, storing in pieces, reading back and hashing.
"""

import re
from collections.abc import Iterator
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryFile
from time import process_time

import click
import orjson
from fhir.resources.R4B.group import GroupMember
from fhir.resources.R4B.patient import Patient

from cpar_plugin.fhir_mappings import bundle
from cpar_plugin.fhir_mappings.identifiers import Resource
from cpar_plugin.fhir_mappings.panel_group import ChangeType, member_texts
from cpar_plugin.fhir_mappings.patient import Statuses, as_text, patient_texts
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.roster import member_rows
from cpar_plugin.services.snapshots import build
from cpar_plugin.services.snapshots.bundle_header import BundleHeader
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from oscar_host.host import OscarHost, open_host

from .big_clinic import NOW, PANEL_ID, empty_hosts, fill, join, place
from .processor import Processor

PATIENTS = 100_000
FEW = 10_000
AT_MOST, AT_LEAST, MEBIBYTES = 1.7, 10.0, 64
_ROUNDS = 3
_BY_MODELS = 2_000
_SETTINGS = Settings()


def main(members: int = PATIENTS) -> None:
    """Print three lines for each database: what was measured, the figure, and what it should be."""
    with empty_hosts() as hosts:
        for _, host in hosts:
            fill(host, members)
            few = min(FEW, members // 10)
            join(host, range(1, few + 1))
            small = _peak_mebibytes(host)
            join(host, range(few + 1, members + 1))
            large = _peak_mebibytes(host)
            of = Processor(host)
            rounds = [
                (of.seconds(lambda: _streaming(host)), of.seconds(lambda: _taking(host)))  # noqa: B023
                for _ in range(_ROUNDS)
            ]
            streaming, taking = (min(seconds) for seconds in zip(*rounds, strict=True))
            by_models = _by_models(host) * members
            what = f"snapshot of {members} members, {place(host)}:"
            click.echo(
                f"{what} {taking / streaming:.2f} x what streaming the same SELECT with one orjson.dumps a row needs "
                f"({taking:.2f} s : {streaming:.2f} s; aim: at most {AT_MOST:g} x)"
            )
            click.echo(
                f"{what} {by_models / taking:.1f} x faster than fhir.resources models alone "
                f"({by_models:.0f} s, from {_BY_MODELS} members; aim: at least {AT_LEAST:g} x)"
            )
            click.echo(
                f"{what} peak memory {large:.0f} MiB, {large - small:.0f} MiB more than for {few} "
                f"(aim: less than {MEBIBYTES} MiB more)"
            )


def _streaming(host: OscarHost) -> None:
    """The plain thing: every row of the same SELECT, and for each what is said of a member into a file."""
    entry, member = next(_resources(host))
    ready_made = {"entry": entry, "member": member}
    of_panel = tables.member.c.panel_id == PANEL_ID
    query = member_rows.members(host, now=NOW).where(of_panel).order_by(tables.member.c.patient_id)
    with host.database.engine.connect() as connection, TemporaryFile() as file:
        for _ in connection.execute(query.execution_options(yield_per=1000)):
            file.write(orjson.dumps(ready_made))


def _taking(host: OscarHost) -> None:
    build.forget(host, build.take(host, _SETTINGS, PANEL_ID, now=NOW).snapshot_id)


def _by_models(host: OscarHost) -> float:
    """Seconds a member for validating and dumping Patient and Group.member by models; nothing read, nothing stored."""
    made = [(entry["resource"], member) for entry, member in islice(_resources(host), _BY_MODELS)]
    start = process_time()
    for resource, member in made:
        Patient.model_validate(resource).model_dump_json()
        GroupMember.model_validate(member).model_dump_json()
    return (process_time() - start) / len(made)


def _resources(host: OscarHost) -> Iterator[tuple[Resource, Resource]]:
    """The Patient's entry and the member of each row, as dicts."""
    with host.database.engine.connect() as connection:
        frame = BundleHeader.read(connection, host, _SETTINGS, PANEL_ID)
        patient = patient_texts(_SETTINGS, frame.refer, statuses=Statuses.of(host.roster.status_kinds))
        member_text = member_texts(_SETTINGS)
        for row in member_rows.member_rows(connection, host, PANEL_ID, now=NOW):
            entry = bundle.entry(orjson.loads(patient(row, as_text(frame.general_practitioners))), frame.refer)
            yield entry, orjson.loads(member_text(row, entry["fullUrl"], ChangeType.NEW))


def _peak_mebibytes(host: OscarHost) -> float:
    """The most memory that a fresh process needs for a snapshot."""
    url = host.database.engine.url.render_as_string(hide_password=False)
    with get_context("spawn").Pool(1) as process:
        return process.apply(_peak, (url, host.tables.demographic.schema))


def _peak(url: str, schema: str | None) -> float:
    host = open_host(url, host_schema=schema, clock=FixedClock(NOW))
    _taking(host)
    match = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert match
    return int(match[1]) / 1024


if __name__ == "__main__":
    main()
