"""What the FHIR interface keeps: versions of resources, clients, who read what, and exports."""

from typing import Any

from sqlalchemy import BigInteger, Column, Date, ForeignKey, Index, Integer, SmallInteger, Table

from ..types import Moment, digest, exact, long_text, serial
from .base import INNODB, metadata

# The last visits in Groups, frozen at each refresh: the host does not announce new ones.
last_visit = Table(
    "cpar_last_visit",
    metadata,
    Column("patient_id", BigInteger, primary_key=True, autoincrement=False),
    Column("last_visit_on", Date, nullable=False),
    sqlite_with_rowid=False,
    **INNODB,
)


def _version() -> tuple[Column[Any], ...]:
    """How a resource stood when it was last looked at: it has changed since when its digest is another one."""
    return (
        Column("digest", digest(), nullable=False),  # empty once it is gone
        Column("version", BigInteger, nullable=False),  # store.versions
        Column("last_updated", Moment, nullable=False),
        Column("gone_at", Moment),
    )


patient_version = Table(
    "cpar_patient_version",
    metadata,
    Column("patient_id", BigInteger, primary_key=True, autoincrement=False),
    *_version(),
    **INNODB,
)

# Of clinic, facilities, providers, and lines of reports.
resource_version = Table(
    "cpar_resource_version",
    metadata,
    Column("kind", exact(20), primary_key=True),
    Column("resource_id", exact(64), primary_key=True),
    *_version(),
    **INNODB,
)

# A system that reads panels through the FHIR interface. Revoked ones stay: the record of reads names them.
client = Table(
    "cpar_client",
    metadata,
    Column("client_id", serial(), primary_key=True),
    Column("name", exact(100), nullable=False),
    Column("live_name", exact(100), unique=True),  # the name until the client is revoked, then NULL
    Column("scopes", exact(250), nullable=False),  # domain.scopes.registered
    Column("jwks_url", exact(500)),  # where its public keys are, or
    Column("jwks", long_text()),  # the keys themselves (JSON): exactly one of the two
    Column("origins", exact(1000), nullable=False, default="", server_default=""),  # domain.origins.registered_origins
    Column("version", Integer, nullable=False, default=1),
    Column("created_at", Moment, nullable=False),
    Column("created_by", exact(60), nullable=False),
    Column("last_used_at", Moment),  # when it last got a token
    Column("revoked_at", Moment),
    Column("revoked_by", exact(60)),
    Column("held_at", Moment),  # on hold since a restore, until it is allowed again
    **INNODB,
)

# The only panels that a client may read; one without any here may read all.
client_panel = Table(
    "cpar_client_panel",
    metadata,
    Column("client_id", ForeignKey("cpar_client.client_id"), primary_key=True),
    Column("panel_id", ForeignKey("cpar_panel.panel_id"), primary_key=True),
    **INNODB,
)

client_token = Table(
    "cpar_client_token",
    metadata,
    Column("digest", exact(64), primary_key=True),  # SHA-256 of the token, which is kept nowhere
    Column("client_id", ForeignKey("cpar_client.client_id"), nullable=False),
    Column("scopes", exact(500), nullable=False),
    Column("expires_at", Moment, nullable=False),
    Index("cpar_client_token_of_client", "client_id", "expires_at"),
    **INNODB,
)

# An assertion that was used, until it would have expired: the key keeps it from being used again.
client_assertion = Table(
    "cpar_client_assertion",
    metadata,
    Column("client_id", ForeignKey("cpar_client.client_id"), primary_key=True),
    Column("jti_digest", exact(64), primary_key=True),  # SHA-256
    Column("expires_at", Moment, nullable=False),
    **INNODB,
)

# A confirmation that a client has sent, and what came of it: the key keeps it from being carried out twice.
client_confirmation = Table(
    "cpar_client_confirmation",
    metadata,
    Column("client_id", ForeignKey("cpar_client.client_id"), primary_key=True),
    Column("idempotency_key", exact(64), primary_key=True),
    Column("panel_id", BigInteger, nullable=False),
    Column("patient_id", BigInteger, nullable=False),
    Column("day", Date, nullable=False),
    Column("outcome", exact(20), nullable=False),  # services.panels.one_patient.MemberChange
    Column("at", Moment, nullable=False),
    Index("cpar_client_confirmation_at", "at"),
    **INNODB,
)

