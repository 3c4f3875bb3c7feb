"""The PostgreSQL servers that run behind RDS instances: one each, behind a port that speaks TLS as RDS does."""

from __future__ import annotations

import logging
import shutil
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from missyou_local.dataplane import postgres
from missyou_local.dataplane.postgres import HOST, Backup, Postgres, PostgresError
from missyou_local.dataplane.programs import sweep
from missyou_local.dataplane.tls_front import TlsFronts

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, repr=False)
class Master:
    """The database that an instance starts with, and the user that owns it."""

    database: str
    user: str
    password: str


@dataclass(slots=True)
class _Instance:
    """One instance. `port`: of its TLS front; 0 until it is open. `busy`: the thread that works on it."""

    master: Master
    server: Postgres | None = None
    port: int = 0
    problem: str = ""
    busy: threading.Thread | None = None


@dataclass(slots=True)
class _Kept:
    """The data of a snapshot. `busy`: the thread that copies them."""

    master: Master
    backup: Backup | None = None
    busy: threading.Thread | None = None


class Databases:
    """Servers, and copies of their data, by a key of the caller's choice.

    What takes long happens in threads; no method waits.
    """

    def __init__(self, folder: Path, fronts: TlsFronts) -> None:
        self._folder = folder
        self._fronts = fronts
        self._instances: dict[str, _Instance] = {}
        self._snapshots: dict[str, _Kept] = {}
        if folder.exists():
            sweep(folder)
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    def create(self, key: str, master: Master) -> None:
        """Start creating a server with its database."""
        instance = self._instances[key] = _Instance(master)
        self._work(instance, lambda: self._make(instance))

    def _make(self, instance: _Instance) -> None:
        name = uuid.uuid4().hex[:12]
        server = postgres.create(self._folder / name, record=self._folder / f"{name}.json")
        server.start()
        server.create_database(instance.master.database, instance.master.user, instance.master.password)
        self._open(instance, server)

    def _open(self, instance: _Instance, server: Postgres) -> None:
        port = self._fronts.open((HOST, server.port))
        instance.server, instance.port = server, port

    def keep(self, key: str, snapshot: str) -> None:
        """Start copying the data of a server."""
        instance = self._instances[key]
        kept = self._snapshots[snapshot] = _Kept(instance.master)
        self._work(instance, lambda: self._copy(instance, kept))
        kept.busy = instance.busy

    def _copy(self, instance: _Instance, kept: _Kept) -> None:
        kept.backup = _server(instance).backup(self._folder / f"snapshot-{uuid.uuid4().hex[:12]}")

    def kept(self, snapshot: str) -> bool:
        """Return whether the data of a snapshot exist or are being copied."""
        return snapshot in self._snapshots

    def keeping(self, snapshot: str) -> bool:
        """Return whether the data of a snapshot are still being copied."""
        kept = self._snapshots.get(snapshot)
        return kept is not None and kept.busy is not None and kept.busy.is_alive()

    def restore(self, key: str, snapshot: str) -> None:
        """Start creating a server with the data, user and password of a snapshot."""
        kept = self._snapshots[snapshot]
        instance = self._instances[key] = _Instance(kept.master)
        self._work(instance, lambda: self._bring_back(instance, kept))

    def _bring_back(self, instance: _Instance, kept: _Kept) -> None:
        if kept.backup is None:
            raise PostgresError("the snapshot was never complete")
        name = uuid.uuid4().hex[:12]
        server = postgres.restore(self._folder / name, kept.backup, self._folder / f"{name}.json")
        server.start()
        self._open(instance, server)

    def forget(self, snapshot: str) -> None:
        """Remove the data of a snapshot."""
        kept = self._snapshots.pop(snapshot, None)
        if kept and kept.backup:
            shutil.rmtree(kept.backup.folder, ignore_errors=True)

    def at_work(self, key: str) -> bool:
        """Return whether an operation is still under way."""
        instance = self._instances.get(key)
        return instance is not None and instance.busy is not None and instance.busy.is_alive()

    def knows(self, key: str) -> bool:
        """Return whether a server of this key was ordered."""
        return key in self._instances

    def address(self, key: str) -> tuple[str, int] | None:
        """Return host and port once the database has been made; it keeps them."""
        instance = self._instances.get(key)
        return (HOST, instance.port) if instance and instance.port else None

    def change_password(self, key: str, password: str) -> None:
        """Start setting the owner's password."""
        instance = self._instances[key]
        instance.master = Master(instance.master.database, instance.master.user, password)
        master = instance.master
        self._work(instance, lambda: _server(instance).create_database(master.database, master.user, master.password))

    def stop(self, key: str) -> None:
        """Start stopping a server; its data stays."""
        instance = self._instances[key]
        self._work(instance, lambda: _server(instance).stop())

    def start(self, key: str) -> None:
        """Start a server that was stopped or died, without waiting."""
        instance = self._instances[key]
        self._work(instance, lambda: _server(instance).start())

    def reboot(self, key: str) -> None:
        """Restart a server, without waiting."""
        self.stop(key)
        self.start(key)

    def remove(self, key: str) -> None:
        """Start removing a server and its data."""
        instance = self._instances.pop(key, None)
        if instance is not None:
            self._work(instance, lambda: self._drop(instance))

    def _drop(self, instance: _Instance) -> None:
        if instance.port:
            self._fronts.close_port(instance.port)
        if instance.server:
            instance.server.remove()

    def close(self) -> None:
        """Remove all servers, and wait until that is done."""
        threads = []
        for key, instance in list(self._instances.items()):
            self.remove(key)
            threads.append(instance.busy)
        for thread in threads:
            if thread is not None:
                thread.join()
        for snapshot in list(self._snapshots):
            self.forget(snapshot)

    def _work(self, instance: _Instance, job: Callable[[], None]) -> None:
        """Run a job in a thread, after the instance's present one."""
        before = instance.busy

        def run() -> None:
            if before is not None:
                before.join()
            try:
                job()
                instance.problem = ""
            except (PostgresError, psycopg.Error, OSError) as error:
                instance.problem = str(error)
                _log.error("a database of the data plane: %s", error)

        instance.busy = threading.Thread(target=run, name="database", daemon=True)
        instance.busy.start()


def _server(instance: _Instance) -> Postgres:
    if instance.server is None:
        raise PostgresError(f"the database was never made: {instance.problem}")
    return instance.server
