"""The password of the database is replaced while people use the app: no request fails, though connections are cut."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from missyou_backend.database_url import connection_parameters
from missyou_local.aws import Timing

from .bench import Bench, a_bench, condition, is_ready
from .people import Person
from .traffic import traffic

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


def test_no_request_fails_while_the_password_is_replaced(bench):
    url = str(bench.have(NAME, service=_SERVICE)["status"]["url"])
    before = credentials(bench)
    with traffic(Person(url, "ann").received, Person(url, "bob").received) as requests:
        bench.patch(NAME, {"metadata": {"annotations": {"missyou.app/rotate-database-password": "1"}}})
        # New connections are made while the tasks still have the first password in their environment.
        bench.until(NAME, lambda app: rotated(app) and credentials(bench)["password"] != before["password"], "rotated")
        bench.until(NAME, lambda app: condition(app, "InSync")["status"] == "True" and is_ready(app), "rolled out")
        requests.goes_on(100)
    after = credentials(bench)
    authority = str(bench.folder / "plane/tls/ca.pem")
    psycopg.connect(**connection_parameters(after["DATABASE_URL"], authority)).close()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(**connection_parameters(before["DATABASE_URL"], authority))
