"""The API server restarted, unreachable, silent, its watches cut: AWS goes on, nothing is lost, the status comes right.

The operator is its own process; between it and a real API server lies a wire that the tests cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import yaml

from missyou_local import binaries, controlplane, processes
from tests.conftest import say

from .bench import PATIENCE, Bench, a_bench, condition, is_ready, quick
from .wire import Wire


@pytest.fixture(scope="module")
def plane(tmp_path_factory) -> Iterator[controlplane.ControlPlane]:
    made = controlplane.start(tmp_path_factory.mktemp("control-plane"), binaries.find(say))
    yield made
    made.stop()


def port_of(plane: controlplane.ControlPlane) -> int:
    server = yaml.safe_load(plane.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    port = urlsplit(server).port
    assert port
    return port


@pytest.fixture(scope="module")
def wire(plane) -> Iterator[Wire]:
    made = Wire(port_of(plane))
    yield made
    made.close()


@pytest.fixture(scope="module")
def bench(plane, wire, tmp_path_factory) -> Iterator[Bench]:
    timing = quick(rds=3.0, nat=2.0)
    with a_bench(plane, tmp_path_factory.mktemp("operator"), timing, through=wire) as bench:
        bench.start()
        yield bench


def begun(bench: Bench, name: str) -> None:
    bench.apply(name, environment="Development")
    bench.until(name, lambda app: condition(app, "NetworkReady"), "begun")


def test_the_watch_is_cut(bench: Bench, wire: Wire) -> None:
    begun(bench, "cut")
    assert wire.cut() >= 1
    bench.ready("cut")
    # No event came for what was changed just then: the new watch starts with what there is.
    wire.tear()
    bench.patch("cut", {"spec": {"monitoring": {"logRetentionDays": 14}}})
    wire.mend()
    bench.until("cut", lambda app: is_ready(app) and condition(app, "InSync")["status"] == "True", "changed")
    [group] = bench.aws_client("logs").describe_log_groups(logGroupNamePrefix="/ecs/cut")["logGroups"]
    assert group["retentionInDays"] == 14


def test_the_api_server_is_unreachable_during_a_creation(bench: Bench, wire: Wire) -> None:
    begun(bench, "torn")
    wire.tear()
    try:
        # AWS needs no Kubernetes: the stack grows on.
        rds = bench.aws_client("rds")

        def available() -> bool:
            rows = rds.describe_db_instances()["DBInstances"]
            return any(r["DBInstanceIdentifier"] == "torn-db" and r["DBInstanceStatus"] == "available" for r in rows)

        assert processes.wait_until(available, PATIENCE)
        assert condition(bench.get("torn"), "DatabaseReady").get("status") != "True"
    finally:
        wire.mend()
    bench.until("torn", lambda app: condition(app, "DatabaseReady").get("status") == "True", "told")
    bench.ready("torn")
    assert bench.vpcs("torn") == 1


def test_an_operator_that_starts_without_the_api_server_says_so(bench: Bench, wire: Wire) -> None:
    wire.tear()
    bench.kill()
    before = len(bench.log())
    bench.start()
    try:
        assert processes.wait_until(lambda: not bench.operator.alive(), PATIENCE)
        # Of this process alone: the one that was killed may have ended with a traceback.
        output = bench.log()[before:]
        assert "cannot reach the API server" in output.splitlines()[-1]
        assert "Traceback" not in output
    finally:
        wire.mend()
    bench.start()
    bench.have("started")


def test_the_api_server_is_restarted_in_the_middle_of_everything(bench: Bench, wire: Wire, plane) -> None:
    bench.have("going")
    begun(bench, "again")
    bench.delete("going")
    wire.tear()
    controlplane.start(plane.folder, binaries.find(say))
    bench.use(controlplane.api_client(plane.kubeconfig))
    wire.mend(port_of(plane))
    bench.ready("again")
    bench.until("going", lambda app: not app, "gone")
    assert (bench.vpcs("again"), bench.vpcs("going")) == (1, 0)


@pytest.mark.timeout(240)
def test_a_watch_that_falls_silent_is_noticed(bench: Bench, wire: Wire) -> None:
    """Packets are swallowed and nobody is told: kopf gives a stream up after 70 s without a sign of life."""
    bench.have("silent")
    assert wire.hush() >= 1
    bench.patch("silent", {"spec": {"monitoring": {"logRetentionDays": 30}}})

    def changed() -> bool:
        [group] = bench.aws_client("logs").describe_log_groups(logGroupNamePrefix="/ecs/silent")["logGroups"]
        return bool(group["retentionInDays"] == 30)

    assert processes.wait_until(changed, 120.0)
