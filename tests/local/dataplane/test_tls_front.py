"""PostgreSQL behind a TLS front, as psycopg sees it; and the server and the certificate that it needs."""

from __future__ import annotations

import datetime
import socket
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from cryptography import x509

from missyou_local.dataplane import certificates, postgres
from missyou_local.dataplane.certificates import self_signed
from missyou_local.dataplane.postgres import HOST, Postgres, PostgresError
from missyou_local.dataplane.tls_front import TlsFronts

PASSWORD = "p@ss/word:1 "


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    made = postgres.create(tmp_path_factory.mktemp("postgres") / "one")
    made.start()
    made.create_database("love", "ann", PASSWORD)
    yield made
    made.remove()
    assert not made.folder.exists()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def fronts(folder: Path) -> Iterator[TlsFronts]:
    made = TlsFronts(*self_signed(folder, ["localhost", HOST]))
    yield made
    made.close()


@pytest.fixture(scope="module")
def port(fronts: TlsFronts, server: Postgres) -> int:
    return fronts.open((HOST, server.port))


def connect(port: int, mode: str = "require", **options: str) -> psycopg.Connection:
    where = {"host": HOST, "port": port, "dbname": "love", "connect_timeout": 5}
    return psycopg.connect(**{**where, **options}, user="ann", password=PASSWORD, sslmode=mode)


def test_it_speaks_tls(port):
    with connect(port) as connection:
        assert connection.pgconn.ssl_in_use
        assert connection.execute("SELECT current_user, current_database()").fetchone() == ("ann", "love")


def test_its_certificate_is_verified_by_those_who_trust_its_authority(port, folder):
    connect(port, "verify-full", sslrootcert=str(folder / "ca.pem")).close()
    other = self_signed(folder / "other", [HOST])[0].parent / "ca.pem"
    with pytest.raises(psycopg.OperationalError, match="SSL error"):
        connect(port, "verify-full", sslrootcert=str(other))


def test_a_server_of_another_name_is_refused(port, folder):
    named = {"hostaddr": HOST, "sslrootcert": str(folder / "ca.pem")}
    with pytest.raises(psycopg.OperationalError, match=r'does not match host name "db\.example\.com"'):
        connect(port, "verify-full", host="db.example.com", **named)
    connect(port, "verify-ca", host="db.example.com", **named).close()


def test_without_tls_one_is_refused_as_rds_does(port):
    with pytest.raises(psycopg.OperationalError, match=r'host ".*", user "ann", database "love", no encryption'):
        connect(port, "disable")


def test_many_at_once(port):
    def ask(number: int) -> int:
        with connect(port) as connection:
            return connection.execute("SELECT %s::int", [number]).fetchone()[0]

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(ask, range(20))) == list(range(20))


def test_a_query_is_cancelled_through_it(port):
    with connect(port) as connection:
        timer = threading.Timer(0.2, connection.cancel_safe)
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("SELECT pg_sleep(60)")


def test_megabytes_go_both_ways(port):
    rows = 50_000
    with connect(port) as connection:
        connection.execute("CREATE TEMP TABLE much (text text)")
        with connection.cursor().copy("COPY much FROM STDIN") as copy:
            for _ in range(rows):
                copy.write_row(["x" * 100])
        with connection.cursor().copy("COPY much TO STDOUT") as copy:
            assert sum(len(bytes(block)) for block in copy) == rows * 101


def test_a_server_that_stops_is_a_closed_connection_and_it_may_come_back(fronts, server, port):
    with connect(port) as connection:
        server.stop()
        assert server.pid is None
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        connect(port)
    server.start()
    connect(port).close()


def test_a_closed_port_is_free_and_its_connections_are_cut(fronts, server):
    port = fronts.open((HOST, server.port))
    connection = connect(port)
    fronts.close_port(port)
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    connection.close()
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind((HOST, port))


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x00\x00\x00\x04", b"\xff" * 64])
def test_what_is_no_postgresql_is_closed(port, said):
    with socket.create_connection((HOST, port), timeout=5) as client:
        client.sendall(said)
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100) == b""


# The server


def test_a_password_is_changed_and_its_data_stays(server):
    server.create_database("other", "bob", "one")
    server.create_database("other", "bob", "two")
    psycopg.connect(server.url("other", "bob", "two")).close()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.url("other", "bob", "one"))


def test_nobody_gets_in_without_a_password(server):
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(host=HOST, port=server.port, user=postgres.SUPERUSER, dbname="postgres")
    assert "its password" not in repr(postgres.Postgres(server.folder, server.port, "its password"))


def test_a_server_that_cannot_start_says_why(tmp_path):
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        made = postgres.create(tmp_path / "two", taken.getsockname()[1])
        with pytest.raises(PostgresError, match="Address already in use"):
            made.start()
    made.remove()


# Certificates


def test_a_certificate_is_kept_until_its_names_change_or_it_expires(tmp_path, monkeypatch):
    chain, key = self_signed(tmp_path, ["localhost", HOST])
    first = chain.read_bytes()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert self_signed(tmp_path, [HOST, "localhost"])[0].read_bytes() == first
    self_signed(tmp_path, ["example.org"])
    second = chain.read_bytes()
    assert second != first
    names = x509.load_pem_x509_certificate(second).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert names.value.get_values_for_type(x509.DNSName) == ["example.org"]
    monkeypatch.setattr(certificates, "_MARGIN", datetime.timedelta(days=400))
    assert self_signed(tmp_path, ["example.org"])[0].read_bytes() != second
