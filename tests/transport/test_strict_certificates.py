"""Certificates that do not follow RFC 5280: refused alike on every Python, by name, unless a setting lets them pass."""

import ssl
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cpar_plugin.domain.refusals import Refused
from cpar_plugin.transport.strictness import objection
from cpar_plugin.transport.trust import distrusted, trusting, trusting_alike

from ..authority import Authority, Extensions, key_usage

AS_AUTHORITY = x509.BasicConstraints(ca=True, path_length=None)
SERVER = "server.example"


class Fault(NamedTuple):
    """How a certificate is wrong, and what is said about it."""

    said: str
    own: Extensions = MappingProxyType({})
    issued: Extensions = MappingProxyType({})
    names: tuple[str, str] = ("Test Authority", SERVER)  # of the authority and of what it issues


OF_THE_AUTHORITY = [
    Fault("no Subject Key Identifier", own={x509.SubjectKeyIdentifier: None}),
    Fault("Basic Constraints that are not marked critical", own={x509.BasicConstraints: (AS_AUTHORITY, False)}),
    Fault("no Basic Constraints that make it an authority's", own={x509.BasicConstraints: None}),
    Fault("no Key Usage", own={x509.KeyUsage: None}),
    Fault("no name", names=("", SERVER)),
]
SIGNING = key_usage(key_cert_sign=True, digital_signature=True)
OF_THE_SERVER = [
    Fault("no Authority Key Identifier", issued={x509.AuthorityKeyIdentifier: None}),
    Fault("the right to sign certificates", issued={x509.KeyUsage: (SIGNING, True)}),
    Fault(
        "the right to sign certificates",
        issued={
            x509.KeyUsage: (SIGNING, True),
            x509.BasicConstraints: (x509.BasicConstraints(ca=False, path_length=None), True),
        },
    ),
    Fault("no name, and a Subject Alternative Name that is not critical", names=("Test Authority", "")),
]


def made(fault: Fault, folder: Path) -> tuple[Authority, str, str]:
    authority = Authority(folder, name=fault.names[0], own=fault.own, issued=fault.issued)
    return authority, *authority.issue(SERVER, subject=fault.names[1])


