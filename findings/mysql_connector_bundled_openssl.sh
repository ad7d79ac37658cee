#!/bin/sh
# mysql-connector-python 26.10.0 does without its part in C on Debian 12, and does not say so.
#
# Its wheel brings an OpenSSL of its own, under the name of the system's (`libssl.so.3`), and `mysql.connector` imports
# Python's `ssl` first. What is loaded by then is the system's OpenSSL 3.0; the extension asks for symbols of 3.2, is
# not loaded, and all goes through pure Python: `HAVE_CEXT` is False, a connection works, and only `use_pure=False`
# says "C Extension not available", not why. Imported before `ssl`, the same extension loads. 9.7.0, the release
# before, asked for no symbol that Debian's OpenSSL lacks. Decision 111 has what rows take without it.
#
# Seen on 30 November 2026 with Python 3.11 on Debian 12 (OpenSSL 3.0). Fails when the part is
# loaded after all, as it will be with the system's OpenSSL at 3.2 or newer.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

for version in 9.7.0 26.10.0; do
    python3 -m venv "$folder/$version"
done
"$folder/9.7.0/bin/pip" install --quiet --disable-pip-version-check --only-binary=:all: mysql-connector-python==9.7.0
"$folder/26.10.0/bin/pip" install --quiet --disable-pip-version-check --only-binary=:all: mysql-connector-python==26.10.0

for version in 9.7.0 26.10.0; do
    "$folder/$version/bin/python" - <<'PROGRAM'
import mysql.connector

print(mysql.connector.__version__, "has its part in C:", mysql.connector.HAVE_CEXT)
try:
    import _mysql_connector
except ImportError as error:
    print("  after ssl:", str(error).split(": ")[1].partition(" (")[0])
else:
    print("  after ssl: loaded")
PROGRAM
    "$folder/$version/bin/python" -c 'import _mysql_connector, ssl; print("  before ssl: loaded")'
done >"$folder/seen"

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
9.7.0 has its part in C: True
  after ssl: loaded
  before ssl: loaded
26.10.0 has its part in C: False
  after ssl: version `OPENSSL_3.2.0' not found
  before ssl: loaded
EXPECTED
