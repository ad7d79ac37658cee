#!/bin/sh
# PyMySQL reads every authority that the machine trusts for each connection, although it uses none of them.
#
# Since 1.2 a connection without options for TLS prefers it. PyMySQL 1.2.4 makes the SSL context for that before it
# connects, with Python's create_default_context, which loads all authorities of the machine, and then turns checking
# off; it does so for a Unix socket of a server without TLS, too, and anew for every connection. It was 50 ms of
# processor time a connection here (0.1 ms with ssl_disabled=True): most of what a short program or a test spends with
# its database. Give ssl_disabled=True over a socket; a context made once, as `ssl=`, asks for TLS and insists on it.
#
# Seen on 28 November 2026 with Python 3.11 on Debian 12. Fails when the contexts made are others than counted below.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check PyMySQL==1.2.4

"$folder/venv/bin/python" - >"$folder/seen" <<'PROGRAM'
import ssl

import pymysql

make, made = ssl.create_default_context, []


def noted(*args, **options):
    made.append(make(*args, **options))
    return made[-1]


ssl.create_default_context = noted
for label, options in (
    ("socket", {"unix_socket": "/run/mysqld/mysqld.sock"}),
    ("socket, TLS disabled", {"unix_socket": "/run/mysqld/mysqld.sock", "ssl_disabled": True}),
    ("address", {"host": "127.0.0.1"}),
):
    made.clear()
    for _ in range(3):
        pymysql.connect(user="clinic", defer_connect=True, **options)
    unused = all(context.verify_mode == ssl.CERT_NONE and context.cert_store_stats()["x509_ca"] for context in made)
    print(f"{label}: 3 connections, {len(made)} contexts{', authorities loaded and not used' * bool(made and unused)}")
PROGRAM

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
socket: 3 connections, 3 contexts, authorities loaded and not used
socket, TLS disabled: 3 connections, 0 contexts
address: 3 connections, 3 contexts, authorities loaded and not used
EXPECTED
