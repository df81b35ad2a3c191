"""Certificates of one local control plane: each component speaks under its own name, as in a real cluster."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from embedded.paths import LOOPBACK, write_private

_YEARS = timedelta(days=3650)


@dataclass(frozen=True)
class Pki:
    """A folder of certificates. `ca` signs servers and clients, `front-proxy-ca` only the aggregator's client."""

    folder: Path

    def certificate(self, name: str) -> str:
        return str(self.folder / f"{name}.crt")

    def key(self, name: str) -> str:
        return str(self.folder / f"{name}.key")


# file name: (common name, organisation). The names are those that Kubernetes' built-in roles are bound to.
_CLIENTS = {
    "admin": ("barista-admin", "system:masters"),
    "kube-controller-manager": ("system:kube-controller-manager", None),
    "kube-scheduler": ("system:kube-scheduler", None),
    "kwok": ("kwok", "system:masters"),  # it plays every kubelet, and kubelets may not act for one another
    "metrics-server": ("metrics-server", "system:masters"),
    "etcd-client": ("kube-apiserver", None),
    "kubelet-client": ("kube-apiserver-kubelet-client", None),
}


def ensure(folder: Path) -> Pki:
    """Make the certificates once; `complete` is written last, so that a killed first start makes them anew."""
    pki = Pki(folder)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    if (folder / "complete").exists():
        return pki
    authority = _authority(pki, "ca")
    for name, (common_name, organisation) in _CLIENTS.items():
        _issue(pki, name, authority, common_name, organisation)
    _issue(pki, "server", authority, "barista-local", None, server=True)
    _issue(pki, "front-proxy", _authority(pki, "front-proxy-ca"), "front-proxy-client", None)
    write_private(folder / "service-accounts.key", _pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)))
    (folder / "complete").touch()
    return pki


_Authority = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def _authority(pki: Pki, name: str) -> _Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name, None)
    certificate = (
        _builder(subject, subject, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(pki, name, certificate, key)
    return certificate, key


def _issue(
    pki: Pki, name: str, by: _Authority, common_name: str, organisation: str | None, server: bool = False
) -> None:
    authority, authority_key = by
    key = ec.generate_private_key(ec.SECP256R1())
    # etcd uses its serving certificate to talk to itself as well, so a server's is good for both.
    purposes = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if server else [])]
    builder = (
        _builder(_name(common_name, organisation), authority.subject, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
    )
    if server:
        addresses: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address(LOOPBACK))]
        names = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
        builder = builder.add_extension(
            x509.SubjectAlternativeName([*addresses, *(x509.DNSName(host) for host in names)]), critical=False
        )
    _write(pki, name, builder.sign(authority_key, hashes.SHA256()), key)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _YEARS)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str, organisation: str | None) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organisation:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    return x509.Name(attributes)


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _write(pki: Pki, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    write_private(pki.folder / f"{name}.key", _pem(key))
    write_private(pki.folder / f"{name}.crt", certificate.public_bytes(serialization.Encoding.PEM).decode())
