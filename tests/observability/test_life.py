"""The operator's own process is scraped while an app lives, and must say what happened: by AWS's ledger and Kubernetes.

The functions of this file are the chapters of one life, in order: each begins where the one before has ended.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import pytest
from kubernetes import client

from missyou_local import cluster, processes
from missyou_local.aws.faults.fault import Fault
from tests.integration.bench import PATIENCE, ROOT, Bench, a_bench, condition, quick

from .scraping import get, ledger, scrape

APP = {"namespace": "default", "name": "watched"}
#: What a user keeps in a Secret: quotes and a slash look different in JSON and in an URL.
HOSTILE = 'hunter2-"quoted"/and\\more'


@pytest.fixture
def bench(control_plane, kube, tmp_path_factory) -> Iterator[Bench]:
    # A deletion takes long enough to be scraped meanwhile.
    arguments = ["--probes=127.0.0.1:0", "--log-format=json", "--leader-elect"]
    options = {"namespace": "default", "key": "operator", "arguments": arguments}
    with a_bench(control_plane, tmp_path_factory.mktemp("watched"), quick(rds_delete=3.0), **options) as bench:
        cluster.apply(kube, cluster.documents([ROOT / "manifests/samples/secrets-access.yaml"]))
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "gemini", "namespace": "default"}}
        cluster.apply(kube, [{**secret, "stringData": {"google": HOSTILE}}])
        yield bench


@pytest.mark.timeout(300)
def test_one_life_as_metrics_logs_and_events_tell_it(bench: Bench) -> None:
    for chapter in CHAPTERS:
        chapter(bench)


def agrees_with_the_ledger(bench: Bench) -> None:
    """Compare every count, at a moment at which no call is on its way."""
    assert processes.wait_until(lambda: scrape(bench).requests() == ledger(bench), PATIENCE), (
        scrape(bench).requests() - ledger(bench),
        ledger(bench) - scrape(bench).requests(),
    )


def it_is_not_ready_before_aws_accepts_its_credentials(bench: Bench) -> None:
    bench.aws.control.faults.replace([Fault.parse({"match": "sts:*", "expired": True})])
    bench.start()
    assert processes.wait_until(lambda: "does not accept" in get(bench, "/readyz")[1], PATIENCE), get(bench, "/readyz")
    assert get(bench, "/readyz")[0] == 503
    assert get(bench, "/healthz") == (200, "ok\n")
    bench.aws.control.faults.replace([])
    assert processes.wait_until(lambda: get(bench, "/readyz") == (200, "working\n"), PATIENCE), get(bench, "/readyz")
    assert scrape(bench).value("leader_election_master_status", name="missyou-operator-0") == 1.0


def a_creation_that_is_throttled_and_refused(bench: Bench) -> None:
    refusal = {"code": "InvalidParameterException", "status": 400, "message": f"not a secret: {HOSTILE}"}
    bench.aws.control.faults.replace(
        [
            Fault.parse({"match": "ec2:CreateVpc", "times": 2, "throttle": 1.0}),
            # This one boto3 tries again by itself.
            Fault.parse({"match": "ec2:DescribeVpcs", "times": 2, "throttle": 1.0}),
            Fault.parse({"match": "secretsmanager:CreateSecret", "fail": refusal}),
        ]
    )
    reference = {"secretKeyRef": {"name": "gemini", "key": "google"}}
    bench.apply("watched", environment="Development", secrets={"googleAPIKey": reference})
    stalled = bench.until("watched", lambda app: condition(app, "Stalled"), "Stalled")
    # What AWS said is there, without what it must not have said.
    assert "not a secret: ********" in condition(stalled, "Stalled")["message"]
    bench.aws.control.faults.replace([])
    app = bench.ready("watched")
    agrees_with_the_ledger(bench)
    seen = scrape(bench)
    for operation in ("CreateVpc", "DescribeVpcs"):
        throttled = ledger(bench)[f"ec2:{operation}", "RequestLimitExceeded"]
        assert throttled >= 1
        assert seen.value("missyou_aws_throttled_requests_total", service="ec2", operation=operation) == throttled
    assert seen.requests()["secretsmanager:CreateSecret", "InvalidParameterException"] >= 1
    assert seen.value("missyou_aws_request_duration_seconds_count", service="ec2") == sum(
        number for (operation, _), number in seen.requests().items() if operation.startswith("ec2:")
    )
    assert seen.value("missyou_app_time_to_ready_seconds_count", after="creation") == 1
    assert seen.value("controller_runtime_reconcile_errors_total", controller="missyouapp") >= 1
    results = seen.of("controller_runtime_reconcile_total", controller="missyouapp")
    timed = seen.value("controller_runtime_reconcile_time_seconds_count", controller="missyouapp")
    # One pass may be between its end and its count.
    assert timed - 1 <= sum(results.values()) <= timed
    assert {dict(labels)["name"] for labels in seen.of("workqueue_depth")} == {"change", "creation", "background"}
    assert sum(seen.of("workqueue_queue_duration_seconds_count").values()) >= timed
    says_what_the_status_says(bench, app)


def says_what_the_status_says(bench: Bench, app: dict) -> None:
    seen = scrape(bench)
    for each in app["status"]["conditions"]:
        values = {
            status: seen.value("missyou_app_status_condition", **APP, condition=each["type"], status=status)
            for status in ("true", "false", "unknown")
        }
        assert values == {status: float(status == each["status"].lower()) for status in values}
    listed = Counter(resource["state"] for resource in app["status"]["resources"])
    assert {dict(labels)["state"]: n for labels, n in seen.of("missyou_app_resources", **APP).items()} == dict(listed)


def drift_is_counted_once(bench: Bench) -> None:
    assert scrape(bench).value("missyou_app_drift_found_total", **APP) == 0
    bench.aws_client("cloudwatch").delete_alarms(AlarmNames=["watched-rds-cpu"])
    corrected = lambda: scrape(bench).value("missyou_app_drift_corrected_total", **APP) == 1  # noqa: E731
    assert processes.wait_until(corrected, PATIENCE), bench.get("watched")["status"].get("drift")
    assert scrape(bench).value("missyou_app_drift_found_total", **APP) == 1


def each_line_of_the_log_is_json_and_names_its_pass(bench: Bench) -> None:
    lines = [json.loads(line) for line in bench.operator.log.read_text().splitlines()]
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines)
    of_passes = [line for line in lines if "pass" in line]
    assert {(line["namespace"], line["app"], line["generation"]) for line in of_passes} == {("default", "watched", 1)}
    [created] = [line for line in lines if line["message"].endswith("Create ec2.Vpc/watched-vpc")]
    [ended] = [line for line in lines if line.get("pass") == created["pass"] and "result" in line]
    assert ended["seconds"] > 0
    # Each pass has another one.
    ends = [line["pass"] for line in of_passes if "result" in line]
    assert len(ends) == len(set(ends)) > 2


def no_secret_is_in_logs_metrics_status_or_events(bench: Bench) -> None:
    events = client.CoreV1Api(bench.kube).list_namespaced_event("default").to_dict()
    told = [event["message"] for event in events["items"]]
    places = {
        "log": bench.operator.log.read_text(),
        "metrics": get(bench, "/metrics")[1],
        "status": json.dumps(bench.get("watched")),
        "events": json.dumps(told),
    }
    assert any("not a secret: ********" in message for message in told)
    assert [place for place, text in places.items() if "hunter2" in text] == []


def what_is_gone_is_not_measured_any_more(bench: Bench) -> None:
    bench.delete("watched")
    deleting = lambda: scrape(bench).value("missyou_app_deletion_timestamp", **APP)  # noqa: E731
    assert processes.wait_until(lambda: bool(deleting()), PATIENCE)
    unready = lambda: scrape(bench).value(  # noqa: E731
        "missyou_app_status_condition", **APP, condition="Ready", status="false"
    )
    assert processes.wait_until(lambda: unready() == 1, PATIENCE)
    assert processes.wait_until(lambda: not exists(bench, "watched"), PATIENCE)
    assert processes.wait_until(lambda: "watched" not in get(bench, "/metrics")[1], PATIENCE)
    agrees_with_the_ledger(bench)
    assert scrape(bench).value("workqueue_depth", name="change") == 0


def exists(bench: Bench, name: str) -> bool:
    apps = bench.api.list_namespaced_custom_object("missyou.app", "v1alpha1", "default", "missyouapps")["items"]
    return any(app["metadata"]["name"] == name for app in apps)


def an_app_that_is_there_at_the_start_is_waited_for(bench: Bench) -> None:
    bench.apply("early", environment="Development", suspend=True)
    bench.until("early", lambda app: condition(app, "Ready"), "seen")
    bench.kill()
    bench.start()
    assert processes.wait_until(lambda: get(bench, "/readyz") == (200, "working\n"), PATIENCE), get(bench, "/readyz")
    # Ready means that the watch has shown it.
    assert scrape(bench).of("missyou_app_status_condition", namespace="default", name="early")


CHAPTERS = (
    it_is_not_ready_before_aws_accepts_its_credentials,
    a_creation_that_is_throttled_and_refused,
    drift_is_counted_once,
    each_line_of_the_log_is_json_and_names_its_pass,
    no_secret_is_in_logs_metrics_status_or_events,
    what_is_gone_is_not_measured_any_more,
    an_app_that_is_there_at_the_start_is_waited_for,
)
