#!/bin/sh
# Two readers of the same export tell different hours for Alberta after 1 November 2026.
#
# Alberta has been on UTC-6 all year since 18 June 2026; the IANA rules show it from 1 November 2026 on (release 2026c).
# polars 2.1.0 has time zone rules compiled into it, from before that, and asks neither the operating system nor the
# package tzdata. DuckDB 2.0.1 has newer ones compiled into it, and Python's zoneinfo takes those of the package
# tzdata 2026.6 when PYTHONTZPATH is empty. So a `lastUpdated` of 12:00 UTC is shown as 05:00 by one and 06:00 by the
# others, in one process. Convert to Alberta time with zoneinfo, and hand polars times that are converted already.
#
# Seen on 28 November 2026 with Python 3.11 on Debian 12. Fails when any of the three says otherwise.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check polars==2.1.0 duckdb==2.0.1 tzdata==2026.6

PYTHONTZPATH='' "$folder/venv/bin/python" - >"$folder/seen" <<'PROGRAM'
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import duckdb
import polars

ZONE = "America/Edmonton"
updated = datetime(2026, 12, 1, 12, tzinfo=UTC)

print("zoneinfo", updated.astimezone(ZoneInfo(ZONE)).strftime("%H:%M %z"))
print("polars", polars.Series([updated]).dt.convert_time_zone(ZONE).dt.strftime("%H:%M %z")[0])
connection = duckdb.connect()
connection.execute(f"SET timezone = '{ZONE}'")
(text,) = connection.execute("SELECT CAST(TIMESTAMPTZ '2026-12-01 12:00:00+00' AS VARCHAR)").fetchone()
print("duckdb", text.split()[1])
PROGRAM

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
zoneinfo 06:00 -0600
polars 05:00 -0700
duckdb 06:00:00-06
EXPECTED
