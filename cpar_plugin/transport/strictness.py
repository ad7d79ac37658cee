"""What strict checking has against a certificate, in words (RFC 5280, section 4.2, as OpenSSL 3 checks it)."""

from collections.abc import Iterable
from typing import Final, TypeVar

from cryptography import x509

LENIENT: Final = (
    "Have it reissued according to RFC 5280; until then strict_certificates = no accepts what Python 3.12 accepted."
)
_Type = TypeVar("_Type", bound=x509.ExtensionType)


def authorities(content: bytes) -> list[x509.Certificate]:
    """The certificates of a PEM file. Raises ValueError for a file without any."""
    return x509.load_pem_x509_certificates(content)


def objection(certificate: x509.Certificate, *, authority: bool) -> str | None:
    """A sentence with the certificate's name and what strict checking would refuse it for, None when it is right.

    `authority`: it has issued others. A server may also be trusted by its own certificate, to which no rule for
    authorities applies.
    """
    try:
        faults = list(_faults(certificate, authority=authority))
    except ValueError:
        faults = ["an extension that cannot be read"]
    if not faults:
        return None
    name = certificate.subject.rfc4514_string() or "(no name)"
    issuer = certificate.issuer.rfc4514_string() or "(no name)"
    by = "" if issuer == name else f", issued by {issuer},"
    return f"The certificate {name}{by} has {' and '.join(faults)}."


def _faults(certificate: x509.Certificate, *, authority: bool) -> Iterable[str]:
    constraints, usage = _extension(certificate, x509.BasicConstraints), _extension(certificate, x509.KeyUsage)
    names = _extension(certificate, x509.SubjectAlternativeName)
    self_signed = certificate.issuer == certificate.subject
    if authority and self_signed and names:
        return
    if not self_signed and not _extension(certificate, x509.AuthorityKeyIdentifier):
        yield "no Authority Key Identifier"
    if authority:
        yield from _faults_of_an_authority(certificate, constraints, usage)
        return
    may_sign = usage is not None and usage.value.key_cert_sign
    if may_sign and not (constraints and constraints.value.ca):
        yield "the right to sign certificates (Key Usage) without being an authority's"
    if names is not None and not list(names.value):
        yield "an empty Subject Alternative Name"
    elif not certificate.subject.rdns and names and not names.critical:
        yield "no name, and a Subject Alternative Name that is not critical"


def _faults_of_an_authority(
    certificate: x509.Certificate,
    constraints: x509.Extension[x509.BasicConstraints] | None,
    usage: x509.Extension[x509.KeyUsage] | None,
) -> Iterable[str]:
    if not certificate.subject.rdns:
        yield "no name"
    if certificate.version is x509.Version.v1:
        yield "version 1, which cannot say that it is an authority's"
        return
    if constraints is None or not constraints.value.ca:
        yield "no Basic Constraints that make it an authority's"
    elif not constraints.critical:
        yield "Basic Constraints that are not marked critical"
    if usage is None:
        yield "no Key Usage"
    if not _extension(certificate, x509.SubjectKeyIdentifier):
        yield "no Subject Key Identifier"


def _extension(certificate: x509.Certificate, kind: type[_Type]) -> x509.Extension[_Type] | None:
    try:
        return certificate.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None
