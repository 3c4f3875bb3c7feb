"""The password of the database is replaced while people use the app: no request fails, though connections are cut."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from missyou_backend.database_url import connection_parameters
from missyou_local.aws import Timing

from .bench import PATIENCE, Bench, a_bench, condition, is_ready
from .people import Person

NAME = "turn"
#: Connections live for a second, so that new ones are made all the time.
_SERVICE = {"replicas": {"min": 2, "max": 2}, "env": {"CONNECTION_SECONDS": "1"}}


@pytest.fixture(scope="module")
def bench(control_plane, tmp_path_factory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("rotation")
    timing = Timing(rds=0.5, rds_modify=3.0, nat=0.2, alb=0.2, task=0.2, task_stop=0.2)
    with a_bench(control_plane, folder, timing, data_plane=folder / "plane", resync="5") as bench:
        bench.start()
        yield bench


def credentials(bench: Bench) -> dict[str, str]:
    answer = bench.aws_client("secretsmanager").get_secret_value(SecretId=f"{NAME}/db_credentials")
    return dict(json.loads(answer["SecretString"]))


def rotated(app: dict[str, Any]) -> bool:
    return bool(app["status"].get("databasePassword", {}).get("lastHandled") == "1")


class Traffic:
    """Somebody who uses the app all the time, and counts what fails."""

    def __init__(self, person: Person) -> None:
        self.answered, self._person, self._ended = 0, person, threading.Event()
        self.failed: list[str] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def goes_on(self) -> None:
        """Wait for fifty more answers."""
        enough, deadline = self.answered + 50, time.monotonic() + PATIENCE
        while self.answered < enough and not self.failed:
            assert time.monotonic() < deadline
            self._ended.wait(0.1)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._person.received()
                self.answered += 1
            except (OSError, urllib.error.HTTPError, ValueError) as error:
                self.failed.append(repr(error))
            self._ended.wait(0.02)

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


def test_no_request_fails_while_the_password_is_replaced(bench):
    url = str(bench.have(NAME, service=_SERVICE)["status"]["url"])
    before = credentials(bench)
    with Traffic(Person(url, "ann")) as ann, Traffic(Person(url, "bob")) as bob:
        bench.patch(NAME, {"metadata": {"annotations": {"missyou.app/rotate-database-password": "1"}}})
        # New connections are made while the tasks still have the first password in their environment.
        bench.until(NAME, lambda app: rotated(app) and credentials(bench)["password"] != before["password"], "rotated")
        bench.until(NAME, lambda app: condition(app, "InSync")["status"] == "True" and is_ready(app), "rolled out")
        ann.goes_on()
    assert (ann.failed, bob.failed) == ([], [])
    assert ann.answered > 20
    after = credentials(bench)
    authority = str(bench.folder / "plane/tls/ca.pem")
    psycopg.connect(**connection_parameters(after["DATABASE_URL"], authority)).close()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(**connection_parameters(before["DATABASE_URL"], authority))
