"""Which certificates a secured connection trusts: one context for each, the same on every Python.

Python 3.13 began to check certificates strictly (`VERIFY_X509_STRICT`: RFC 5280 to the letter). So do we on all
of them, unless the setting `strict_certificates` says no.
"""

import ssl
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from ..domain.refusals import Refused
from .deadline import LimitedTLS
from .strictness import LENIENT, authorities, objection

# What OpenSSL says only when it checks strictly; 79 (no authority's certificate) it says otherwise too, of other ones.
# X509_V_ERR_*, include/openssl/x509_vfy.h.
_STRICT: Final = range(78, 94)


def trusting(ca_file: str, setting: str, *, strict: bool) -> ssl.SSLContext:
    """The context of a client that trusts the authorities in a PEM file, or the public ones where none is named.

    Raises Refused (`setting`) for a file that cannot be used, and where strict checking would accept no server by it.
    """
    if ca_file and strict:
        _check_authorities(ca_file, setting)
    try:
        context = ssl.create_default_context(cafile=ca_file or DEFAULT_CA_BUNDLE_PATH)
    except (OSError, ValueError) as error:
        raise unusable(setting, error) from None
    # An authority in the file is trusted, regardless of its issuer.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if strict:
        context.verify_flags |= ssl.VERIFY_X509_STRICT
    else:
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.hostname_checks_common_name = False
    context.sslsocket_class = LimitedTLS
    return context


def trusting_alike(ca_file: str, setting: str, *, strict: bool) -> ssl.SSLContext:
    """The same for all who name this file, as long as it does not change: to read the public authorities takes 20 ms.

    Nobody may add a certificate of their own to it. Raises Refused as `trusting` does.
    """
    path = ca_file or DEFAULT_CA_BUNDLE_PATH
    try:
        status = Path(path).stat()
    except OSError as error:
        raise unusable(setting, error) from None
    return _kept(ca_file, setting, strict, (path, status.st_mtime_ns, status.st_size, status.st_ino))


@lru_cache(maxsize=8)
def _kept(ca_file: str, setting: str, strict: bool, _: object) -> ssl.SSLContext:
    return trusting(ca_file, setting, strict=strict)


def distrusted(
    error: BaseException, host: str, advice: str = "Check the URL and who issued the certificate."
) -> str | None:
    """Why the certificate of the other side was not accepted, and what to do; None where something else failed.

    Where it is the setting `strict_certificates` that refused the certificate, the advice is about that instead.
    """
    for cause in causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            reason = cause.verify_message.rstrip(".")
            remedy = LENIENT if cause.verify_code in _STRICT else advice
            return f"The certificate of {host} could not be verified ({reason}). {remedy}"
    return None


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and what led to it, one after the other. urllib3 packs what TLS has raised into an error of its own."""
    while error is not None:
        yield error
        packed = next((part for part in error.args if isinstance(part, BaseException)), None)
        error = error.__cause__ or error.__context__ or packed


def unusable(setting: str, error: Exception) -> Refused:
    """The refusal of a file with certificates or a key that cannot be read or used."""
    reason = (error.strerror if isinstance(error, OSError) else None) or "not a usable file of this kind"
    return Refused({setting: f"{setting}: cannot be used ({reason}). Use PEM files; the key must have no passphrase."})


def _check_authorities(ca_file: str, setting: str) -> None:
    try:
        certificates = authorities(Path(ca_file).read_bytes())
    except (OSError, ValueError) as error:
        raise unusable(setting, error) from None
    objections: Sequence[str] = [
        sentence for certificate in certificates if (sentence := objection(certificate, authority=True))
    ]
    if certificates and len(objections) == len(certificates):
        raise Refused({setting: f"{setting}: {objections[0]} {LENIENT}"})