def handshake(client: ssl.SSLContext, certificate: str, key: str) -> None:
    """Of a client with a server that has the certificate. Raises what the client's `ssl` raises."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=SERVER),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    while ends:
        for end in list(ends):
            try:
                end.do_handshake()
                ends.remove(end)
            except ssl.SSLWantReadError:
                pass


def test_what_follows_the_rules_is_accepted_strictly(tmp_path: Path) -> None:
    authority, certificate, key = made(Fault(""), tmp_path)
    handshake(trusting(authority.file, "ca_file", strict=True), certificate, key)
    assert objection(authority.certificate, authority=True) is None


@pytest.mark.parametrize("fault", OF_THE_AUTHORITY, ids=lambda fault: fault.said)
def test_an_authority_that_no_one_would_be_accepted_by_is_refused_at_start_by_name(
    fault: Fault, tmp_path: Path
) -> None:
    authority, certificate, key = made(fault, tmp_path)
    with pytest.raises(Refused) as refused:
        trusting(authority.file, "registry_ca_file", strict=True)
    name = f"CN={fault.names[0]}" if fault.names[0] else "(no name)"
    assert f"registry_ca_file: The certificate {name} has {fault.said}" in str(refused.value)
    assert "strict_certificates = no" in str(refused.value)
    lenient = trusting(authority.file, "registry_ca_file", strict=False)
    handshake(lenient, certificate, key)
    lenient.verify_flags |= ssl.VERIFY_X509_STRICT  # OpenSSL says the same
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(lenient, certificate, key)


@pytest.mark.parametrize("fault", OF_THE_SERVER, ids=lambda fault: fault.said)
def test_a_server_whose_certificate_breaks_a_rule_is_not_trusted_and_the_setting_is_named(
    fault: Fault, tmp_path: Path
) -> None:
    authority, certificate, key = made(fault, tmp_path)
    handshake(trusting(authority.file, "ca_file", strict=False), certificate, key)
    with pytest.raises(ssl.SSLCertVerificationError) as distrust:
        handshake(trusting(authority.file, "ca_file", strict=True), certificate, key)
    assert "strict_certificates = no" in str(distrusted(distrust.value, SERVER))
    objections_text = objection(x509.load_pem_x509_certificate(Path(certificate).read_bytes()), authority=False)
    assert fault.said in str(objections_text)
    assert "issued by CN=Test Authority" in str(objections_text)


def test_a_certificate_of_version_1_is_no_authority(tmp_path: Path) -> None:
    old = of_version_1(Authority(tmp_path).certificate)
    said = objection(x509.load_der_x509_certificate(old), authority=True)
    assert "version 1" in str(said)
    file = tmp_path / "old.pem"
    file.write_text(ssl.DER_cert_to_PEM_cert(old))
    with pytest.raises(Refused, match="version 1"):
        trusting(str(file), "oscar_ca_file", strict=True)
    trusting(str(file), "oscar_ca_file", strict=False)


def test_a_file_with_one_right_authority_among_others_is_taken(tmp_path: Path) -> None:
    authority, certificate, key = made(Fault(""), tmp_path)
    (tmp_path / "old").mkdir()
    old = Authority(tmp_path / "old", name="Old Authority", own={x509.KeyUsage: None})
    both = tmp_path / "both.pem"
    both.write_text(Path(old.file).read_text() + Path(authority.file).read_text())
    handshake(trusting(str(both), "ca_file", strict=True), certificate, key)


def test_a_server_that_is_its_own_authority_is_taken_as_such(tmp_path: Path) -> None:
    """As `openssl req -x509 -addext subjectAltName=...` makes it: an authority without Key Usage."""
    names = x509.SubjectAlternativeName([x509.DNSName(SERVER)])
    own: Extensions = {x509.KeyUsage: None, x509.SubjectAlternativeName: (names, False)}
    authority = Authority(tmp_path, name=SERVER, own=own)
    handshake(trusting(authority.file, "ca_file", strict=True), authority.file, authority.key_file)


def of_version_1(certificate: x509.Certificate) -> bytes:
    """The DER of a certificate with the same names and key, of X.509 version 1: those have no extensions."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    name = certificate.subject.public_bytes()
    ecdsa_with_sha256 = bytes.fromhex("300a06082a8648ce3d040302")
    good = _der(0x30, b"".join(_der(0x17, moment) for moment in (b"200101000000Z", b"490101000000Z")))
    content = _der(0x30, _der(0x02, b"\x01") + ecdsa_with_sha256 + name + good + name + public)
    signature = key.sign(content, ec.ECDSA(hashes.SHA256()))
    return _der(0x30, content + ecdsa_with_sha256 + _der(0x03, b"\x00" + signature))


def _der(tag: int, content: bytes) -> bytes:
    length = len(content)
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    head = octets if length < 0x80 else bytes([0x80 + len(octets)]) + octets
    return bytes([tag]) + head + content


def test_clinics_that_trust_one_file_share_what_was_read_of_it_until_it_changes(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("old", "new")]
    for folder in folders:
        folder.mkdir()
    (old, *of_old), (new, *of_new) = (made(Fault(""), folder) for folder in folders)
    file = tmp_path / "authorities.pem"
    file.write_bytes(Path(old.file).read_bytes())
    before = trusting_alike(str(file), "registry_ca_file", strict=True)
    assert trusting_alike(str(file), "registry_ca_file", strict=True) is before
    handshake(before, *of_old)
    replacement = tmp_path / "new.pem"
    replacement.write_bytes(Path(new.file).read_bytes())
    replacement.replace(file)
    after = trusting_alike(str(file), "registry_ca_file", strict=True)
    handshake(after, *of_new)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(after, *of_old)
    file.unlink()
    with pytest.raises(Refused, match="registry_ca_file: cannot be used"):
        trusting_alike(str(file), "registry_ca_file", strict=True)
