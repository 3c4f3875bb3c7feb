"""The cluster: its owner, its tombstone, and a new account."""

from __future__ import annotations

import pytest

from missyou_operator.aws.ecs.cluster import Cluster
from missyou_operator.engine.errors import NotYetError
from tests.aws.fake import STACK, FakeEc2, aws_error, cloud_of, reader_of, tags

ARN = STACK.arn("ecs", "cluster/missyou-cluster")


def row(status: str = "ACTIVE", *, tagged: bool = True) -> dict[str, object]:
    ours = tags("missyou-cluster", component="Service") if tagged else {}
    rows = [{"key": key, "value": value} for key, value in ours.items()]
    return {"clusterArn": ARN, "clusterName": "missyou-cluster", "status": status, "tags": rows}


def read(*rows: object) -> list[tuple[str, str, bool]]:
    client = FakeEc2(describe_clusters={"clusters": rows, "failures": []})
    found = Cluster.read(reader_of(cloud_of(client)))
    assert client.calls == [("describe_clusters", {"clusters": ["missyou-cluster"], "include": ["TAGS"]})]
    return [(each.id, each.state, each.owned) for each in found]


def test_ours_foreign_and_deleted_clusters_are_distinguished() -> None:
    assert read() == []
    assert read(row()) == [(ARN, "ACTIVE", True)]
    assert read(row(tagged=False)) == [(ARN, "ACTIVE", False)]
    assert read(row("INACTIVE")) == []
    assert read(row("DEPROVISIONING")) == [(ARN, "deleting", True)]


def test_a_new_account_has_to_wait() -> None:
    refusal = aws_error("InvalidParameterException", "Unable to assume the service linked role. Please verify …")
    cluster = Cluster(name="missyou-cluster", component="Service", tags=tags("missyou-cluster"))
    with pytest.raises(NotYetError) as caught:
        cluster.create(cloud_of(FakeEc2(create_cluster=refusal)))
    assert caught.value.health.reason == "WaitingForRole"
    assert "ecs.Cluster/missyou-cluster" in caught.value.health.message


def test_deleting_what_is_gone_succeeds() -> None:
    [observed] = Cluster.read(reader_of(cloud_of(FakeEc2(describe_clusters={"clusters": [row()]}))))
    client = FakeEc2(delete_cluster=aws_error("ClusterNotFoundException"))
    assert Cluster.delete(cloud_of(client), observed).status == "ready"
