"""The whole of it: the operator, the stack, and the app that really runs behind the URL in the status."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import psycopg
import pytest

from missyou_backend.database_url import connection_parameters
from missyou_local.aws import Timing
from missyou_local.environment import DemoError
from missyou_local.processes import start_time, wait_until
from missyou_local.pushing import repository

from .bench import PATIENCE, Bench, a_bench, condition, is_ready
from .people import Person

NAME = "love"
_SERVICE = {"replicas": {"min": 2, "max": 4}, "env": {"CANARY": "canary-in-env"}}


@pytest.fixture(scope="module")
def bench(control_plane, tmp_path_factory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("app")
    timing = Timing(rds=0.5, nat=0.2, alb=0.2, task=0.2, task_stop=0.2)
    with a_bench(control_plane, folder, timing, data_plane=folder / "plane", resync="5") as bench:
        bench.start()
        yield bench


@pytest.fixture
def url(bench: Bench) -> str:
    """The URL in the status, once the app is Ready."""
    return str(bench.have(NAME, service=_SERVICE)["status"]["url"])


def status_of(url: str, **headers: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_url_in_the_status_answers(url):
    assert status_of(f"{url}/health") == 200


def test_the_app_verifies_its_database_and_takes_no_other_for_it(bench, url):
    """The attack: something answers in the database's place, with a certificate of another authority or name."""
    secret = bench.aws_client("secretsmanager").get_secret_value(SecretId=f"{NAME}/db_credentials")["SecretString"]
    given = json.loads(secret)["DATABASE_URL"]
    assert given.endswith("?sslmode=verify-full")
    authority = str(bench.folder / "plane/tls/ca.pem")
    psycopg.connect(**connection_parameters(given, authority)).close()
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        psycopg.connect(**connection_parameters(given))
    there = connection_parameters(given, authority)
    with pytest.raises(psycopg.OperationalError, match="does not match host name"):
        psycopg.connect(**{**there, "host": "db.example.com", "hostaddr": there["host"]})


def test_a_message_is_sent_and_read_back(url):
    ann, bob = (Person(url, name) for name in ("ann", "bob"))
    assert ann.send(bob, "Miss you 💙")["state"] == "pending"
    sent = bob.accept(ann)
    assert sent["push"] == "disabled"
    [read] = bob.received()
    assert (read["id"], read["description"]) == (sent["id"], "Miss you 💙")


def test_nobody_reads_it_without_the_token(url):
    eve = Person(url, "eve")
    assert status_of(f"{url}{eve.path}/notifications") == 401
    assert status_of(f"{url}{eve.path}/notifications", Authorization=f"Bearer {eve.token}") == 200


def test_the_repository_to_push_to_is_found(bench, url):
    assert repository(bench.kube) == bench.get(NAME)["status"]["outputs"]["ecrRepositoryURL"]
    with pytest.raises(DemoError, match="There are: love"):
        repository(bench.kube, "nobody")


def test_another_tag_rolls_the_tasks(bench, url):
    before = tasks(bench)
    bench.push(bench.get(NAME), "v2")
    bench.patch(NAME, {"spec": {"image": {"tag": "v2"}}})
    bench.ready(NAME)
    assert len(tasks(bench)) == len(before) >= 2
    assert not set(before) & set(tasks(bench))
    assert status_of(f"{url}/health") == 200


def test_it_serves_on_and_stays_ready_while_its_image_is_gone(bench, url):
    app = bench.get(NAME)
    repository = app["status"]["outputs"]["ecrRepositoryURL"].partition("/")[2]
    tag = app["spec"].get("image", {}).get("tag", "latest")
    bench.aws_client("ecr").batch_delete_image(repositoryName=repository, imageIds=[{"imageTag": tag}])
    deadline = time.monotonic() + PATIENCE
    while condition(bench.get(NAME), "ServiceReady")["reason"] != "ImageNotFound":
        assert status_of(f"{url}/health") == 200
        assert time.monotonic() < deadline
    assert is_ready(bench.get(NAME))
    bench.push(app)
    bench.until(NAME, lambda app: condition(app, "ServiceReady")["reason"] == "Available", "as before")


def tasks(bench: Bench) -> list[str]:
    ecs = bench.aws_client("ecs")
    return list(ecs.list_tasks(cluster=f"{NAME}-cluster", serviceName=f"{NAME}-service")["taskArns"])


def test_more_replicas_are_more_tasks(bench, url):
    bench.patch(NAME, {"spec": {"service": {"replicas": {"min": 3}}}})
    bench.until(NAME, lambda app: app["status"].get("tasks") == "3/3", "three tasks")
    bench.ready(NAME)


def test_a_broken_version_is_rolled_back_and_the_condition_quotes_it(bench, url):
    good = bench.get(NAME)["spec"].get("image", {}).get("tag", "latest")
    bench.push(bench.get(NAME), "broken", 'echo "no such module: love $CANARY"; exit 1')
    bench.patch(NAME, {"spec": {"image": {"tag": "broken"}}})
    app = bench.until(NAME, lambda app: condition(app, "ServiceReady").get("reason") == "RolloutFailed", "rolled back")
    said = condition(app, "ServiceReady")["message"]
    assert "exited with code 1" in said
    assert ") ends: no such module: love ********" in said
    assert status_of(f"{url}/health") == 200
    bench.patch(NAME, {"spec": {"image": {"tag": good}}})
    bench.ready(NAME)


def test_a_stopped_database_shows_as_unhealthy_targets_and_not_ready(bench, url):
    rds = bench.aws_client("rds")
    rds.stop_db_instance(DBInstanceIdentifier=f"{NAME}-db")
    assert wait_until(lambda: status_of(f"{url}/health") == 503, PATIENCE)
    elb = bench.aws_client("elbv2")
    [group] = elb.describe_target_groups()["TargetGroups"]

    def states() -> set[str]:
        told = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
        return {target["TargetHealth"]["State"] for target in told}

    assert wait_until(lambda: "unhealthy" in states(), PATIENCE)
    bench.until(NAME, lambda app: condition(app, "ServiceReady").get("status") == "False", "no longer ready")
    bench.until(NAME, lambda app: "start-db-instance" in condition(app, "DatabaseReady")["message"], "told what to do")
    rds.start_db_instance(DBInstanceIdentifier=f"{NAME}-db")
    bench.ready(NAME)
    assert status_of(f"{url}/health") == 200


def test_deleting_it_ends_everything_that_ran(bench, url):
    records = [json.loads(path.read_text())["pid"] for path in (bench.folder / "plane").rglob("*.json")]
    assert any(start_time(pid) for pid in records)
    bench.delete(NAME)
    bench.until(NAME, lambda app: not app, "gone")
    assert wait_until(lambda: not any(start_time(pid) for pid in records), PATIENCE)
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{url}/health", timeout=5)
