"""A certificate for servers on this machine, by an authority of its own that nobody else trusts."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_VALID = timedelta(days=365)
_MARGIN = timedelta(days=1)


def self_signed(folder: Path, names: Sequence[str]) -> tuple[Path, Path]:
    """Return the files of a certificate (PEM; the authority's follows it) and of its key, for host names and addresses.

    They are kept in `folder`, and made anew when they expire or the names are others; `ca.pem` there is what a client
    has to trust. Raises OSError where the folder cannot be written.
    """
    chain, key = folder / "chain.pem", folder / "key.pem"
    if _serves(chain, names) and key.exists():
        return chain, key
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    authority_key, own_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "missyou local authority")])

    def certificate(subject: x509.Name, public: ec.EllipticCurvePublicKey, extension: x509.ExtensionType) -> bytes:
        builder = x509.CertificateBuilder(issuer_name=authority, subject_name=subject, public_key=public)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - _MARGIN).not_valid_after(now + _VALID)
        critical = isinstance(extension, x509.BasicConstraints)
        made = builder.add_extension(extension, critical=critical).sign(authority_key, hashes.SHA256())
        return made.public_bytes(serialization.Encoding.PEM)

    root = certificate(authority, authority_key.public_key(), x509.BasicConstraints(ca=True, path_length=0))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    own = certificate(subject, own_key.public_key(), x509.SubjectAlternativeName([_name(name) for name in names]))
    secret = own_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write_whole(key, secret)
    _write_whole(folder / "ca.pem", root)
    _write_whole(chain, own + root)
    return chain, key


def _serves(chain: Path, names: Sequence[str]) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(chain.read_bytes())
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    fresh = certificate.not_valid_after_utc > datetime.now(UTC) + _MARGIN
    return fresh and set(extension.value) == {_name(name) for name in names}


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file that readers see complete or not at all, and that only its owner may read."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.touch(mode=0o600)
    scratch.write_bytes(content)
    scratch.replace(path)
