"""The ECS cluster. Identity and tombstones: ECS API reference, CreateCluster and DeleteCluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.ecs.answers import ecs_tags, refusals_as_waits, retag, tags_of
from missyou_operator.aws.errors import gone
from missyou_operator.aws.informer import DESCRIBED, Batch
from missyou_operator.aws.permissions import change, linked_role, make, observe, tag_new
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.effects import Effect, Effects
from missyou_operator.engine.resource import READY, Health, Observed, Resource, failed, pending

#: Source: ECS API reference, DescribeClusters: at most 100 clusters.
_CLUSTERS = Batch(
    "ecs",
    "describe_clusters",
    "clusters",
    "clusterName",
    100,
    lambda names: {"clusters": [*names], "include": ["TAGS"]},
    DESCRIBED,
)


@dataclass(frozen=True, kw_only=True)
class Cluster(Resource):
    """A cluster for Fargate tasks: merely a name that groups a service's tasks.

    `create_cluster` returns an existing cluster of the name as it is, so only a read shows its owner.
    """

    TYPE = "ecs.Cluster"
    # The scalable target is read through the cluster, so it must not outlive the cluster.
    DELETE_AFTER = ("ecs.Service", "autoscaling.ScalableTarget")
    EFFECTS = Effects(Effect("CreateCluster", 5), Effect("DeleteCluster", 5))
    PERMISSIONS = (
        observe("ecs:DescribeClusters", on=("ecs:cluster/{ecs.Cluster}",)),
        make("ecs:CreateCluster", on=("ecs:cluster/{ecs.Cluster}",)),
        tag_new("ecs:TagResource", "CreateCluster", on=("ecs:cluster/{ecs.Cluster}",)),
        change("ecs:DeleteCluster", "ecs:TagResource", "ecs:UntagResource", on=("ecs:cluster/{ecs.Cluster}",)),
        linked_role("ecs.amazonaws.com", 'ECS developer guide, "Using service-linked roles for Amazon ECS"'),
    )

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read the cluster by its name. A deleted one stays listed as INACTIVE for a while."""
        name = reader.name(cls.TYPE)
        return [
            reader.observed(
                cls,
                name,
                row["clusterArn"],
                {"id": row["clusterArn"], "arn": row["clusterArn"], "cluster_name": name},
                tags_of(row.get("tags")),
                "deleting" if row["status"] == "DEPROVISIONING" else row["status"],
            )
            for row in reader.described(_CLUSTERS, [name])[name]
            if row["status"] != "INACTIVE"
        ]

    def health(self, observed: Observed) -> Health:
        """Return the state's health; usually a cluster is active at once."""
        if observed.state == "PROVISIONING":
            return pending(Reason.CREATING, f"cluster {self.name} is being created", 5.0)
        if observed.state == "FAILED":
            return failed("CreationFailed", f"AWS could not set up cluster {self.name}: delete it to have it replaced")
        return READY

    def create(self, cloud: Cloud) -> Observed:
        """Create it."""
        with refusals_as_waits(self.address):
            row = cloud.client("ecs").create_cluster(clusterName=self.name, tags=ecs_tags(self.tags))["cluster"]
        arn = row["clusterArn"]
        return self.as_created(arn, row["status"], arn=arn, cluster_name=self.name)

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:  # noqa: ARG002
        """Set the tags; nothing else can change."""
        retag(cloud, self, observed)
        return self.as_desired(observed)

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it. AWS refuses while a service or a task is left; the deletion is retried."""
        return gone(lambda: cloud.client("ecs").delete_cluster(cluster=observed.id))
