"""ECS clusters: created once, described with tags and counts, deleted only when empty."""

from __future__ import annotations

from typing import Any

from missyou_local.aws.call import Call, Result, checks, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.ecs.services import SERVICES, cluster_name


@handles("ecs:CreateCluster")
def create_cluster(call: Call) -> Result:
    """Create a cluster, or return the ACTIVE one of this name as it is."""
    name = call.params.get("clusterName", "default")
    present = call.moto("ecs").clusters.get(name)
    if present is not None and present.status == "ACTIVE":
        return {"cluster": call.ask("DescribeClusters", {"clusters": [name]})["clusters"][0]}
    return call.forward()


@handles("ecs:DescribeClusters")
def describe_clusters(call: Call) -> Result:
    """Describe clusters, with counts by the clock, and tags where asked for."""
    result = call.forward()
    for shown in result["clusters"]:
        services = [s for (cluster, _), s in SERVICES.of(call).items() if cluster == shown["clusterName"]]
        shown["activeServicesCount"] = sum(service.status == "ACTIVE" for service in services)
        shown["runningTasksCount"] = sum(service.count(running=True) for service in services)
        shown["pendingTasksCount"] = sum(service.count(running=False) for service in services)
        if "TAGS" in call.params.get("include", []):
            shown["tags"] = list(_model(call, shown["clusterName"]).tags or [])
    return result


@handles("ecs:ListClusters")
def list_clusters(call: Call) -> Result:
    """List the clusters that are not INACTIVE."""
    return {"clusterArns": [c.arn for c in call.moto("ecs").clusters.values() if c.status != "INACTIVE"]}


@checks("ecs:DeleteCluster")
def cluster_is_empty(call: Call) -> None:
    """Refuse while services or tasks are in the cluster."""
    name = cluster_name(call)
    services = [s for (cluster, _), s in SERVICES.of(call).items() if cluster == name]
    if any(service.status != "INACTIVE" for service in services):
        raise AwsError("ClusterContainsServicesException", "The Cluster cannot be deleted while Services are active.")


def _model(call: Call, name: str) -> Any:
    return call.moto("ecs").clusters[name]
