"""A database that somebody deleted comes back by one patch, and its backups are copied, on a real API server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from kubernetes.client import ApiException

from .bench import Bench, a_bench, condition, quick

NAME, OTHER = "lost", "eu-central-1"


@pytest.fixture(scope="module")
def bench(control_plane, tmp_path_factory) -> Iterator[Bench]:
    with a_bench(control_plane, tmp_path_factory.mktemp("recovery"), quick(), resync="5") as bench:
        bench.start()
        yield bench


def database(bench: Bench) -> dict[str, Any]:
    [row] = bench.aws_client("rds").describe_db_instances(DBInstanceIdentifier=f"{NAME}-db")["DBInstances"]
    return row


def copies(bench: Bench) -> list[tuple[str, int]]:
    """Return state and days of the backups in the other region."""
    keys = {"aws_access_key_id": "somebody", "aws_secret_access_key": "test"}
    rds = boto3.client("rds", region_name=OTHER, endpoint_url=bench.endpoint, **keys)
    rows = rds.describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"]
    return sorted((row["Status"], row["BackupRetentionPeriod"]) for row in rows)


def test_one_patch_of_the_message_brings_it_back_and_what_was_copied_outlives_the_app(bench):
    bench.have(NAME, database={"backupRetentionDays": 5, "backupCopyRegion": OTHER})
    assert copies(bench) == [("replicating", 5)]
    lost = database(bench)["DbiResourceId"]
    bench.aws_client("rds").delete_db_instance(
        DBInstanceIdentifier=f"{NAME}-db", SkipFinalSnapshot=True, DeleteAutomatedBackups=False
    )
    app = bench.until(NAME, lambda app: condition(app, "Stalled").get("reason") == "DataLost", "told")
    message = condition(app, "Stalled")["message"]
    command = re.search(rf"kubectl patch missyouapp {NAME} -n \S+ --type merge -p '(.*?)'", message)
    assert command is not None, message
    assert json.loads(command[1]) == {"spec": {"database": {"restoreToTime": "latest"}}}
    made = bench.count("rds:CreateDBInstance")
    bench.patch(NAME, json.loads(command[1]))
    bench.until(NAME, lambda _: bench.count("rds:RestoreDBInstanceToPointInTime"), "being restored")
    bench.ready(NAME)
    assert bench.count("rds:CreateDBInstance") == made
    assert bench.count("rds:RestoreDBInstanceToPointInTime") == 1
    assert database(bench)["DbiResourceId"] != lost
    # What was copied of the one that is gone stays for its days beside the copy of the new one.
    assert copies(bench) == [("replicating", 5), ("retained", 5)]
    with pytest.raises(ApiException, match="restoreToTime") as refused:
        bench.patch(NAME, {"spec": {"database": {"restoreToTime": "2026-11-29T10:00:00Z"}}})
    assert refused.value.status == 422
    bench.delete(NAME)
    bench.until(NAME, lambda app: not app, "gone")
    assert copies(bench) == [("retained", 5), ("retained", 5)]
