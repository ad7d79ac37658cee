"""How a client proves who it is: a JSON Web Token, signed with its own key (RFC 7523, SMART Backend Services)."""

import hashlib
import logging
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from joserfc import jws, jwt
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jws import JWSRegistry
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from ...domain.refusals import NotFound, Refused
from ...hooks import Host
from ...store import tables
from .jwks_url import PublishedKeys
from .keys import ALGORITHMS, PublicKey, usable
from .registry import Client, id_of, live_client, number_of

log = logging.getLogger(__name__)

LONGEST = 16 * 1024  # characters
AHEAD = timedelta(minutes=5)
CLOCKS_DIFFER = timedelta(seconds=30)  # the client's from ours, at most

_TABLE = tables.client_assertion


class _Headers(JWSRegistry):
    """What a header may hold: parameters that nobody here knows are ignored (RFC 7515, section 4)."""

    # A chain of certificates (x5c), and the signature of an RSA key of 8192 bits, are longer than joserfc's own limits.
    max_header_length = max_signature_length = LONGEST


_HEADERS = _Headers(algorithms=ALGORITHMS, strict_check_header=False)


class NotAccepted(Exception):
    """The assertion proves nothing. The message says why, in plain ASCII without quotation marks, for its sender."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a valid assertion says: whose it is, its id, and until when it is good."""

    client: Client
    jti: str
    good_until: datetime


def verify(host: Host, published: PublishedKeys, assertion: str, token_url: str) -> Proof:
    """The proof in an assertion that is good for `token_url` now. Raises NotAccepted for any other, and Busy.

    The signature is checked before anything that the assertion says is believed, its issuer apart: that names the keys.
    """
    header, claims = _opened(assertion)
    try:
        with host.database.engine.connect() as connection:
            client = live_client(connection, _text(claims, "iss"))
    except NotFound:
        raise NotAccepted("The client is not registered here, or has been revoked.") from None
    if client.held_at:
        raise NotAccepted(
            "This client has been on hold since the clinic restored a backup. Ask the clinic to allow it."
        )
    key = _key(client, header, published)
    try:
        verified = jwt.decode(assertion, key.key, algorithms=[key.algorithm], registry=_HEADERS).claims
    except BadSignatureError:
        raise NotAccepted("The signature does not match the key with this kid.") from None
    except (JoseError, ValueError, TypeError):
        raise NotAccepted("The assertion header has a parameter with an invalid value.") from None
    return _checked_proof(client, verified, token_url, host.clock.now())


def claimed_client(assertion: str) -> str:
    """Whose an assertion claims to be, which nothing has proved yet; '' where it names no client id."""
    try:
        _, claims = _opened(assertion)
    except NotAccepted:
        return ""
    number = number_of(_text(claims, "iss"))
    return id_of(number) if number else ""


def use(host: Host, proof: Proof) -> None:
    """Note that the assertion was used. Raises NotAccepted when it was before."""
    with host.database.session() as session:
        client = tables.client.c
        session.execute(select(client.client_id).where(client.client_id == proof.client.number).with_for_update())
        session.execute(
            delete(_TABLE).where(_TABLE.c.client_id == proof.client.number, _TABLE.c.expires_at < host.clock.now())
        )
        digest = hashlib.sha256(proof.jti.encode("utf-8", "surrogatepass")).hexdigest()
        try:
            session.execute(
                insert(_TABLE).values(
                    client_id=proof.client.number, jti_digest=digest, expires_at=proof.good_until + CLOCKS_DIFFER
                )
            )
        except IntegrityError:
            raise NotAccepted("This assertion (its jti) was used before. Sign a new one for each token.") from None


def _opened(assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
    if len(assertion) > LONGEST or not assertion.isascii():
        raise NotAccepted("The assertion is not a JSON Web Token, or is too long.")
    try:
        opened = jws.extract_compact(assertion.encode(), registry=_HEADERS)
        header = dict(opened.headers())
    except (JoseError, ValueError, TypeError, RecursionError):
        raise NotAccepted("The assertion is not a signed JSON Web Token.") from None
    if "crit" in header:
        raise NotAccepted("The assertion header demands an extension (crit), and none is supported here.")
    try:
        claims = orjson.loads(opened.payload)
    except ValueError:
        raise NotAccepted("The claims of the assertion are not JSON.") from None
    if not isinstance(claims, dict):
        raise NotAccepted("The assertion contains no claims.")
    return header, claims


def _key(client: Client, header: dict[str, Any], published: PublishedKeys) -> PublicKey:
    if header.get("alg") not in ALGORITHMS:
        raise NotAccepted("The assertion must be signed with RS384 or ES384.")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise NotAccepted("The assertion header must have a kid, the ID of the signing key.")
    try:
        key = published.find(client.jwks_url, kid) if client.jwks_url else usable(client.jwks or "").get(kid)
    except Refused as refused:
        log.warning("the keys of %s cannot be fetched: %s", client.client_id, refused)
        raise NotAccepted("The keys of this client cannot currently be fetched from its JWKS URL.") from None
    if key is None:
        raise NotAccepted("The client has no key with this kid.")
    if key.algorithm != header["alg"]:
        raise NotAccepted("The key with this kid is for a different algorithm.")
    return key


def _checked_proof(client: Client, claims: dict[str, Any], token_url: str, now: datetime) -> Proof:
    if _text(claims, "iss") != client.client_id or _text(claims, "sub") != client.client_id:
        raise NotAccepted("iss and sub must both be the client ID.")
    if claims.get("aud") not in (token_url, [token_url]):
        raise NotAccepted(f"aud must be the URL of this token endpoint: {token_url}".translate(_NO_QUOTES))
    until = _moment(claims, "exp", now)
    if until is None or until <= now - CLOCKS_DIFFER:
        raise NotAccepted("The assertion has expired, or has no exp.")
    if until > now + AHEAD + CLOCKS_DIFFER:
        raise NotAccepted("exp must be at most five minutes in the future.")
    for name in ("nbf", "iat"):
        moment = _moment(claims, name, now) if name in claims else now
        if moment is None or moment > now + CLOCKS_DIFFER:
            raise NotAccepted(f"The assertion is not valid yet ({name}): check the client's clock.")
    jti = _text(claims, "jti")
    if not 0 < len(jti) <= 255:
        raise NotAccepted("The assertion must have a unique jti of at most 255 characters.")
    return Proof(client, jti, until)


_NO_QUOTES = {ord('"'): "%22", ord("\\"): "%5C"}


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def _moment(claims: dict[str, Any], name: str, now: datetime) -> datetime | None:
    """A NumericDate, None for anything else. Far away ones are brought near enough to be compared."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    seconds = min(max(value - now.timestamp(), -1e9), 1e9)
    return now + timedelta(seconds=seconds)
