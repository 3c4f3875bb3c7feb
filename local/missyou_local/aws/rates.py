"""How many requests a second AWS takes: token buckets per account, region and API, as AWS publishes them.

Off at first, as tests make calls faster than any account does; `{"rates": true}` at the control endpoint puts them in
force, on the clock. Sources: EC2 Developer Guide, "Request throttling for the Amazon EC2 API"; ECS API Reference,
"Request throttling"; CloudWatch and CloudWatch Logs, "service quotas"; Route 53 and WAF, "Quotas". For RDS and load
balancing, which publish none, what people report: some ten reads a second of each API, a few more at once.
"""

from __future__ import annotations

import fnmatch
import threading
from collections.abc import Callable

from missyou_local.aws import backends
from missyou_local.aws.errors import AwsError
from missyou_local.aws.faults import errors

#: What the operations of a service may do: pattern of operations, bucket ("" for one each), its size, refill a second.
_EC2_READS, _ECS_READS = (100.0, 20.0), (50.0, 20.0)
_LIMITS: dict[str, tuple[tuple[str, str, float, float], ...]] = {
    "ec2": (
        ("CreateNatGateway", "", 10, 1),
        ("DeleteNatGateway", "", 10, 1),
        ("*VpcEndpoint", "", 4, 0.3),
        ("DeleteVpcEndpoints", "", 4, 0.3),
        ("*Tags", "", 100, 10),
        ("Describe*", "", *_EC2_READS),
        ("*", "", 50, 5),
    ),
    "ecs": (
        ("*TaskDefinitions", "", 5, 1),
        ("DescribeTaskDefinition", "definitions", *_ECS_READS),
        ("*TaskDefinition", "registrations", 20, 1),
        ("DescribeServices", "services", 100, 20),
        ("DescribeTasks", "tasks", 100, 20),
        ("ListTasks", "tasks", 100, 20),
        ("DescribeClusters", "clusters", *_ECS_READS),
        ("*Cluster", "changes of clusters", 20, 1),
        ("*Service", "changes of services", 50, 5),
        ("TagResource", "", 20, 10),
        ("*", "", *_ECS_READS),
    ),
    "cloudwatch": (
        ("DescribeAlarms", "", 9, 9),
        ("PutMetricAlarm", "", 3, 3),
        ("DeleteAlarms", "", 3, 3),
        ("*Dashboard*", "", 10, 10),
        ("ListTagsForResource", "", 10, 10),
        ("TagResource", "", 20, 20),
    ),
    "logs": (("DescribeLogGroups", "", 10, 10),),
    "route53": (("*", "all", 5, 5),),
    "wafv2": (
        ("*associateWebACL", "", 1, 0.5),
        ("AssociateWebACL", "", 1, 0.5),
        ("*Resource*", "", 1, 1),
        ("Get*", "", 5, 5),
        ("List*", "", 5, 5),
        ("*", "", 1, 1),
    ),
    "rds": (("Describe*", "", 40, 10),),
    "elbv2": (("Describe*", "", 40, 10),),
    "resourcegroupstaggingapi": (("GetResources", "", 40, 10),),
}
_GLOBAL = ("route53", "iam")


class Rates:
    """The buckets of all accounts. `on`: whether they are in force."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.on = False
        self._clock, self._lock = clock, threading.Lock()
        self._buckets: dict[tuple[str, ...], tuple[float, float]] = {}
        backends.on_reset(self._fill)

    def _fill(self) -> None:
        self._buckets.clear()

    def refusal(self, account: str, region: str, name: str) -> AwsError | None:
        """Take a token for a call (`ec2:CreateVpc`); return the throttling error of its service where there is none."""
        if not self.on:
            return None
        service, operation = name.split(":")
        rows = _LIMITS.get(service, ())
        found = next((row for row in rows if fnmatch.fnmatchcase(operation, row[0])), None)
        if found is None:
            return None
        _, bucket, size, refill = found
        key = (account, "" if service in _GLOBAL else region, service, bucket or operation)
        with self._lock:
            now = self._clock()
            left, at = self._buckets.get(key, (size, now))
            left = min(size, left + max(0.0, now - at) * refill)
            self._buckets[key] = (left - 1 if left >= 1 else left, now)
        return None if left >= 1 else errors.error("throttle", service)
