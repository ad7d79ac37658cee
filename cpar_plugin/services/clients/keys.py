"""The public keys of clients, as JSON Web Keys (RFC 7517): RSA for RS384, EC on P-384 for ES384, nothing else."""

from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import Any

import orjson
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from ...domain.private_keys import holds_private_key
from ...domain.refusals import Refused

ALGORITHMS = ("RS384", "ES384")
LARGEST_SET = 64 * 1024  # bytes

_FIELD = "jwks"
_MOST_KEYS = 20
_RSA_BITS = range(2048, 8193)  # larger ones only cost time
_PUBLIC = {"RSA": ("n", "e"), "EC": ("crv", "x", "y")}
_ALGORITHM_OF = {"RSA": "RS384", "EC": "ES384"}
_PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
_KEEP_PRIVATE = (
    "This contains a private key, which only the client may have. Stop using it: have a new key pair created, "
    "and enter only the public part."
)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One usable key with its id."""

    kid: str
    algorithm: str  # RS384 or ES384
    key: RSAKey | ECKey

    @property
    def label(self) -> str:
        """For people: `RSA, 2048 bits`."""
        if isinstance(self.key, RSAKey):
            return f"RSA, {self.key.raw_value.key_size} bits"
        return "EC, P-384"


def checked_set(text: str) -> str:
    """A set of keys that was entered, as JSON with nothing but their public parts.

    A single key is taken as a set of one. Raises Refused (`jwks`) that says what is wrong with which key.
    """
    if len(text.encode("utf-8", "replace")) > LARGEST_SET:
        raise _refused("This key set is too long.")
    if holds_private_key(text):
        raise _refused(_KEEP_PRIVATE)
    entries = _entries(text)
    if any(isinstance(entry, dict) and _PRIVATE & set(entry) for entry in entries):
        raise _refused(_KEEP_PRIVATE)
    if not entries:
        raise _refused("This key set is empty.")
    if len(entries) > _MOST_KEYS:
        raise _refused(f"At most {_MOST_KEYS} keys are allowed: remove keys no longer in use.")
    keys: dict[str, dict[str, str]] = {}
    for number, entry in enumerate(entries, 1):
        try:
            key = _public_key(entry)
        except Refused as refused:
            raise _refused(f"Key {number}: {refused.messages[_FIELD]}") from None
        if key.kid in keys:
            raise _refused(f"Key {number}: another key in this set has the same kid.")
        keys[key.kid] = _written(key, entry)
    return orjson.dumps({"keys": list(keys.values())}).decode()


def with_keys(key_set: str, entered: str) -> str:
    """A set with more keys in it: how a client goes over to new ones. Raises Refused (`jwks`) as `checked_set` does."""
    return checked_set(orjson.dumps({"keys": [*_entries(key_set), *_entries(checked_set(entered))]}).decode())


def without_key(key_set: str, kid: str) -> str:
    """A set without one of its keys. Raises Refused (`jwks`) when it is not there, or would be the last one."""
    entries = _entries(key_set)
    remaining = [entry for entry in entries if entry["kid"] != kid]
    if len(remaining) == len(entries):
        raise _refused("The client has no key with this kid.")
    if not remaining:
        raise _refused("This is the only key. Add the new key first, or revoke the client.")
    return orjson.dumps({"keys": remaining}).decode()


def usable(text: str | bytes) -> dict[str, PublicKey]:
    """Every usable key of a set, by its kid; others (for another purpose, with a private part) are passed over.

    Raises Refused (`jwks`) for what is no set of keys.
    """
    keys: dict[str, PublicKey] = {}
    for entry in _entries(text)[:_MOST_KEYS]:
        try:
            key = _public_key(entry)
        except Refused:
            continue
        keys.setdefault(key.kid, key)
    return keys


def _entries(text: str | bytes) -> list[Any]:
    try:
        document = orjson.loads(text)
    except ValueError:
        document = None
    if isinstance(document, dict) and "kty" in document:
        return [document]
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise _refused('Enter the public keys as a JSON Web Key Set: {"keys": [ ... ]}.')
    return keys


def _public_key(entry: Any) -> PublicKey:
    if not isinstance(entry, dict) or entry.get("kty") not in _PUBLIC:
        raise _refused("Only RSA keys (for RS384) and EC keys on the curve P-384 (for ES384) can be used.")
    if _PRIVATE & set(entry):
        raise _refused(_KEEP_PRIVATE)
    kind = entry["kty"]
    kid, algorithm = entry.get("kid"), _ALGORITHM_OF[kind]
    if not isinstance(kid, str) or not 0 < len(kid) <= 200 or not kid.isprintable():
        raise _refused("It must have a kid (key ID) of at most 200 characters.")
    if entry.get("alg", algorithm) != algorithm or entry.get("use", "sig") != "sig":
        raise _refused(f"It is for a different purpose: use must be sig and alg must be {algorithm}.")
    if kind == "EC" and entry.get("crv") != "P-384":
        raise _refused("Its curve must be P-384.")
    parts = {name: value for name in _PUBLIC[kind] if isinstance(value := entry.get(name), str) and len(value) <= 2048}
    if len(parts) < len(_PUBLIC[kind]) or len(parts.get("e", "")) > 8:
        raise _refused("It is incomplete.")
    try:
        if kind == "RSA" and int.from_bytes(urlsafe_b64decode(parts["n"] + "==")).bit_length() not in _RSA_BITS:
            raise _refused("An RSA key must have 2048 to 8192 bits.")
        key = _imported({"kty": kind, **parts})
    except (JoseError, ValueError, TypeError):
        raise _refused("It is not a valid key.") from None
    return PublicKey(kid, algorithm, key)


def _imported(parts: dict[str, str | list[str]]) -> RSAKey | ECKey:
    return RSAKey.import_key(parts) if parts["kty"] == "RSA" else ECKey.import_key(parts)


def _written(key: PublicKey, entry: dict[str, Any]) -> dict[str, str]:
    parts = {name: entry[name] for name in _PUBLIC[entry["kty"]]}
    return {"kty": entry["kty"], "kid": key.kid, "use": "sig", "alg": key.algorithm, **parts}


def _refused(message: str) -> Refused:
    return Refused({_FIELD: message})
