"""What the guard of submissions keeps."""

import sqlalchemy as sa
from alembic import op

from cpar_plugin.store.types import Moment, exact, long_text

revision = "0007"
down_revision = "0006"

_SUBMISSION = "cpar_submission"


def upgrade() -> None:
    # MariaDB keeps what was made before a migration was cut off: what is there already is left as it is.
    present = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(_SUBMISSION)}
    for column in (
        sa.Column("releases", sa.BigInteger()),
        sa.Column("guard_note", long_text()),
        sa.Column("release_requested_by", exact(60)),
        sa.Column("release_requested_at", Moment()),
    ):
        if column.name not in present:
            op.add_column(_SUBMISSION, column)


def downgrade() -> None:
    present = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(_SUBMISSION)}
    for name in ("release_requested_at", "release_requested_by", "guard_note", "releases"):
        if name in present:
            op.drop_column(_SUBMISSION, name)
