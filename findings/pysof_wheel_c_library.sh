#!/bin/sh
# The wheels of pysof for Linux ask for a newer C library than their name says, and hide why nothing works.
#
# `manylinux_2_34` promises that glibc 2.34 is enough, so pip installs the wheel on Debian 12 (2.36). In pysof 0.2.6 the
# bundled libcrypto needs GLIBC_2.38: the extension does not load, `import pysof` works all the same, and every call says
# `NotImplementedError: Rust extension module not available`. `import pysof._pysof` shows the reason.
# It is the same in 0.1.2, the oldest that was tried.
#
# Seen on 29 November 2026 with Python 3.11 on Debian 12. Fails when the wheel asks for another version.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --platform=manylinux_2_34_x86_64 --python-version=3.11 --target="$folder/wheel" pysof==0.2.6

"$folder/venv/bin/python" - "$folder/wheel" >"$folder/seen" <<'PROGRAM'
import re
import sys
from pathlib import Path

folder = Path(sys.argv[1])
[tags] = folder.glob("pysof-*.dist-info/WHEEL")
print(re.search("manylinux_[0-9]+_[0-9]+", tags.read_text())[0])
for library in sorted(folder.rglob("*.so*")):
    versions = {tuple(map(int, one.split(b"."))) for one in re.findall(rb"\0GLIBC_([0-9.]+)(?=\0)", library.read_bytes())}
    print(re.split("[-.]", library.name)[0], "needs", ".".join(map(str, max(versions))))
PROGRAM

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
manylinux_2_34
_pysof needs 2.34
libcrypto needs 2.38
libssl needs 2.34
libzstd needs 2.34
EXPECTED
