"""The data of a stack that serves, on a real API server: approvals, losses, forced upgrades, lost credentials."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from missyou_local.aws import Timing
from missyou_local.aws.services.rds import forced
from missyou_local.processes import wait_until

from .bench import PATIENCE, Bench, a_bench, condition
from .people import Person
from .test_app import status_of

NAME = "keep"


@pytest.fixture(scope="module")
def bench(control_plane, tmp_path_factory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("data")
    timing = Timing(rds=0.5, nat=0.2, alb=0.2, task=0.2, task_stop=0.2)
    with a_bench(control_plane, folder, timing, data_plane=folder / "plane", resync="5") as bench:
        bench.start()
        yield bench


@pytest.fixture
def url(bench: Bench) -> str:
    """The URL of a stack that is Ready, as another test has left it or a new one."""
    return str(bench.have(NAME, database={"storageGiB": 40})["status"]["url"])


def database(bench: Bench) -> dict[str, Any]:
    [row] = bench.aws_client("rds").describe_db_instances(DBInstanceIdentifier=f"{NAME}-db")["DBInstances"]
    return row


def stalled(bench: Bench, reason: str) -> dict[str, Any]:
    return bench.until(NAME, lambda app: condition(app, "Stalled").get("reason") == reason, reason)


def annotate(bench: Bench, **values: str) -> None:
    annotations = {f"missyou.app/{name}": value for name, value in values.items()}
    bench.patch(NAME, {"metadata": {"annotations": annotations}})


def storage(bench: Bench, gib: int) -> None:
    bench.patch(NAME, {"spec": {"database": {"storageGiB": gib}}})


def test_an_approval_is_used_once(bench, url):
    # Where another test restored the database, the new one shall not come from that snapshot, of an older version.
    bench.patch(NAME, {"spec": {"database": {"restoreFromSnapshot": None}}})
    storage(bench, 40)
    bench.ready(NAME)
    storage(bench, 20)
    first = stalled(bench, "ApprovalRequired")["status"]["plan"]["id"]
    before = database(bench)["DbiResourceId"]
    assert status_of(f"{url}/health") == 200
    annotate(bench, approve=first)
    bench.until(NAME, lambda _: gone_or_other(bench, before), "replaced")
    bench.ready(NAME)
    storage(bench, 40)
    bench.until(NAME, lambda _: database(bench)["AllocatedStorage"] == 40, "grown")
    bench.ready(NAME)
    second_database = database(bench)["DbiResourceId"]
    storage(bench, 20)
    assert stalled(bench, "ApprovalRequired")["status"]["plan"]["id"] != first
    annotate(bench, reconcile="again")
    bench.until(NAME, lambda app: app["status"].get("lastHandledReconcileAt") == "again", "observed again")
    assert database(bench)["DbiResourceId"] == second_database
    storage(bench, 40)
    bench.ready(NAME)
    assert status_of(f"{url}/health") == 200


def gone_or_other(bench: Bench, before: str) -> bool:
    rows = bench.aws_client("rds").describe_db_instances()["DBInstances"]
    return before not in {row["DbiResourceId"] for row in rows if row["DBInstanceIdentifier"] == f"{NAME}-db"}


def test_a_deleted_database_is_told_and_its_message_brings_it_back(bench, url):
    ann = Person(url, "ann")
    annotate(bench, snapshot="monday")
    bench.until(NAME, lambda app: "monday" in app["status"]["outputs"].get("snapshotARN", ""), "taken")
    bench.aws_client("rds").delete_db_instance(DBInstanceIdentifier=f"{NAME}-db", SkipFinalSnapshot=True)
    app = stalled(bench, "DataLost")
    message = condition(app, "Stalled")["message"]
    assert condition(app, "DatabaseReady")["reason"] == "DataLost"
    assert f"missyou.app/approve={app['status']['plan']['id']}" in message
    assert bench.aws_client("rds").describe_db_instances()["DBInstances"] == []
    command = re.search(r"kubectl patch missyouapp keep -n \S+ --type merge -p '(.*?)'", message)
    assert command is not None, message
    bench.patch(NAME, json.loads(command[1]))
    bench.until(NAME, lambda _: bench.aws_client("rds").describe_db_instances()["DBInstances"], "restored")
    bench.ready(NAME)
    assert wait_until(lambda: status_of(f"{url}/health") == 200, PATIENCE)
    assert ann.received() == []


def test_a_major_that_aws_forced_is_told_and_the_rest_goes_on(bench, url):
    bench.patch(NAME, {"spec": {"database": {"engineVersion": "15.4"}}})
    bench.ready(NAME)
    before = database(bench)["DbiResourceId"]
    forced.upgrade("123456789012", "us-east-1", f"{NAME}-db", "16.12")
    remedy = 'Set spec.database.engineVersion to "16"'
    bench.until(NAME, lambda app: remedy in condition(app, "DatabaseReady").get("message", ""), "told")
    bench.patch(NAME, {"spec": {"database": {"backupRetentionDays": 9}}})
    bench.until(NAME, lambda _: database(bench)["BackupRetentionPeriod"] == 9, "changed")
    bench.patch(NAME, {"spec": {"database": {"engineVersion": "16"}}})
    bench.until(NAME, lambda app: not condition(app, "DatabaseReady").get("message"), "told no more")
    bench.ready(NAME)
    assert database(bench)["DbiResourceId"] == before
    assert status_of(f"{url}/health") == 200


def test_credentials_deleted_for_good_are_made_anew_for_tasks_and_database(bench, url):
    secrets, name = bench.aws_client("secretsmanager"), f"{NAME}/db_credentials"
    before = json.loads(secrets.get_secret_value(SecretId=name)["SecretString"])["password"]
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)

    def anew() -> bool:
        rows = secrets.list_secrets()["SecretList"]
        if name not in {row["Name"] for row in rows}:
            return False
        content = json.loads(secrets.get_secret_value(SecretId=name)["SecretString"])
        return content["password"] != before and "DATABASE_URL" in content

    bench.until(NAME, lambda _: anew(), "made anew")
    bench.ready(NAME)
    assert wait_until(lambda: status_of(f"{url}/health") == 200, PATIENCE)
    assert Person(url, "eve").id
