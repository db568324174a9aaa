"""The circuit's own certification authority: ECDSA P-256, as small as boards like it.

Makes and reads certificates with the library `cryptography`; keeps nothing, writes nothing: that
is keyring.py's. What leaves here as `key` is secret: DER or PEM without a password, since a board
and a broker have nobody who types one. No such thing is ever part of an exception's text.
"""
import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# An authority outlives the boards; a broker's certificate is renewed at leisure in three years.
CA_DAYS = 20 * 365
BROKER_DAYS = 3 * 365
CLIENT_DAYS = 10 * 365
# mosquitto refuses everybody once its list of the revoked is out of date: as long as the authority
CRL_DAYS = CA_DAYS
# A board's clock may be a little slow when it sees its first certificate.
_SLACK = timedelta(days=1)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, DER. repr tells neither."""

    crt: bytes
    key: bytes

    def __repr__(self) -> str:
        return f"Pair({expiry(self.crt):%Y-%m-%d})"

    def crt_pem(self) -> bytes:
        return crt_pem(self.crt)

    def key_pem(self) -> bytes:
        return _pem(_read(self.key))


def crt_pem(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM)


def expiry(der: bytes) -> datetime:
    return x509.load_der_x509_certificate(der).not_valid_after_utc


def serial(der: bytes) -> int:
    return x509.load_der_x509_certificate(der).serial_number


def common_name(der: bytes) -> str:
    names = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(
        NameOID.COMMON_NAME)
    return str(names[0].value)


def names_of(der: bytes) -> list[str]:
    """Names and addresses that a broker's certificate is good for."""
    found = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(
        x509.SubjectAlternativeName).value
    return [*found.get_values_for_type(x509.DNSName),
            *map(str, found.get_values_for_type(x509.IPAddress))]


def authority(name: str, now: datetime | None = None, days: int = CA_DAYS) -> Pair:
    """A new authority, which signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (_builder(subject, subject, key, now, days)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(sign=False), critical=True)
            .sign(key, hashes.SHA256()))
    return _pair(made, key)


def broker(ca: Pair, names: list[str], now: datetime | None = None,
           days: int = BROKER_DAYS, since: datetime | None = None) -> Pair:
    """For a broker that is reached under these names and addresses. It begins with the authority,
    unless since says else: a board that starts without the time knows only when its own keys were
    made, which may be long before this certificate was."""
    key = ec.generate_private_key(ec.SECP256R1())
    others: list[x509.GeneralName] = []
    for name in names:
        try:
            others.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            others.append(x509.DNSName(name))
    since = since or x509.load_der_x509_certificate(ca.crt).not_valid_before_utc
    made = (_signed_by(ca, names[0], key, now, days, since)
            .add_extension(x509.SubjectAlternativeName(others), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
                           critical=False)
            .sign(_read(ca.key), hashes.SHA256()))
    return _pair(made, key)


def client(ca: Pair, user: str, now: datetime | None = None, days: int = CLIENT_DAYS) -> Pair:
    """For one who says by it who he is: its common name is the broker's user name."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = (_signed_by(ca, user, key, now, days)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]),
                           critical=False)
            .sign(_read(ca.key), hashes.SHA256()))
    return _pair(made, key)


def revoked(ca: Pair, serials: dict[int, datetime], now: datetime | None = None) -> bytes:
    """The list of certificates that are no longer good, PEM, as mosquitto's crlfile takes it.
    serials: number -> since when."""
    now = now or datetime.now(UTC)
    crl = (x509.CertificateRevocationListBuilder()
           .issuer_name(x509.load_der_x509_certificate(ca.crt).subject)
           .last_update(now - _SLACK).next_update(now + timedelta(days=CRL_DAYS)))
    for number in sorted(serials):
        crl = crl.add_revoked_certificate(
            x509.RevokedCertificateBuilder().serial_number(number)
            .revocation_date(serials[number]).build())
    return crl.sign(_read(ca.key), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _signed_by(ca: Pair, name: str, key, now, days, since=None) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer = x509.load_der_x509_certificate(ca.crt)
    return (_builder(subject, issuer.subject, key, now, days, since)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(sign=True), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(
                _read(ca.key).public_key()), critical=False))


def _builder(subject, issuer, key, now, days, since=None) -> x509.CertificateBuilder:
    now = now or datetime.now(UTC)
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(since or now - _SLACK).not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
                           critical=False))


def _usage(sign: bool) -> x509.KeyUsage:
    """sign: of one who shows his key; else of one who signs for others."""
    return x509.KeyUsage(
        digital_signature=sign, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=not sign, crl_sign=not sign,
        encipher_only=False, decipher_only=False)


def _pair(made: x509.Certificate, key) -> Pair:
    return Pair(made.public_bytes(serialization.Encoding.DER), key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption()))


def _read(key: bytes) -> ec.EllipticCurvePrivateKey:
    read = serialization.load_der_private_key(key, None)
    if not isinstance(read, ec.EllipticCurvePrivateKey):
        raise ValueError("not an elliptic-curve key")
    return read


def _pem(key) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM,
                             serialization.PrivateFormat.TraditionalOpenSSL,
                             serialization.NoEncryption())
