"""TLS to the database: RDS's certificate authorities are shipped, and a server of another authority is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from cryptography import x509

from missyou_backend.database_url import RDS_CA_BUNDLE, connection_parameters
from missyou_local.dataplane.certificates import self_signed
from missyou_local.dataplane.tls_front import TlsFronts


def test_the_bundle_holds_certificate_authorities_none_of_them_expired() -> None:
    authorities = x509.load_pem_x509_certificates(RDS_CA_BUNDLE.read_bytes())
    assert len(authorities) == RDS_CA_BUNDLE.read_text().count("BEGIN CERTIFICATE") > 50
    for authority in authorities:
        assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        assert authority.not_valid_before_utc < datetime.now(UTC) < authority.not_valid_after_utc
        authority.verify_directly_issued_by(authority)
    names = " ".join(authority.subject.rfc4514_string() for authority in authorities)
    assert {"us-east-1", "eu-central-1", "ap-northeast-1"} <= set(re.findall(r"RDS (\S+) Root CA", names))


@pytest.fixture
def front(server, tmp_path) -> Iterator[tuple[int, Path]]:
    """The port of a server that speaks TLS as localhost, and the file of the authority to trust."""
    chain, key = self_signed(tmp_path / "tls", ["localhost", "127.0.0.1"])
    fronts = TlsFronts(chain, key)
    yield fronts.open(("127.0.0.1", server.port)), chain
    fronts.close()


def connect(url: str, port: int, query: str) -> None:
    host = re.sub(r"@[^/]+/", f"@localhost:{port}/", url)
    psycopg.connect(**connection_parameters(f"{host}?{query}")).close()


def test_a_server_that_is_not_of_rds_is_refused(url, front) -> None:
    port, _ = front
    connect(url, port, "sslmode=require")
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        connect(url, port, "sslmode=verify-full")


def test_a_server_that_the_url_names_an_authority_for_is_taken(url, front) -> None:
    port, chain = front
    connect(url, port, f"sslmode=verify-full&sslrootcert={chain}")
