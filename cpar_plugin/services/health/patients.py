"""Whether the EMR's records can be read, who would be excluded, and which providers lack a Practitioner ID."""

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
from ..roster.providers import every_provider

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
    for subject, query in queries.items():
        try:
            with host.database.engine.connect() as connection:
                connection.execute(query.limit(1)).all()
        except SQLAlchemyError as error:
            return Health.failure(
                f"The EMR's records cannot be read and joined with the plugin's: {subject} ({type(error).__name__}).",
                "Check the EMR's database name and tables and the permissions of our account; then check again.",
            )
    return Health.ok("The EMR's patients, visits, providers and merges can be read.")


def exclusions(host: Host, settings: Settings) -> Health:
    """Which share of the patients on panels would be excluded now, and why. Reads every member and their last visit."""
    with host.database.engine.connect() as connection:
        patients = connection.scalar(select(func.count()).select_from(member)) or 0
        estimate = next_submission(connection, host, host.identity.system, settings, None)
    if not patients:
        return Health.ok("No patient is on a panel yet.")
    share = 100 * estimate.excluded / patients
    reasons = ", ".join(
        f"{WORDING[reason].label} {count:,}" for reason, count in Counter(estimate.reasons).most_common()
    )
    message = f"{estimate.excluded:,} of {patients:,} patients on panels would be excluded ({share:.0f} %)"
    message = f"{message}: {reasons}." if reasons else f"{message}."
    remedy = "The page of each panel lists them, with how to fix each."
    if estimate.excluded == patients:
        return Health.failure(message, f"{remedy} If all have the same reason, check how the EMR stores that field.")
    return Health.warning(message, remedy) if share >= _MANY_PER_CENT else Health.ok(message)


def practitioner_ids(host: Host, settings: Settings) -> Health:
    """Whether those who are MRP of active patients have a Practitioner ID. Reads every provider, every patient once."""
    provider, patient = every_provider(host), host.roster.patients()
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
        "without a Practitioner ID": [provider_id for provider_id, number in ids.items() if not number],
        "with one that is not nine digits": [
            provider_id for provider_id, number in ids.items() if number and not _fits(number)
        ],
        "with one that another provider also has": [
            provider_id for provider_id, number in ids.items() if number and holders[number] > 1
        ],
    }
    messages = [
        f"{len(provider_ids)} {fault} ({_named(provider_ids)})"
        for fault, provider_ids in faults.items()
        if provider_ids
    ]
    if messages:
        return Health.warning(
            f"Of {len(ids)} active providers with active patients: {', '.join(messages)}.",
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
    text = ", ".join(providers[:_NAMED])
    return f"{text}, ..." if len(providers) > _NAMED else text
