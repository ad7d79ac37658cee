"""Whether the EMR's records can be read, who would be left out, and which providers lack a Practitioner ID."""

from collections import Counter
from typing import Final

from sqlalchemy import func, literal, select
from sqlalchemy.exc import SQLAlchemyError

from ...domain import identifiers
from ...domain.refusals import Refused
from ...domain.wording import WORDING
from ...hooks import Health, Host
from ...settings import Settings
from ...store.tables import member, practitioner
from ..overview.next_submission import next_submission
from ..roster import member_rows
from ..roster.providers import everybody

_MANY_PER_CENT: Final = 10
_NAMED: Final = 10


def readable(host: Host, settings: Settings) -> Health:
    """Whether the EMR's records can be read and compared with ours, as the plugin does it. Reads a row of each."""
    patient, provider, merged = host.roster.patients(), host.roster.providers(), host.roster.merged()
    queries = {
        "patients": member_rows.members(host, now=host.clock.now()),
        "patients by PHN": host.roster.with_phn(literal("000000000")),
        "the last visits of patients": select(host.roster.last_visit_on(patient.c.patient_id, host.clock.now())),
        "providers": select(provider.c.provider_id).join_from(
            provider, practitioner, practitioner.c.provider_id == provider.c.provider_id
        ),
        "merges": select(merged.c.kept_id),
    }
    for what, query in queries.items():
        try:
            with host.database.engine.connect() as connection:
                connection.execute(query.limit(1)).all()
        except SQLAlchemyError as error:
            return Health.failure(
                f"The EMR's records cannot be read and joined with the plugin's: {what} ({type(error).__name__}).",
                "Check the EMR's database name and tables and the permissions of our account; then check again.",
            )
    return Health.ok("The EMR's patients, visits, providers and merges can be read.")


def left_out(host: Host, settings: Settings) -> Health:
    """Which share of the patients on panels would be left out now, and why. Reads every member and their last visit."""
    with host.database.engine.connect() as connection:
        patients = connection.scalar(select(func.count()).select_from(member)) or 0
        found = next_submission(connection, host, host.identity.system, settings, None)
    if not patients:
        return Health.ok("No patient is on a panel yet.")
    share = 100 * found.left_out / patients
    reasons = ", ".join(f"{WORDING[reason].label} {count:,}" for reason, count in Counter(found.reasons).most_common())
    told = f"{found.left_out:,} of {patients:,} patients on panels would be excluded ({share:.0f} %)"
    told = f"{told}: {reasons}." if reasons else f"{told}."
    remedy = "The page of each panel lists them, with how to fix each."
    if found.left_out == patients:
        return Health.failure(told, f"{remedy} If all have the same reason, check how the EMR stores that field.")
    return Health.warning(told, remedy) if share >= _MANY_PER_CENT else Health.ok(told)


def practitioner_ids(host: Host, settings: Settings) -> Health:
    """Whether those who are MRP of active patients have a Practitioner ID. Reads every provider, every patient once."""
    provider, patient = everybody(host), host.roster.patients()
    responsible = select(patient.c.mrp_id).where(
        patient.c.status == host.roster.active_status, patient.c.mrp_id.is_not(None)
    )
    query = (
        select(provider.c.provider_id, provider.c.practitioner_id)
        .where(provider.c.active, provider.c.provider_id.in_(responsible))
        .order_by(provider.c.provider_id)
    )
    with host.database.engine.connect() as connection:
        ids: dict[str, str | None] = dict(connection.execute(query).all())
    holders = Counter(filter(None, ids.values()))
    faults = {
        "without a Practitioner ID": [who for who, number in ids.items() if not number],
        "with one that is not nine digits": [who for who, number in ids.items() if number and not _fits(number)],
        "with one that another provider also has": [
            who for who, number in ids.items() if number and holders[number] > 1
        ],
    }
    told = [f"{len(whom)} {fault} ({_named(whom)})" for fault, whom in faults.items() if whom]
    if told:
        return Health.warning(
            f"Of {len(ids)} active providers with active patients: {', '.join(told)}.",
            "Enter the ID as issued, in the provider's EMR record or when you create the panel.",
        )
    return Health.ok(f"All active providers with active patients ({len(ids)}) have a Practitioner ID.")


def _fits(number: str) -> bool:
    try:
        identifiers.practitioner_id(number)
    except Refused:
        return False
    return True


def _named(providers: list[str]) -> str:
    named = ", ".join(providers[:_NAMED])
    return f"{named}, ..." if len(providers) > _NAMED else named
