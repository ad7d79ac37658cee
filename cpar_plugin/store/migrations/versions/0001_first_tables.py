"""The first tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from cpar_plugin.store.types import Moment, digest, exact, long_text, piece, serial

revision = "0001"
down_revision = None

# MariaDB keeps what was made before a migration was cut off: whatever is there already is left as it is.
TABLE: dict[str, Any] = {
    "if_not_exists": True,
    "mysql_engine": "InnoDB",
    "mysql_default_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}


def upgrade() -> None:
    op.create_table(
        "cpar_clinic",
        sa.Column("clinic_id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("enabled_at", Moment()),
        sa.Column("name", exact(100), nullable=False),
        sa.Column("site_id", exact(60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("exclusions_seen_at", Moment()),
        sa.Column("checklist_dismissed_at", Moment()),
        sa.Column("check_in_question", exact(300)),
        sa.Column("check_in_question_not_paneled", exact(300)),
        sa.Column("removal_reasons", long_text()),
        sa.Column("removal_reason_required_at", Moment()),
        sa.Column("restored_at", Moment()),
        sa.PrimaryKeyConstraint("clinic_id", name="cpar_clinic_pk"),
        **TABLE,
    )
    op.create_table(
        "cpar_heartbeat",
        sa.Column("name", exact(40), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("zone_offsets", exact(16), nullable=False),
        sa.PrimaryKeyConstraint("name", name="cpar_heartbeat_pk"),
        **TABLE,
    )
    op.create_table(
        "cpar_exclusion",
        sa.Column("snapshot_id", exact(36), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reasons", exact(250), nullable=False),
        sa.PrimaryKeyConstraint("snapshot_id", "patient_id", name="cpar_exclusion_pk"),
        sqlite_with_rowid=False,
        **TABLE,
    )
    op.create_table(
        "cpar_night_run",
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("began_at", Moment(), nullable=False),
        sa.Column("automatic", sa.Date()),
        sa.PrimaryKeyConstraint("night", name="cpar_night_run_pk"),
        **TABLE,
    )
    op.create_table(
        "cpar_panel",
        sa.Column("panel_id", serial(), nullable=False),
        sa.Column("number", exact(60), nullable=False),
        sa.Column("live_number", exact(60)),
        sa.Column("notify", exact(254), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("deleted_at", Moment()),
        sa.Column("group_version", sa.BigInteger(), nullable=False),
        sa.Column("group_members_version", sa.Integer(), nullable=False),
        sa.Column("group_changed_at", Moment()),
        sa.Column("group_digest", digest()),
        sa.PrimaryKeyConstraint("panel_id", name="cpar_panel_pk"),
        sa.UniqueConstraint("live_number", name="cpar_panel_live_number_uq"),
        **TABLE,
    )
    op.create_table(
        "cpar_practitioner",
        sa.Column("provider_id", exact(60), nullable=False),
        sa.Column("practitioner_id", exact(9), nullable=False),
        sa.PrimaryKeyConstraint("provider_id", name="cpar_practitioner_pk"),
        sa.UniqueConstraint("practitioner_id", name="cpar_practitioner_practitioner_id_uq"),
        **TABLE,
    )
    op.create_table(
        "cpar_snapshot_piece",
        sa.Column("snapshot_id", exact(36), nullable=False),
        sa.Column("part", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("data", piece(), nullable=False),
        sa.PrimaryKeyConstraint("snapshot_id", "part", "position", name="cpar_snapshot_piece_pk"),
        **TABLE,
    )
    op.create_table(
        "cpar_member",
        sa.Column("patient_id", serial(), autoincrement=False, nullable=False),
        sa.Column("panel_id", serial(), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("confirmed_on", sa.Date()),
        sa.Column("confirmed_how", exact(30)),
        sa.PrimaryKeyConstraint("patient_id", name="cpar_member_pk"),
        sa.ForeignKeyConstraint(["panel_id"], ["cpar_panel.panel_id"], name="cpar_member_panel_id_fk"),
        **TABLE,
    )
    op.create_index("cpar_member_of_panel", "cpar_member", ["panel_id", "patient_id"], if_not_exists=True)
    op.create_table(
        "cpar_operation",
        sa.Column("operation_id", serial(), nullable=False),
        sa.Column("kind", exact(20), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("actor_id", exact(60), nullable=False),
        sa.Column("panel_id", serial()),
        sa.Column("from_panel_id", serial()),
        sa.Column("undoes", serial()),
        sa.Column("form_key", exact(36)),
        sa.Column("detail", long_text(), nullable=False),
        sa.PrimaryKeyConstraint("operation_id", name="cpar_operation_pk"),
        sa.ForeignKeyConstraint(["from_panel_id"], ["cpar_panel.panel_id"], name="cpar_operation_from_panel_id_fk"),
        sa.ForeignKeyConstraint(["panel_id"], ["cpar_panel.panel_id"], name="cpar_operation_panel_id_fk"),
        sa.ForeignKeyConstraint(["undoes"], ["cpar_operation.operation_id"], name="cpar_operation_undoes_fk"),
        sa.UniqueConstraint("form_key", name="cpar_operation_form_key_uq"),
        sa.UniqueConstraint("undoes", name="cpar_operation_undoes_uq"),
        **TABLE,
    )
    op.create_table(
        "cpar_panel_facility",
        sa.Column("panel_id", serial(), nullable=False),
        sa.Column("position", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("facility_id", exact(6), nullable=False),
        sa.PrimaryKeyConstraint("panel_id", "position", name="cpar_panel_facility_pk"),
        sa.ForeignKeyConstraint(["panel_id"], ["cpar_panel.panel_id"], name="cpar_panel_facility_panel_id_fk"),
        **TABLE,
    )
    op.create_table(
        "cpar_panel_provider",
        sa.Column("panel_id", serial(), nullable=False),
        sa.Column("position", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("provider_id", exact(60), nullable=False),
        sa.PrimaryKeyConstraint("panel_id", "position", name="cpar_panel_provider_pk"),
        sa.ForeignKeyConstraint(["panel_id"], ["cpar_panel.panel_id"], name="cpar_panel_provider_panel_id_fk"),
        **TABLE,
    )
    op.create_table(
        "cpar_snapshot",
        sa.Column("snapshot_id", exact(36), nullable=False),
        sa.Column("panel_id", serial(), nullable=False),
        sa.Column("taken_at", Moment(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("excluded", sa.Integer(), nullable=False),
        sa.Column("reasons", long_text(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("body_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", exact(64), nullable=False),
        sa.PrimaryKeyConstraint("snapshot_id", name="cpar_snapshot_pk"),
        sa.ForeignKeyConstraint(["panel_id"], ["cpar_panel.panel_id"], name="cpar_snapshot_panel_id_fk"),
        **TABLE,
    )
    op.create_table(
        "cpar_submission",
        sa.Column("submission_id", serial(), nullable=False),
        sa.Column("panel_id", serial(), nullable=False),
        sa.Column("open_panel_id", sa.BigInteger()),
        sa.Column("automatic", sa.Date()),
        sa.Column("requested_at", Moment(), nullable=False),
        sa.Column("requested_by", exact(60), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("state", exact(20), nullable=False),
        sa.Column("claim", exact(36)),
        sa.Column("claimed_until", Moment()),
        sa.Column("snapshot_id", exact(36)),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("first_attempt_at", Moment()),
        sa.Column("next_attempt_at", Moment()),
        sa.Column("in_doubt_since", Moment()),
        sa.Column("finished_at", Moment()),
        sa.Column("answer_status", sa.SmallInteger()),
        sa.Column("answer_id", exact(64)),
        sa.Column("answer_detail", long_text()),
        sa.Column("failure", long_text()),
        sa.Column("notified_at", Moment()),
        sa.PrimaryKeyConstraint("submission_id", name="cpar_submission_pk"),
        sa.ForeignKeyConstraint(["panel_id"], ["cpar_panel.panel_id"], name="cpar_submission_panel_id_fk"),
        sa.UniqueConstraint("open_panel_id", name="cpar_submission_open_panel_id_uq"),
        sa.UniqueConstraint("snapshot_id", name="cpar_submission_snapshot_id_uq"),
        **TABLE,
    )
    op.create_index(
        "cpar_submission_automatic", "cpar_submission", ["panel_id", "automatic"], unique=True, if_not_exists=True
    )
    op.create_index("cpar_submission_state", "cpar_submission", ["state", "next_attempt_at"], if_not_exists=True)
    op.create_table(
        "cpar_ledger",
        sa.Column("operation_id", serial(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("from_panel_id", sa.BigInteger()),
        sa.Column("from_since", Moment()),
        sa.Column("from_confirmed_on", sa.Date()),
        sa.Column("from_confirmed_how", exact(30)),
        sa.Column("to_panel_id", sa.BigInteger()),
        sa.Column("to_since", Moment()),
        sa.Column("to_confirmed_on", sa.Date()),
        sa.Column("to_confirmed_how", exact(30)),
        sa.PrimaryKeyConstraint("operation_id", "patient_id", name="cpar_ledger_pk"),
        sa.ForeignKeyConstraint(["operation_id"], ["cpar_operation.operation_id"], name="cpar_ledger_operation_id_fk"),
        sqlite_with_rowid=False,
        **TABLE,
    )
    op.create_index("cpar_ledger_of_patient", "cpar_ledger", ["patient_id", "operation_id"], if_not_exists=True)
    op.create_table(
        "cpar_operation_panel",
        sa.Column("operation_id", serial(), nullable=False),
        sa.Column("panel_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("kept", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("operation_id", "panel_id", name="cpar_operation_panel_pk"),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["cpar_operation.operation_id"], name="cpar_operation_panel_operation_id_fk"
        ),
        sqlite_with_rowid=False,
        **TABLE,
    )
    op.create_index(
        "cpar_operation_panel_of_panel", "cpar_operation_panel", ["panel_id", "operation_id"], if_not_exists=True
    )
    op.create_table(
        "cpar_skipped",
        sa.Column("operation_id", serial(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", exact(20), nullable=False),
        sa.Column("status", exact(60), nullable=False),
        sa.PrimaryKeyConstraint("operation_id", "patient_id", name="cpar_skipped_pk"),
        sa.ForeignKeyConstraint(["operation_id"], ["cpar_operation.operation_id"], name="cpar_skipped_operation_id_fk"),
        sqlite_with_rowid=False,
        **TABLE,
    )
    op.create_table(
        "cpar_inherited",
        sa.Column("retired_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kept_id", sa.BigInteger(), nullable=False),
        sa.Column("operation_id", serial(), nullable=False),
        sa.Column("review_since", Moment()),
        sa.PrimaryKeyConstraint("retired_id", name="cpar_inherited_pk"),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["cpar_operation.operation_id"], name="cpar_inherited_operation_id_fk"
        ),
        sqlite_with_rowid=False,
        **TABLE,
    )
    op.create_index("cpar_inherited_by", "cpar_inherited", ["kept_id"], if_not_exists=True)
    op.create_table(
        "cpar_check_in",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("answer", exact(20), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("actor_id", exact(60), nullable=False),
        sa.PrimaryKeyConstraint("day", "patient_id", name="cpar_check_in_pk"),
        sqlite_with_rowid=False,
        **TABLE,
    )
    op.create_table(
        "cpar_confirmation_rate",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("panel_id", serial(), nullable=False),
        sa.Column("visited", sa.Integer()),
        sa.Column("in_person", sa.Integer(), nullable=False),
        sa.Column("members", sa.Integer(), nullable=False),
        sa.Column("confirmed", sa.Integer(), nullable=False),
        sa.Column("within_months", sa.Integer(), nullable=False),
        sa.Column("counted_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("month", "panel_id", name="cpar_confirmation_rate_pk"),
        sa.ForeignKeyConstraint(["panel_id"], ["cpar_panel.panel_id"], name="cpar_confirmation_rate_panel_id_fk"),
        sqlite_with_rowid=False,
        **TABLE,
    )
    op.create_table(
        "cpar_answer",
        sa.Column("patient_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("caution", exact(40), nullable=False),
        sa.Column("operation_id", serial(), nullable=False),
        sa.Column("fingerprint", exact(32)),
        sa.PrimaryKeyConstraint("patient_id", "caution", "operation_id", name="cpar_answer_pk"),
        sa.ForeignKeyConstraint(["operation_id"], ["cpar_operation.operation_id"], name="cpar_answer_operation_id_fk"),
        sqlite_with_rowid=False,
        **TABLE,
    )
    op.create_table(
        "cpar_look",
        sa.Column("look_id", serial(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("actor_id", exact(60), nullable=False),
        sa.Column("role", exact(250), nullable=False),
        sa.Column("page", exact(60), nullable=False),
        sa.Column("path", exact(250), nullable=False),
        sa.Column("address", exact(64), nullable=False),
        sa.PrimaryKeyConstraint("look_id", name="cpar_look_pk"),
        **TABLE,
    )
    op.create_index("cpar_look_at", "cpar_look", ["at"], if_not_exists=True)
    op.create_index("cpar_look_of_actor", "cpar_look", ["actor_id", "at"], if_not_exists=True)
    op.create_table(
        "cpar_look_patient",
        sa.Column("look_id", serial(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("look_id", "patient_id", name="cpar_look_patient_pk"),
        sa.ForeignKeyConstraint(["look_id"], ["cpar_look.look_id"], name="cpar_look_patient_look_id_fk"),
        sqlite_with_rowid=False,
        **TABLE,
    )
    op.create_index("cpar_look_of_patient", "cpar_look_patient", ["patient_id", "look_id"], if_not_exists=True)
    op.create_table(
        "cpar_last_visit",
        sa.Column("patient_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_visit_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("patient_id", name="cpar_last_visit_pk"),
        sqlite_with_rowid=False,
        **TABLE,
    )
    op.create_table(
        "cpar_patient_version",
        sa.Column("patient_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", digest(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("last_updated", Moment(), nullable=False),
        sa.Column("gone_at", Moment()),
        sa.PrimaryKeyConstraint("patient_id", name="cpar_patient_version_pk"),
        **TABLE,
    )
    op.create_table(
        "cpar_resource_version",
        sa.Column("kind", exact(20), nullable=False),
        sa.Column("resource_id", exact(64), nullable=False),
        sa.Column("digest", digest(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("last_updated", Moment(), nullable=False),
        sa.Column("gone_at", Moment()),
        sa.PrimaryKeyConstraint("kind", "resource_id", name="cpar_resource_version_pk"),
        **TABLE,
    )
    op.create_table(
        "cpar_client",
        sa.Column("client_id", serial(), nullable=False),
        sa.Column("name", exact(100), nullable=False),
        sa.Column("live_name", exact(100)),
        sa.Column("scopes", exact(250), nullable=False),
        sa.Column("jwks_url", exact(500)),
        sa.Column("jwks", long_text()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("created_by", exact(60), nullable=False),
        sa.Column("last_used_at", Moment()),
        sa.Column("revoked_at", Moment()),
        sa.Column("revoked_by", exact(60)),
        sa.Column("held_at", Moment()),
        sa.PrimaryKeyConstraint("client_id", name="cpar_client_pk"),
        sa.UniqueConstraint("live_name", name="cpar_client_live_name_uq"),
        **TABLE,
    )
    op.create_table(
        "cpar_client_panel",
        sa.Column("client_id", serial(), nullable=False),
        sa.Column("panel_id", serial(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "panel_id", name="cpar_client_panel_pk"),
        sa.ForeignKeyConstraint(["client_id"], ["cpar_client.client_id"], name="cpar_client_panel_client_id_fk"),
        sa.ForeignKeyConstraint(["panel_id"], ["cpar_panel.panel_id"], name="cpar_client_panel_panel_id_fk"),
        **TABLE,
    )
    op.create_table(
        "cpar_client_confirmation",
        sa.Column("client_id", serial(), nullable=False),
        sa.Column("idempotency_key", exact(64), nullable=False),
        sa.Column("panel_id", sa.BigInteger(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("outcome", exact(20), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "idempotency_key", name="cpar_client_confirmation_pk"),
        sa.ForeignKeyConstraint(["client_id"], ["cpar_client.client_id"], name="cpar_client_confirmation_client_id_fk"),
        **TABLE,
    )
    op.create_index("cpar_client_confirmation_at", "cpar_client_confirmation", ["at"], if_not_exists=True)
    op.create_table(
        "cpar_client_token",
        sa.Column("digest", exact(64), nullable=False),
        sa.Column("client_id", serial(), nullable=False),
        sa.Column("scopes", exact(500), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="cpar_client_token_pk"),
        sa.ForeignKeyConstraint(["client_id"], ["cpar_client.client_id"], name="cpar_client_token_client_id_fk"),
        **TABLE,
    )
    op.create_index("cpar_client_token_of_client", "cpar_client_token", ["client_id", "expires_at"], if_not_exists=True)
    op.create_table(
        "cpar_client_assertion",
        sa.Column("client_id", serial(), nullable=False),
        sa.Column("jti_digest", exact(64), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "jti_digest", name="cpar_client_assertion_pk"),
        sa.ForeignKeyConstraint(["client_id"], ["cpar_client.client_id"], name="cpar_client_assertion_client_id_fk"),
        **TABLE,
    )
    op.create_table(
        "cpar_read",
        sa.Column("read_id", serial(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("actor_id", exact(60), nullable=False),
        sa.Column("interaction", exact(20), nullable=False),
        sa.Column("kind", exact(40), nullable=False),
        sa.Column("resource_id", exact(64), nullable=False),
        sa.Column("patients", sa.Integer(), nullable=False),
        sa.Column("address", exact(64), nullable=False),
        sa.PrimaryKeyConstraint("read_id", name="cpar_read_pk"),
        **TABLE,
    )
    op.create_index("cpar_read_of_resource", "cpar_read", ["kind", "resource_id", "at"], if_not_exists=True)
    op.create_index("cpar_read_of_actor", "cpar_read", ["actor_id", "at"], if_not_exists=True)
    op.create_index("cpar_read_at", "cpar_read", ["at"], if_not_exists=True)
    op.create_table(
        "cpar_read_patient",
        sa.Column("read_id", serial(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("read_id", "patient_id", name="cpar_read_patient_pk"),
        sa.ForeignKeyConstraint(["read_id"], ["cpar_read.read_id"], name="cpar_read_patient_read_id_fk"),
        sqlite_with_rowid=False,
        **TABLE,
    )
    op.create_index("cpar_read_of_patient", "cpar_read_patient", ["patient_id", "read_id"], if_not_exists=True)
    op.create_table(
        "cpar_export",
        sa.Column("export_id", exact(36), nullable=False),
        sa.Column("actor_id", exact(60), nullable=False),
        sa.Column("open_actor_id", exact(60)),
        sa.Column("client_id", serial()),
        sa.Column("panels", long_text()),
        sa.Column("request_url", long_text(), nullable=False),
        sa.Column("request", long_text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("state", exact(20), nullable=False),
        sa.Column("claim", exact(36)),
        sa.Column("claimed_until", Moment()),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("transaction_time", Moment()),
        sa.Column("expected", sa.Integer()),
        sa.Column("exported", sa.Integer(), nullable=False),
        sa.Column("finished_at", Moment()),
        sa.Column("expires_at", Moment()),
        sa.Column("failure", long_text()),
        sa.PrimaryKeyConstraint("export_id", name="cpar_export_pk"),
        sa.ForeignKeyConstraint(["client_id"], ["cpar_client.client_id"], name="cpar_export_client_id_fk"),
        sa.UniqueConstraint("open_actor_id", name="cpar_export_open_actor_id_uq"),
        **TABLE,
    )
    op.create_index("cpar_export_state", "cpar_export", ["state", "claimed_until"], if_not_exists=True)
    op.create_table(
        "cpar_export_file",
        sa.Column("export_id", exact(36), nullable=False),
        sa.Column("name", exact(40), nullable=False),
        sa.Column("section", exact(20), nullable=False),
        sa.Column("kind", exact(20), nullable=False),
        sa.Column("resources", sa.Integer(), nullable=False),
        sa.Column("patients", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("export_id", "name", name="cpar_export_file_pk"),
        sa.ForeignKeyConstraint(
            ["export_id"], ["cpar_export.export_id"], name="cpar_export_file_export_id_fk", ondelete="CASCADE"
        ),
        **TABLE,
    )
    op.create_table(
        "cpar_kept",
        sa.Column("token_hash", exact(64), nullable=False),
        sa.Column("owner", exact(100), nullable=False),
        sa.Column("sealed", piece(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="cpar_kept_pk"),
        **TABLE,
    )
    op.create_index("cpar_kept_expiry", "cpar_kept", ["expires_at"], if_not_exists=True)
    op.create_table(
        "cpar_list_layout",
        sa.Column("purpose", exact(20), nullable=False),
        sa.Column("fingerprint", exact(64), nullable=False),
        sa.Column("reading", long_text(), nullable=False),
        sa.Column("saved_at", Moment(), nullable=False),
        sa.Column("saved_by", exact(60), nullable=False),
        sa.PrimaryKeyConstraint("purpose", "fingerprint", name="cpar_list_layout_pk"),
        **TABLE,
    )
    op.create_table(
        "cpar_upload",
        sa.Column("upload_id", exact(32), nullable=False),
        sa.Column("actor_id", exact(60), nullable=False),
        sa.Column("purpose", exact(20), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("name", exact(100), nullable=False),
        sa.Column("panel_id", sa.BigInteger()),
        sa.Column("reading", long_text()),
        sa.PrimaryKeyConstraint("upload_id", name="cpar_upload_pk"),
        **TABLE,
    )
    op.create_index("cpar_upload_of_actor", "cpar_upload", ["actor_id", "purpose"], unique=True, if_not_exists=True)
    op.create_table(
        "cpar_upload_piece",
        sa.Column("upload_id", exact(32), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("data", piece(), nullable=False),
        sa.PrimaryKeyConstraint("upload_id", "position", name="cpar_upload_piece_pk"),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["cpar_upload.upload_id"], name="cpar_upload_piece_upload_id_fk", ondelete="CASCADE"
        ),
        **TABLE,
    )
    op.create_table(
        "cpar_upload_row",
        sa.Column("upload_id", exact(32), nullable=False),
        sa.Column("row_number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("phn", exact(20), nullable=False),
        sa.Column("family_name", exact(60), nullable=False),
        sa.Column("given_name", exact(60), nullable=False),
        sa.Column("family_key", exact(60), nullable=False),
        sa.Column("given_key", exact(60), nullable=False),
        sa.Column("birth_date", exact(40), nullable=False),
        sa.Column("gender", exact(1), nullable=False),
        sa.Column("panel_text", exact(100), nullable=False),
        sa.Column("panel_id", sa.BigInteger()),
        sa.Column("details", long_text(), nullable=False),
        sa.Column("line_key", exact(64), nullable=False),
        sa.PrimaryKeyConstraint("upload_id", "row_number", name="cpar_upload_row_pk"),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["cpar_upload.upload_id"], name="cpar_upload_row_upload_id_fk", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
        **TABLE,
    )
    op.create_index(
        "cpar_upload_row_by_phn",
        "cpar_upload_row",
        ["upload_id", "phn", "birth_date", "family_key"],
        if_not_exists=True,
    )
    op.create_index(
        "cpar_upload_row_by_birth_date",
        "cpar_upload_row",
        ["upload_id", "birth_date", "family_key", "given_key", "gender", "phn"],
        if_not_exists=True,
    )
    op.create_table(
        "cpar_upload_match",
        sa.Column("upload_id", exact(32), nullable=False),
        sa.Column("row_number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("patient_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("how", exact(20), nullable=False),
        sa.Column("accepted", sa.Boolean(create_constraint=False), nullable=False),
        sa.PrimaryKeyConstraint("upload_id", "row_number", "patient_id", name="cpar_upload_match_pk"),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["cpar_upload.upload_id"], name="cpar_upload_match_upload_id_fk", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
        **TABLE,
    )
    op.create_table(
        "cpar_upload_patient",
        sa.Column("upload_id", exact(32), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("panel_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("upload_id", "patient_id", name="cpar_upload_patient_pk"),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["cpar_upload.upload_id"], name="cpar_upload_patient_upload_id_fk", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
        **TABLE,
    )
    op.create_table(
        "cpar_report",
        sa.Column("report_id", serial(), nullable=False),
        sa.Column("kind", exact(20), nullable=False),
        sa.Column("panel_id", sa.BigInteger()),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("actor_id", exact(60), nullable=False),
        sa.Column("name", exact(100), nullable=False),
        sa.Column("sha256", exact(64), nullable=False),
        sa.Column("reading", long_text(), nullable=False),
        sa.Column("rows_read", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("report_id", name="cpar_report_pk"),
        sqlite_autoincrement=True,
        **TABLE,
    )
    op.create_index("cpar_report_received", "cpar_report", ["received_at"], if_not_exists=True)
    op.create_index("cpar_report_file", "cpar_report", ["sha256"], unique=True, if_not_exists=True)
    op.create_table(
        "cpar_report_piece",
        sa.Column("report_id", serial(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("data", piece(), nullable=False),
        sa.PrimaryKeyConstraint("report_id", "position", name="cpar_report_piece_pk"),
        sa.ForeignKeyConstraint(["report_id"], ["cpar_report.report_id"], name="cpar_report_piece_report_id_fk"),
        **TABLE,
    )
    op.create_table(
        "cpar_report_row",
        sa.Column("report_id", serial(), nullable=False),
        sa.Column("row_number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("line_key", exact(64), nullable=False),
        sa.Column("phn", exact(20), nullable=False),
        sa.Column("family_name", exact(60), nullable=False),
        sa.Column("given_name", exact(60), nullable=False),
        sa.Column("birth_date", exact(40), nullable=False),
        sa.Column("gender", exact(1), nullable=False),
        sa.Column("panel_text", exact(100), nullable=False),
        sa.Column("details", long_text(), nullable=False),
        sa.Column("matches", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.BigInteger()),
        sa.Column("how", exact(20)),
        sa.Column("accepted", sa.Boolean(create_constraint=False), nullable=False),
        sa.PrimaryKeyConstraint("report_id", "row_number", name="cpar_report_row_pk"),
        sa.ForeignKeyConstraint(["report_id"], ["cpar_report.report_id"], name="cpar_report_row_report_id_fk"),
        sqlite_with_rowid=False,
        **TABLE,
    )
    op.create_index(
        "cpar_report_row_by_key", "cpar_report_row", ["report_id", "line_key"], unique=True, if_not_exists=True
    )
    op.create_index("cpar_report_row_of_patient", "cpar_report_row", ["patient_id"], if_not_exists=True)
    op.create_table(
        "cpar_report_line",
        sa.Column("line_id", serial(), nullable=False),
        sa.Column("kind", exact(20), nullable=False),
        sa.Column("panel_id", sa.BigInteger(), nullable=False),
        sa.Column("line_key", exact(64), nullable=False),
        sa.Column("report_id", serial(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("closed_at", Moment()),
        sa.Column("state", exact(20), nullable=False),
        sa.Column("owner_id", exact(60)),
        sa.Column("note", exact(500), nullable=False),
        sa.Column("changed_at", Moment()),
        sa.Column("changed_by", exact(60)),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("line_id", name="cpar_report_line_pk"),
        sa.ForeignKeyConstraint(["report_id"], ["cpar_report.report_id"], name="cpar_report_line_report_id_fk"),
        sqlite_autoincrement=True,
        **TABLE,
    )
    key = ["kind", "panel_id", "line_key"]
    op.create_index("cpar_report_line_by_key", "cpar_report_line", key, unique=True, if_not_exists=True)
    op.create_index("cpar_report_line_of_report", "cpar_report_line", ["report_id", "line_key"], if_not_exists=True)
    op.create_index("cpar_report_line_closed", "cpar_report_line", ["closed_at", "opened_at"], if_not_exists=True)
    op.create_table(
        "cpar_exclusion_line",
        sa.Column("patient_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", exact(40), nullable=False),
        sa.Column("panel_id", serial(), nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("closed_at", Moment()),
        sa.Column("closing", exact(20)),
        sa.Column("state", exact(20), nullable=False),
        sa.Column("owner_id", exact(60)),
        sa.Column("note", exact(500), nullable=False),
        sa.Column("changed_at", Moment()),
        sa.Column("changed_by", exact(60)),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("patient_id", "reason", name="cpar_exclusion_line_pk"),
        sa.ForeignKeyConstraint(["panel_id"], ["cpar_panel.panel_id"], name="cpar_exclusion_line_panel_id_fk"),
        sqlite_with_rowid=False,
        **TABLE,
    )
    op.create_index("cpar_exclusion_line_closed", "cpar_exclusion_line", ["closed_at", "panel_id"], if_not_exists=True)
    op.create_table(
        "cpar_exclusion_comparison",
        sa.Column("comparison_id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("compared_at", Moment()),
        sa.Column("whole_at", Moment()),
        sa.Column("operation_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("comparison_id", name="cpar_exclusion_comparison_pk"),
        **TABLE,
    )
    op.create_table(
        "cpar_exclusion_found",
        sa.Column("patient_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", exact(40), nullable=False),
        sa.Column("panel_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("patient_id", "reason", name="cpar_exclusion_found_pk"),
        sqlite_with_rowid=False,
        **TABLE,
    )
    op.execute(
        "INSERT INTO cpar_exclusion_comparison (comparison_id, operation_id) "
        "SELECT 1, 0 WHERE NOT EXISTS (SELECT 1 FROM cpar_exclusion_comparison)"
    )
    op.execute(
        "INSERT INTO cpar_clinic (clinic_id, name, site_id, version) "
        "SELECT 1, '', '', 1 WHERE NOT EXISTS (SELECT 1 FROM cpar_clinic)"
    )


def downgrade() -> None:
    op.drop_table("cpar_kept", if_exists=True)
    op.drop_table("cpar_report_line", if_exists=True)
    op.drop_table("cpar_report_row", if_exists=True)
    op.drop_table("cpar_report_piece", if_exists=True)
    op.drop_table("cpar_report", if_exists=True)
    op.drop_table("cpar_upload_patient", if_exists=True)
    op.drop_table("cpar_upload_match", if_exists=True)
    op.drop_table("cpar_upload_row", if_exists=True)
    op.drop_table("cpar_upload_piece", if_exists=True)
    op.drop_table("cpar_upload", if_exists=True)
    op.drop_table("cpar_list_layout", if_exists=True)
    op.drop_table("cpar_exclusion_found", if_exists=True)
    op.drop_table("cpar_exclusion_comparison", if_exists=True)
    op.drop_table("cpar_exclusion_line", if_exists=True)
    op.drop_table("cpar_export_file", if_exists=True)
    op.drop_table("cpar_export", if_exists=True)
    op.drop_table("cpar_read_patient", if_exists=True)
    op.drop_table("cpar_read", if_exists=True)
    op.drop_table("cpar_client_assertion", if_exists=True)
    op.drop_table("cpar_client_token", if_exists=True)
    op.drop_table("cpar_client_panel", if_exists=True)
    op.drop_table("cpar_client_confirmation", if_exists=True)
    op.drop_table("cpar_client", if_exists=True)
    op.drop_table("cpar_resource_version", if_exists=True)
    op.drop_table("cpar_patient_version", if_exists=True)
    op.drop_table("cpar_last_visit", if_exists=True)
    op.drop_table("cpar_look_patient", if_exists=True)
    op.drop_table("cpar_look", if_exists=True)
    op.drop_table("cpar_answer", if_exists=True)
    op.drop_table("cpar_confirmation_rate", if_exists=True)
    op.drop_table("cpar_check_in", if_exists=True)
    op.drop_table("cpar_inherited", if_exists=True)
    op.drop_table("cpar_skipped", if_exists=True)
    op.drop_table("cpar_operation_panel", if_exists=True)
    op.drop_table("cpar_ledger", if_exists=True)
    op.drop_table("cpar_submission", if_exists=True)
    op.drop_table("cpar_snapshot", if_exists=True)
    op.drop_table("cpar_panel_provider", if_exists=True)
    op.drop_table("cpar_panel_facility", if_exists=True)
    op.drop_table("cpar_operation", if_exists=True)
    op.drop_table("cpar_member", if_exists=True)
    op.drop_table("cpar_snapshot_piece", if_exists=True)
    op.drop_table("cpar_practitioner", if_exists=True)
    op.drop_table("cpar_panel", if_exists=True)
    op.drop_table("cpar_night_run", if_exists=True)
    op.drop_table("cpar_exclusion", if_exists=True)
    op.drop_table("cpar_heartbeat", if_exists=True)
    op.drop_table("cpar_clinic", if_exists=True)
