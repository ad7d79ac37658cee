#!/bin/sh
# joserfc refuses a valid client assertion of SMART Backend Services twice before it checks the signature.
#
# SMART App Launch 2.2.0 names RS384 and ES384 for client assertions; joserfc 1.8.0 takes neither for "recommended", so
# that signing and reading fail unless `algorithms` is given. And RFC 7515, section 4, says that header parameters that
# are not understood must be ignored; joserfc refuses every token that has one, such as a product's name beside `kid`,
# also with `algorithms`. A registry of its own with `strict_check_header=False` reads it. PyJWT 2.10.1 reads both.
#
# Seen on 28 November 2026 with Python 3.11 on Debian 12. Fails when one of the answers changes.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check joserfc==1.8.0 'pyjwt[crypto]==2.10.1'

"$folder/venv/bin/python" - >"$folder/seen" <<'PROGRAM'
import jwt as pyjwt
from joserfc import jwt
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry

key = ECKey.generate_key("P-384")
private, public = key.as_pem(private=True), key.as_pem(private=False)
claims = {"iss": "client-1", "sub": "client-1"}
plain = pyjwt.encode(claims, private, "ES384", headers={"kid": "1"})
with_product = pyjwt.encode(claims, private, "ES384", headers={"kid": "1", "product": "panel reader"})

lenient = JWSRegistry(algorithms=["ES384"], strict_check_header=False)
for name, token, options in (
    ("plain", plain, {}),
    ("plain, algorithms given", plain, {"algorithms": ["ES384"]}),
    ("private header, algorithms given", with_product, {"algorithms": ["ES384"]}),
    ("private header, registry of its own", with_product, {"registry": lenient}),
):
    try:
        print(name, "| joserfc:", jwt.decode(token, key, **options).claims["iss"], end=" ")
    except Exception as error:
        print(name, "| joserfc:", error, end=" ")
    print("| PyJWT:", pyjwt.decode(token, public, algorithms=["ES384"])["iss"])
PROGRAM

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
plain | joserfc: unsupported_algorithm: Algorithm of 'ES384' is not recommended | PyJWT: client-1
plain, algorithms given | joserfc: client-1 | PyJWT: client-1
private header, algorithms given | joserfc: unsupported_header: Unsupported {'product'} in header | PyJWT: client-1
private header, registry of its own | joserfc: client-1 | PyJWT: client-1
EXPECTED
