"""The rules that compute something."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from missyou_operator.api import InvalidSpec, fargate, parse

from .cases import REGION, app


def problem(spec):
    with pytest.raises(InvalidSpec) as refused:
        parse(app(spec), REGION)
    (only,) = refused.value.problems
    return only


@given(st.sampled_from(sorted(fargate.SIZES)), st.data())
def test_exactly_the_sizes_of_the_table_are_legal(cpu, data):
    legal = fargate.SIZES[cpu]
    memory = data.draw(st.sampled_from(legal) | st.integers(fargate.MEMORY_MIN, fargate.MEMORY_MAX))
    spec = {"service": {"cpu": cpu, "memory": memory}}
    if memory in legal:
        assert parse(app(spec), REGION).service.memory == memory
    else:
        assert problem(spec).message.endswith(f"set memory to {fargate.describe(legal)}")


def test_memories_are_listed_or_given_as_a_range():
    assert fargate.describe(fargate.SIZES[512]) == "1024, 2048, 3072 or 4096"
    assert fargate.describe(fargate.SIZES[4096]) == "8192 to 30720 in steps of 1024"
    assert fargate.describe(fargate.SIZES[32768]) == "61440, 122880 or 249856"


@given(st.integers(20, 65536), st.integers(20, 65536))
def test_storage_may_stay_or_grow_by_a_tenth_and_the_message_names_the_least(storage, most):
    spec = {"database": {"storageGiB": storage, "maxStorageGiB": most}}
    if most == storage or most >= storage * 1.1:
        assert parse(app(spec), REGION).database.max_storage_gib == most
        return
    message = problem(spec).message
    named = int(message.split("maxStorageGiB to ")[1].split()[0].strip(","))
    assert parse(app({"database": {"storageGiB": storage, "maxStorageGiB": named}}), REGION)


@pytest.mark.parametrize("cidr", ["010.0.0.0/16", "10.0.0.0/255.255.0.0", " 10.0.0.0/16", "10.0.0.0/16\n", "10.0/16"])
def test_notations_that_only_python_knows_are_refused(cidr):
    assert problem({"network": {"cidr": cidr}}).path == "spec.network.cidr"


def test_a_newline_at_the_end_does_not_slip_through():
    assert problem({"image": {"tag": "latest\n"}}).path == "spec.image.tag"
    assert problem({"tags": {"team": "a\n"}}).path == "spec.tags"


@pytest.mark.parametrize(
    ("key", "refused"),
    [
        ("kubernetes.io/cluster/prod", True),
        ("k8s.io/cluster-autoscaler/enabled", True),
        ("elbv2.k8s.aws/cluster", True),
        ("karpenter.sh/discovery", True),
        ("Kubernetes.io/role/elb", True),
        ("eks:cluster-name", True),
        ("KubernetesCluster", True),
        ("mykubernetes.io/x", False),
        ("team", False),
    ],
)
def test_tags_that_mislead_controllers_of_clusters_are_refused(key, refused):
    spec = {"tags": {key: "owned"}}
    if refused:
        assert "mislead autoscalers" in problem(spec).message
    else:
        parse({"metadata": {"name": "shop"}, "spec": spec}, "eu-west-1")
