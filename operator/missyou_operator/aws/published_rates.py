"""AWS's published limits of requests, as data.

Sources: EC2 Developer Guide, "Request throttling for the Amazon EC2 API"; ECS API Reference, "Request throttling";
CloudWatch User Guide, "CloudWatch service quotas"; CloudWatch Logs quotas; Route 53 Developer Guide, "Quotas: maximums
on API requests"; WAF Developer Guide, "Quotas"; SNS and Secrets Manager quotas. Where nothing is published, what people
report to work (RDS, load balancing) or less; `rates` learns when that is too much.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Limit:
    """A token bucket: what it holds, and what it gains in a second."""

    burst: float
    per_second: float

    def times(self, part: float) -> Limit:
        """Return a part of it, which holds at least one token."""
        return Limit(max(1.0, self.burst * part), self.per_second * part)


@dataclass(frozen=True, slots=True)
class Family:
    """The APIs that share a bucket. `regional`: each region has one; otherwise the account has."""

    name: str
    limit: Limit
    regional: bool = True


#: By service ID: what operations (in the order of precedence) have which limit. A name makes them share one bucket;
#: without a name, each has its own.
_LIMITS: dict[str, tuple[tuple[str, str, Limit], ...]] = {
    "ec2": (
        ("CreateNatGateway DeleteNatGateway", "", Limit(10, 1)),
        # Of the page's table of exceptions; not confirmed on AWS.
        ("CreateVpcEndpoint ModifyVpcEndpoint DeleteVpcEndpoints", "", Limit(4, 0.3)),
        ("CreateTags DeleteTags", "", Limit(100, 10)),
        ("Describe* Get*", "", Limit(100, 20)),
        ("*", "", Limit(50, 5)),
    ),
    "ecs": (
        ("CreateCluster DeleteCluster UpdateCluster PutClusterCapacityProviders", "clusters", Limit(20, 1)),
        ("RegisterTaskDefinition DeregisterTaskDefinition", "task definitions", Limit(20, 1)),
        ("DeleteTaskDefinitions", "", Limit(5, 1)),
        ("CreateService UpdateService DeleteService", "services", Limit(50, 5)),
        ("DescribeServices ListServices", "reads of services", Limit(100, 20)),
        ("DescribeTasks ListTasks", "reads of tasks", Limit(100, 20)),
        ("DescribeClusters ListClusters", "reads of clusters", Limit(50, 20)),
        ("DescribeTaskDefinition ListTaskDefinition*", "reads of task definitions", Limit(50, 20)),
        ("*ServiceDeployments *ServiceRevisions", "reads of deployments", Limit(50, 20)),
        ("TagResource UntagResource", "", Limit(20, 10)),
        ("ListTagsForResource", "", Limit(50, 20)),
    ),
    "cloudwatch": (
        ("DescribeAlarms", "", Limit(9, 9)),
        ("PutMetricAlarm DeleteAlarms", "", Limit(3, 3)),
        ("*Dashboard *Dashboards ListTagsForResource", "", Limit(10, 10)),
        ("TagResource UntagResource", "", Limit(20, 20)),
    ),
    "cloudwatch-logs": (("*", "", Limit(10, 10)),),
    "route-53": (("*", "all", Limit(5, 5)),),
    "wafv2": (
        ("AssociateWebACL DisassociateWebACL", "", Limit(1, 0.5)),
        ("GetWebACLForResource ListResourcesForWebACL", "", Limit(1, 1)),
        ("Get* List*", "", Limit(5, 5)),
        ("*", "", Limit(1, 1)),
    ),
    "secrets-manager": (("GetSecretValue DescribeSecret", "", Limit(1000, 1000)), ("*", "", Limit(50, 50))),
    # Nothing is published for these three: people report that more than ten reads a second of an API are throttled.
    "rds": (("Describe*", "", Limit(40, 10)),),
    "elastic-load-balancing-v2": (("Describe*", "", Limit(40, 10)),),
    "resource-groups-tagging-api": (("*", "", Limit(40, 10)),),
    "sns": (("*", "", Limit(100, 30)),),
    "s3": (("*", "", Limit(100, 100)),),
    "sts": (("*", "", Limit(100, 100)),),
    "sqs": (("*", "", Limit(100, 100)),),
}
#: What is not listed above: reads and changes.
_READS, _CHANGES = Limit(40, 20), Limit(20, 5)
#: Services that exist once for all regions.
_GLOBAL = frozenset({"route-53", "iam"})


@functools.cache
def family_of(service: str, operation: str) -> Family:
    """Return the bucket that a request takes its token from."""
    regional = service not in _GLOBAL
    for patterns, name, limit in _LIMITS.get(service, ()):
        if any(fnmatchcase(operation, pattern) for pattern in patterns.split()):
            return Family(f"{service}:{name or operation}", limit, regional)
    reads = operation.startswith(("Describe", "List", "Get", "BatchGet", "Simulate", "Lookup"))
    return Family(f"{service}:{operation}", _READS if reads else _CHANGES, regional)
