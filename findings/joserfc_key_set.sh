#!/bin/sh
# joserfc reads no key of a set in which one key is on a curve that it does not know.
#
# RFC 7517 section 5: of a set, keys of a kind that is not understood or out of the supported range should be ignored.
# joserfc 1.8.0 ignores a key whose `kty` it does not know, but raises KeyError for the whole set when the `crv` of one
# is unknown, such as BP-256 (brainpoolP256r1) beside the P-384 that SMART Backend Services signs with: a client that
# adds such a key to its set for somebody else can no longer be authenticated. PyJWT 2.15.1 and jwcrypto 1.6.1 find the
# P-384 key. Import the keys of a set one by one, and skip those that raise ValueError or KeyError.
#
# Seen on 28 November 2026 with Python 3.11 on Debian 12. Fails when one of the three answers in another way.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check joserfc==1.8.0 PyJWT==2.15.1 jwcrypto==1.6.1

"$folder/venv/bin/python" - >"$folder/seen" <<'PROGRAM'
import json
from base64 import urlsafe_b64encode

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import KeySet
from jwcrypto.jwk import JWKSet
from jwt import PyJWKSet


def public_key(curve, name):
    numbers = ec.generate_private_key(curve).public_key().public_numbers()
    size = (curve.key_size + 7) // 8
    x, y = (urlsafe_b64encode(part.to_bytes(size, "big")).decode().rstrip("=") for part in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": name, "x": x, "y": y, "use": "sig", "kid": name}


READERS = {
    "joserfc": lambda keys: KeySet.import_key_set(keys).get_by_kid("P-384"),
    "PyJWT": lambda keys: PyJWKSet.from_dict(keys)["P-384"],
    "jwcrypto": lambda keys: JWKSet.from_json(json.dumps(keys)).get_key("P-384"),
}
smart = public_key(ec.SECP384R1(), "P-384")
for beside in (public_key(ec.SECP256K1(), "secp256k1"), {"kty": "NEW", "kid": "NEW"}, public_key(ec.BrainpoolP256R1(), "BP-256")):
    for name, find in READERS.items():
        try:
            print(beside["kid"], name, "finds the key" if find({"keys": [smart, beside]}) else "finds no key")
        except Exception as error:
            print(beside["kid"], name, repr(error))
PROGRAM

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
secp256k1 joserfc finds the key
secp256k1 PyJWT finds the key
secp256k1 jwcrypto finds the key
NEW joserfc finds the key
NEW PyJWT finds the key
NEW jwcrypto finds the key
BP-256 joserfc KeyError('BP-256')
BP-256 PyJWT finds the key
BP-256 jwcrypto finds the key
EXPECTED
