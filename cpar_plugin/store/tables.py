"""The plugin's tables. Civil dates are in the clinic's zone, moments in UTC.

`cpar_member` is the state now: its primary key is the rule of one panel per patient. `cpar_operation` with
`cpar_ledger` is how it came about: both are only ever added to.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, Date, ForeignKey, Index, Integer, MetaData, SmallInteger, Table

from .types import Moment, digest, exact, long_text, piece, serial

# Every constraint has a name, so that a later migration can change it on any database.
metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "fk": "%(table_name)s_%(column_0_name)s_fk",
        "uq": "%(table_name)s_%(column_0_name)s_uq",
    }
)

# Whatever the server's default engine: transactions and locks need this one.
INNODB: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_default_charset": "utf8mb4"}

# One row, which is also the lock: every change of membership first takes it for update.
clinic = Table(
    "cpar_clinic",
    metadata,
    Column("clinic_id", SmallInteger, primary_key=True, autoincrement=False),
    Column("enabled_at", Moment),  # NULL while the integration is off
    Column("name", exact(100), nullable=False, default=""),
    Column("site_id", exact(60), nullable=False, default=""),
    Column("version", Integer, nullable=False, default=1),
    **INNODB,
)

panel = Table(
    "cpar_panel",
    metadata,
    Column("panel_id", serial(), primary_key=True),
    Column("number", exact(60), nullable=False),
    Column("live_number", exact(60), unique=True),  # the number while the panel lives, NULL once it is deleted
    Column("notify", exact(254), nullable=False, default=""),
    Column("version", Integer, nullable=False, default=1),
    Column("created_at", Moment, nullable=False),
    Column("deleted_at", Moment),
    # Of the panel as a FHIR Group, see services.resources.groups. The digest is of all but the members.
    Column("group_version", Integer, nullable=False, default=1),
    Column("group_members_version", Integer, nullable=False, default=1),  # moves on when members or their dates do
    Column("group_changed_at", Moment),  # NULL: when it was created
    Column("group_digest", digest()),  # NULL: nobody has read it yet
    **INNODB,
)

panel_facility = Table(
    "cpar_panel_facility",
    metadata,
    Column("panel_id", ForeignKey("cpar_panel.panel_id"), primary_key=True),
    Column("position", SmallInteger, primary_key=True, autoincrement=False),
    Column("facility_id", exact(6), nullable=False),
    **INNODB,
)

panel_provider = Table(
    "cpar_panel_provider",
    metadata,
    Column("panel_id", ForeignKey("cpar_panel.panel_id"), primary_key=True),
    Column("position", SmallInteger, primary_key=True, autoincrement=False),
    Column("provider_id", exact(60), nullable=False),
    **INNODB,
)

practitioner = Table(
    "cpar_practitioner",
    metadata,
    Column("provider_id", exact(60), primary_key=True),
    Column("practitioner_id", exact(9), nullable=False, unique=True),
    **INNODB,
)

member = Table(
    "cpar_member",
    metadata,
    Column("patient_id", serial(), primary_key=True, autoincrement=False),
    Column("panel_id", ForeignKey("cpar_panel.panel_id"), nullable=False),
    Column("since", Moment, nullable=False),  # on this panel since
    Column("confirmed_on", Date),
    Column("confirmed_how", exact(30)),  # domain.confirmation.ConfirmedHow
    Index("cpar_member_of_panel", "panel_id", "patient_id"),
    **INNODB,
)

operation = Table(
    "cpar_operation",
    metadata,
    Column("operation_id", serial(), primary_key=True),
    Column("kind", exact(20), nullable=False),  # services.journal.Kind
    Column("at", Moment, nullable=False),
    Column("actor_id", exact(60), nullable=False),
    Column("panel_id", ForeignKey("cpar_panel.panel_id")),
    Column("from_panel_id", ForeignKey("cpar_panel.panel_id")),
    Column("undoes", ForeignKey("cpar_operation.operation_id"), unique=True),
    Column("form_key", exact(36), unique=True),  # of the form that asked for it: sent twice, it is carried out once
    Column("detail", long_text(), nullable=False, default="{}"),  # JSON; no patient data
    **INNODB,
)

# What an operation did to one patient: the membership before and afterwards, all NULL where there was none.
ledger = Table(
    "cpar_ledger",
    metadata,
    Column("operation_id", ForeignKey("cpar_operation.operation_id"), primary_key=True),
    Column("patient_id", BigInteger, primary_key=True, autoincrement=False),
    Column("from_panel_id", BigInteger),
    Column("from_since", Moment),
    Column("from_confirmed_on", Date),
    Column("from_confirmed_how", exact(30)),
    Column("to_panel_id", BigInteger),
    Column("to_since", Moment),
    Column("to_confirmed_on", Date),
    Column("to_confirmed_how", exact(30)),
    Index("cpar_ledger_of_patient", "patient_id", "operation_id"),
    sqlite_with_rowid=False,
    **INNODB,
)

# Whom a bulk operation concerned but did not change, and why, as things stood then: only ever added to.
left_alone = Table(
    "cpar_left_alone",
    metadata,
    Column("operation_id", ForeignKey("cpar_operation.operation_id"), primary_key=True),
    Column("patient_id", BigInteger, primary_key=True, autoincrement=False),
    Column("why", exact(20), nullable=False),  # services.orders.LeftAlone
    Column("status", exact(60), nullable=False),  # the patient's in the host, '' for none
    sqlite_with_rowid=False,
    **INNODB,
)

# A night that has been seen to, by its run or by marking what it missed: the key keeps a date from running twice.
night_run = Table(
    "cpar_night_run",
    metadata,
    Column("night", Date, primary_key=True),
    Column("began_at", Moment, nullable=False),
    Column("automatic", Date),  # the automatic date that it saw to
    **INNODB,
)

# When regular work was last done: its absence tells that the host's scheduler stands still.
heartbeat = Table(
    "cpar_heartbeat",
    metadata,
    Column("name", exact(40), primary_key=True),
    Column("at", Moment, nullable=False),
    **INNODB,
)

# A request to submit a panel and what became of it, in one row: see domain.submission.State.
submission = Table(
    "cpar_submission",
    metadata,
    Column("submission_id", serial(), primary_key=True),
    Column("panel_id", ForeignKey("cpar_panel.panel_id"), nullable=False),
    Column("open_panel_id", BigInteger, unique=True),  # the panel until the state is final, then NULL
    Column("automatic", Date),  # the automatic date that it serves; NULL when only a person asked
    Column("asked_at", Moment, nullable=False),
    Column("asked_by", exact(60), nullable=False),
    Column("due_on", Date, nullable=False),  # the night run that it goes with
    Column("state", exact(20), nullable=False),
    Column("claim", exact(36)),  # who works on it, until:
    Column("claimed_until", Moment),
    Column("snapshot_id", exact(36), unique=True),  # the Bundle identifier of what is or was sent
    Column("attempts", SmallInteger, nullable=False, default=0),
    Column("first_attempt_at", Moment),
    Column("next_attempt_at", Moment),
    Column("finished_at", Moment),  # delivered, written or failed at
    Column("answer_status", SmallInteger),
    Column("answer_id", exact(64)),  # the id of the Bundle that the registry returned
    Column("answer_detail", long_text()),  # the other side's words; may name a patient: for managers of panels only
    Column("failure", long_text()),  # what a person reads: why, and what to do
    Column("told_at", Moment),  # when those concerned were told of a failure
    Index("cpar_submission_automatic", "panel_id", "automatic", unique=True),
    Index("cpar_submission_state", "state", "next_attempt_at"),
    **INNODB,
)

# What was or would be sent, written before it is sent. Kept apart from its pieces, which may be removed earlier.
snapshot = Table(
    "cpar_snapshot",
    metadata,
    Column("snapshot_id", exact(36), primary_key=True),
    Column("panel_id", ForeignKey("cpar_panel.panel_id"), nullable=False),
    Column("taken_at", Moment, nullable=False),
    Column("sent", Integer, nullable=False),
    Column("left_out", Integer, nullable=False),
    Column("reasons", long_text(), nullable=False, default="{}"),  # JSON: members left out by domain.eligibility.Reason
    Column("body_bytes", BigInteger, nullable=False),
    Column("sha256", exact(64), nullable=False),  # of the body as sent
    **INNODB,
)

# The body, gzip, cut into pieces; and the index of who was in it (see services.snapshot).
snapshot_piece = Table(
    "cpar_snapshot_piece",
    metadata,
    Column("snapshot_id", exact(36), primary_key=True),
    Column("part", SmallInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("data", piece(), nullable=False),
    **INNODB,
)

left_out = Table(
    "cpar_left_out",
    metadata,
    Column("snapshot_id", exact(36), primary_key=True),
    Column("patient_id", BigInteger, primary_key=True, autoincrement=False),
    Column("reasons", exact(250), nullable=False),  # codes of domain.eligibility.Reason, joined by a space
    sqlite_with_rowid=False,
    **INNODB,
)

# The last visits that Groups tell, frozen at each refresh: the host tells nobody when one is added.
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
        Column("version", Integer, nullable=False),
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

# Of clinic, facilities and providers, who are few.
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
    Column("version", Integer, nullable=False, default=1),
    Column("created_at", Moment, nullable=False),
    Column("created_by", exact(60), nullable=False),
    Column("last_used_at", Moment),  # when it last got a token
    Column("revoked_at", Moment),
    Column("revoked_by", exact(60)),
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

# Every read of patients through the FHIR interface: only ever added to. No data of a patient but the id.
read = Table(
    "cpar_read",
    metadata,
    Column("read_id", serial(), primary_key=True),
    Column("at", Moment, nullable=False),
    Column("actor_id", exact(60), nullable=False),  # a person's, or a client's: client-7
    Column("interaction", exact(20), nullable=False),  # services.clients.reads.Interaction
    Column("kind", exact(40), nullable=False),  # Patient or Group
    Column("resource_id", exact(64), nullable=False),  # '' for a search
    Column("patients", Integer, nullable=False),  # how many were given out
    Index("cpar_read_of_resource", "kind", "resource_id", "at"),
    Index("cpar_read_of_actor", "actor_id", "at"),
    **INNODB,
)
