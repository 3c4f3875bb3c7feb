"""The image's process: it works where nothing can be written; SIGTERM ends it with 0 once what was begun is done."""

from __future__ import annotations

import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import client

from missyou_local import cluster, controlplane, processes
from missyou_local.aws import Server, Timing, serve
from missyou_local.aws.faults.fault import Fault
from missyou_local.controlplane import ControlPlane

from .conftest import ROOT
from .container import Container, Image, start
from .rights import shipped

PATIENCE = 60.0
#: Seconds that each call takes which is under way at SIGTERM. Long enough for a busy machine to send the signal
#: meanwhile, and shorter than the operator waits for what was begun (25 s, handlers.py).
SLOW = 12.0


@pytest.fixture(scope="module")
def kube(plane: ControlPlane) -> client.ApiClient:
    kube = controlplane.api_client(plane.kubeconfig)
    cluster.apply(kube, cluster.documents(sorted((ROOT / "crds").glob("missyou*.yaml"))))
    cluster.wait_for_crd(kube)
    cluster.apply(kube, shipped())
    return kube


@pytest.fixture(scope="module")
def aws() -> Iterator[Server]:
    aws = serve(timing=Timing(**dict.fromkeys(Timing.__dataclass_fields__, 0.2)))
    yield aws
    aws.close()


@pytest.fixture
def pods(kube: client.ApiClient, plane: ControlPlane, aws: Server, tmp_path: Path) -> Iterator[list[Container]]:
    """Two: the first leads."""
    made = []
    try:
        for name, said in (("first", "leads"), ("second", "waits for the lease")):
            made.append(start(plane, aws, tmp_path, name))
            log = made[-1].log
            assert processes.wait_until(lambda log=log, said=said: said in log.read_text(), PATIENCE), log.read_text()
        yield made
    finally:
        for pod in made:
            pod.kill()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def test_the_image_is_pinned_and_its_user_may_do_little() -> None:
    bases = set()
    for name in ("Dockerfile.operator", "Dockerfile.app"):
        text = (ROOT / name).read_text()
        base, *stages = re.findall(r"^FROM (.+)$", text, re.MULTILINE)
        assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+@sha256:[0-9a-f]{64} AS base", base)
        assert stages == ["base AS build", "base"]
        bases.add(base)
    assert len(bases) == 1
    text = (ROOT / "Dockerfile.operator").read_text()
    # With hashes: tests/supply.
    assert "python tools/setup_venv.py operator /venv" in text
    assert "# syntax=" not in text
    assert Image.read().user == "65532:65532"


def test_sigterm_ends_it_when_what_was_begun_is_done(
    pods: list[Container], kube: client.ApiClient, aws: Server
) -> None:
    first, second = pods
    assert processes.wait_until(lambda: answers(f"{first.base}/healthz") and answers(f"{first.base}/readyz"), PATIENCE)
    slow = Fault.parse({"match": "ec2:CreateSubnet", "latency": SLOW})
    aws.control.faults.replace([slow])
    spec = {"environment": "Development"}
    app = {"apiVersion": "missyou.app/v1alpha1", "kind": "MissYouApp", "metadata": {"name": "ending"}, "spec": spec}
    cluster.apply(kube, [app])
    ledger = aws.control.ledger
    # Made after the VPC, as the subnets are, which are under way then.
    assert processes.wait_until(lambda: bool(ledger.entries("ec2:CreateSecurityGroup")), PATIENCE), (
        first.log.read_text()
    )
    told = time.time()
    first.terminate()
    # The ledger has what was answered.
    assert not ledger.entries("ec2:CreateSubnet"), "the machine was too slow to send SIGTERM while subnets were made"
    assert first.code(SLOW + 15.0) == 0, first.log.read_text()
    mine = ledger.entries(caller="first")
    # A pass that went on would have begun with these, which need the subnets.
    later = {"ec2:CreateNatGateway", "rds:CreateDBSubnetGroup", "elbv2:CreateLoadBalancer"}
    assert later.isdisjoint(entry["operation"] for entry in mine)
    subnets = [entry for entry in mine if entry["operation"] == "ec2:CreateSubnet"]
    assert len(subnets) == 6
    assert min(entry["time"] for entry in subnets) < told
    status = cluster.get_app(kube, "ending")["status"]["resources"]
    assert len([each for each in status if each["type"] == "ec2.Subnet" and each["id"]]) == 6
    assert processes.wait_until(lambda: " leads" in second.log.read_text(), PATIENCE), second.log.read_text()
    assert "Traceback" not in first.log.read_text()


def test_sigterm_ends_one_that_waits(pods: list[Container]) -> None:
    assert processes.wait_until(lambda: answers(f"{pods[1].base}/readyz"), PATIENCE)
    pods[1].terminate()
    assert pods[1].code(PATIENCE) == 0, pods[1].log.read_text()
