"""A certificate authority for tests, which nobody else knows."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Extensions = Mapping[type[x509.ExtensionType], tuple[x509.ExtensionType, bool] | None]


class Authority:
    """A certificate authority of our own. Its certificates follow RFC 5280, unless a test leaves out or changes some.

    `own` and `issued` are such changes of its own certificate and of those for others, by the kind of extension: with
    whether it is critical, or None for without.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str = "Test Authority",
        own: Extensions = MappingProxyType({}),
        issued: Extensions = MappingProxyType({}),
    ) -> None:
        self._folder = folder
        self._issued = issued
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        extensions = {
            x509.BasicConstraints: (x509.BasicConstraints(ca=True, path_length=None), True),
            x509.KeyUsage: (key_usage(key_cert_sign=True), True),
        }
        self.certificate = self._certificate(self._name, self._key, extensions | dict(own))
        pem = serialization.Encoding.PEM
        self.file = str(self._write("ca.pem", self.certificate.public_bytes(pem)))
        private = self._key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        self.key_file = str(self._write("ca.key", private))

    def issue(
        self, name: str, *, password: bytes | None = None, days: float = 1, subject: str | None = None
    ) -> tuple[str, str]:
        """A certificate for a host's name or address, good for servers and clients: the files of it and its key.

        It ends in so many days; with less than none it has ended already.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        other = x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
        extensions = {
            x509.SubjectAlternativeName: (x509.SubjectAlternativeName([other]), False),
            x509.KeyUsage: (key_usage(digital_signature=True), True),
            x509.ExtendedKeyUsage: (
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                False,
            ),
            x509.AuthorityKeyIdentifier: (
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                False,
            ),
        }
        certificate = self._certificate(
            _named(name if subject is None else subject), key, extensions | dict(self._issued), days=days
        )
        locked = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        return (
            str(self._write(f"{name}-{days}.pem", certificate.public_bytes(pem))),
            str(self._write(f"{name}-{bool(password)}.key", key.private_bytes(pem, pkcs8, locked))),
        )

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, extensions: Extensions, *, days: float = 1
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=3))
            .not_valid_after(now + timedelta(days=days))
        )
        identifier = (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        for extension in ({x509.SubjectKeyIdentifier: identifier} | dict(extensions)).values():
            if extension:
                builder = builder.add_extension(extension[0], critical=extension[1])
        return builder.sign(self._key, hashes.SHA256())

    def _write(self, name: str, content: bytes) -> Path:
        file = self._folder / name
        file.write_bytes(content)
        return file


def key_usage(*, digital_signature: bool = False, key_cert_sign: bool = False) -> x509.KeyUsage:
    """What a key may be used for, and nothing else."""
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=key_cert_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else [])