# Patients who were given out together, by any number of reads, stored once. What no read names any more is removed.
# In older rows they may be one.
read_set = Table(
    "cpar_read_set",
    metadata,
    Column("set_id", serial(), primary_key=True),
    Column("digest", digest(), nullable=False, unique=True),  # of the patients: services.clients.read_sets
    **INNODB,
)

read_set_patient = Table(
    "cpar_read_set_patient",
    metadata,
    Column("set_id", ForeignKey("cpar_read_set.set_id", ondelete="CASCADE"), primary_key=True),
    Column("patient_id", BigInteger, primary_key=True, autoincrement=False),
    Index("cpar_read_set_of_patient", "patient_id", "set_id"),
    sqlite_with_rowid=False,
    **INNODB,
)

# Every read of patients through the FHIR interface: only ever added to. No data of a patient but the id.
read = Table(
    "cpar_read",
    metadata,
    Column("read_id", serial(), primary_key=True),
    Column("at", Moment, nullable=False),
    Column("actor_id", exact(60), nullable=False),  # a person's, or a client's: client-7
    Column("interaction", exact(20), nullable=False),  # services.clients.read_log.Interaction
    Column("kind", exact(40), nullable=False),  # Patient, Group or Task
    Column("resource_id", exact(64), nullable=False),  # '' for a search
    Column("patients", Integer, nullable=False),  # how many were given out
    Column("address", exact(64), nullable=False),  # where the request came from
    # Who was given out: one patient, or the digest of several, which a read knows without asking. Both are NULL for
    # nobody, and for the files of an export.
    Column("patient_id", BigInteger),
    Column("set_digest", ForeignKey("cpar_read_set.digest")),
    Index("cpar_read_of_resource", "kind", "resource_id", "at"),
    Index("cpar_read_of_actor", "actor_id", "at"),
    Index("cpar_read_at", "at"),
    Index("cpar_read_of_patient", "patient_id", "at"),
    Index("cpar_read_of_set", "set_digest", "at"),
    **INNODB,
)

# How often a client or an address has done something in a minute. See services.clients.limits.
request_count = Table(
    "cpar_request_count",
    metadata,
    Column("name", exact(160), primary_key=True),  # what is counted, and for which client or address
    Column("number", Integer, nullable=False),
    Column("expires_at", Moment, nullable=False),  # the end of the minute
    Index("cpar_request_count_expiry", "expires_at"),
    **INNODB,
)

# A bulk export that was requested, until its files are removed. See services.exports.
export = Table(
    "cpar_export",
    metadata,
    Column("export_id", exact(36), primary_key=True),  # random: its address cannot be guessed
    Column("actor_id", exact(60), nullable=False),  # whose it is
    Column("open_actor_id", exact(60), unique=True),  # the same until it is finished, then NULL: one at a time
    Column("client_id", ForeignKey("cpar_client.client_id")),  # NULL for a person
    Column("panels", long_text()),  # JSON: the only panels that it is about; NULL for all
    Column("request_url", long_text(), nullable=False),
    Column("request", long_text(), nullable=False),  # JSON, services.exports.request.ExportRequest
    Column("created_at", Moment, nullable=False),
    Column("state", exact(20), nullable=False),  # domain.export.State
    Column("claim", exact(36)),  # who works on it, and the name of the folder with its files
    Column("claimed_until", Moment),
    Column("attempts", SmallInteger, nullable=False, default=0),
    Column("transaction_time", Moment),
    Column("expected", Integer),  # how many patients there are to go through
    Column("exported", Integer, nullable=False, default=0),  # of these
    Column("finished_at", Moment),
    Column("expires_at", Moment),
    Column("failure", long_text()),  # what its owner reads: why, and what to do
    Index("cpar_export_state", "state", "claimed_until"),
    **INNODB,
)

export_file = Table(
    "cpar_export_file",
    metadata,
    Column("export_id", ForeignKey("cpar_export.export_id", ondelete="CASCADE"), primary_key=True),
    Column("name", exact(40), primary_key=True),
    Column("section", exact(20), nullable=False),  # services.exports.files.Section
    Column("kind", exact(20), nullable=False),  # the resource type
    Column("resources", Integer, nullable=False),  # one on a line
    Column("patients", Integer, nullable=False),  # how many patients it is about
    Column("bytes", BigInteger, nullable=False),
    **INNODB,
)
