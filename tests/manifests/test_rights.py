"""RBAC, both ways: the operator uses every right that it is given, is refused nothing, and misses each one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from kubernetes import client

from missyou_local import cluster, controlplane
from missyou_local.aws import Timing, serve
from missyou_local.controlplane import ControlPlane

from . import audit
from .conftest import ROOT, Kubectl
from .living import EVERYTHING, Life, Stage, begin
from .people import eventually, with_role
from .rights import ACCOUNT, HOME, Right, further_names, rights, shipped, without

#: What anybody may do who is logged in, by the roles of Kubernetes itself.
EVERYBODY = {
    'ClusterRole "system:basic-user"',
    'ClusterRole "system:discovery"',
    'ClusterRole "system:public-info-viewer"',
}
RIGHTS = rights(shipped())
#: What does not come true without a right, where that is not everything. An Event tells of what could not be written.
MISSED = {
    "patch missyouapps.missyou.app": {"finalizer", "status", "secret"},
    "patch missyouapps.missyou.app/status": {"status"},
    "create events": {"event"},
    "get secrets gemini": {"secret"},
    # What it knows of them still counts.
    "watch namespaces": set(),
    "watch missyoutenants.missyou.app": set(),
    # It lists what is there when it starts; then it ends.
    "watch missyouapps.missyou.app": {"process"},
    # It may create its Leases, and works for as long as they last.
    "update leases.coordination.k8s.io missyou-operator-0": {"lease"},
}


@pytest.fixture(scope="module")
def stage(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    aws = serve(timing=Timing(**dict.fromkeys(Timing.__dataclass_fields__, 0.2)))
    yield Stage(plane, aws, tmp_path_factory.mktemp("lives"))
    aws.close()


@pytest.fixture(scope="module")
def asked(stage: Stage) -> set[audit.Request]:
    """What the operator asks for in a whole life of an app, as the shipped ServiceAccount."""
    kube = controlplane.api_client(stage.plane.kubeconfig)
    cluster.apply(kube, cluster.documents(sorted((ROOT / "crds").glob("missyou*.yaml"))))
    cluster.wait_for_crd(kube)
    cluster.apply(kube, shipped())
    without_policies(stage.plane, kube)
    life = begin(stage, "whole", "default", HOME)
    try:
        life.until(lambda: life.come_true() == EVERYTHING)
        life.end()
    finally:
        life.operator.stop()
    return {each for each in audit.requests(stage.plane.folder / "audit") if each.user == f"{HOME}:{ACCOUNT}"}


def without_policies(plane: ControlPlane, kube: client.ApiClient) -> None:
    """Take away the admission policies that other tests have left behind, and wait until they are no longer in force.

    They know one operator, that of missyou-system: those which live elsewhere here may not write where a stack lives.
    """
    cluster.delete(
        kube,
        [{**each, "metadata": {"name": each["metadata"]["name"]}} for each in cluster.documents(cluster.ADMISSION)],
    )
    somebody = replace(with_role(plane, "somebody", "edit", "default"), only_asking=True)
    eventually(lambda: somebody.create("default", "placed", annotations={"missyou.app/place": "{}"}), ())


def test_no_right_is_given_twice() -> None:
    assert len(RIGHTS) == len({(right.verb, right.resource, right.name) for right in RIGHTS})


def test_what_the_operator_may_is_what_it_does(asked: set[audit.Request]) -> None:
    used = {each for each in asked if each.role not in EVERYBODY}
    named = {(right.role, right.verb, right.resource): right.name for right in RIGHTS}
    keys = {(each.role, each.verb, each.resource) for each in used}
    # A role of "" would be a refusal.
    assert keys == set(named)
    names = {each.name for each in used if named[each.role, each.verb, each.resource]}
    assert names - further_names(shipped()) == set(named.values()) - {""}


@pytest.fixture(scope="module")
def lives(asked: set[audit.Request], stage: Stage) -> Iterator[dict[Right, Life]]:
    """An operator for each right, which lacks it: all at the same time, each in a namespace of its own."""
    begun = {right: lacking(stage, right, f"lacks{number}") for number, right in enumerate(RIGHTS)}
    yield begun
    for life in begun.values():
        life.operator.stop(patience=0.0)


def lacking(stage: Stage, right: Right, name: str) -> Life:
    """Begin a life without a right, in a namespace of its own."""
    home = f"without-{name}"
    cluster.apply(controlplane.api_client(stage.plane.kubeconfig), without(right, home))
    return begin(stage, name, home, home, f"--own-namespace={home}", f"--namespace={home}")


@pytest.mark.parametrize("right", RIGHTS, ids=str)
def test_every_right_is_missed(right: Right, lives: dict[Right, Life], plane: ControlPlane) -> None:
    life = lives[right]

    def refused() -> bool:
        return any(
            (each.verb, each.resource, each.role) == (right.verb, right.resource, "")
            for each in audit.requests(plane.folder / "audit")
            if each.user == f"{life.namespace}:{ACCOUNT}"
        )

    life.until(refused)
    if (missed := MISSED.get(str(right))) is None:
        assert not life.come_true() & {"finalizer", "status", "event", "secret"}
    elif missed == {"process"}:
        life.until(lambda: not life.operator.alive())
    elif missed == {"lease"}:
        life.until(lambda: "Lease missyou-operator-0 could not be written: 403" in life.operator.log.read_text())
    else:
        life.until(lambda: life.come_true() == EVERYTHING - missed)


def test_a_namespace_opts_in_with_the_command_that_the_condition_gives(
    stage: Stage, asked: set[audit.Request], kubectl: Kubectl
) -> None:
    life = lacking(stage, next(right for right in RIGHTS if right.resource == "secrets"), "opts-in")
    life.until(lambda: life.condition("SecretsReady").get("reason") == "SecretForbidden")
    [commands] = re.findall(r"kubectl create role .*", life.condition("SecretsReady")["message"])
    for command in commands.split(" && "):
        assert kubectl(*command.split()[1:]).returncode == 0
    life.until(life.secret_arrived)
    life.operator.stop(patience=0.0)
