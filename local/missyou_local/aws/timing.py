"""How long the slow operations of AWS take here, in seconds. AWS needs minutes, a demo seconds, a test none."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(slots=True)
class Timing:
    """Durations in seconds. A change applies to what starts afterwards; what is under way keeps its deadline."""

    rds: float = 3.0
    """A database from `creating` to `available`; its Endpoint shows after 4/5 of it."""
    rds_standby: float = 0.0
    """The additional time of a database with a standby."""
    rds_modify: float = 1.5
    """A database in `modifying`."""
    rds_optimise: float = 0.0
    """A database in `storage-optimization`, after a change of its storage; it serves meanwhile."""
    rds_delete: float = 2.0
    """A database in `deleting`."""
    rds_snapshot: float = 1.0
    """A snapshot from `creating` to `available`; its database is `backing-up` meanwhile."""
    backup_copy: float = 0.5
    """A copy of automated backups in another region from the order to stop until it has ended."""
    nat: float = 1.5
    """A NAT gateway from `pending` to `available`."""
    nat_delete: float = 1.0
    """A NAT gateway from `deleting` to `deleted`."""
    endpoint: float = 1.0
    """An interface endpoint from `pending` to `available`."""
    endpoint_delete: float = 0.5
    """A VPC endpoint from `deleting` until it is no longer listed."""
    bucket_name: float = 1.0
    """How long the name of a deleted bucket stays taken."""
    web_acl: float = 0.5
    """How long a new web ACL cannot be associated."""
    alb: float = 2.0
    """A load balancer from `provisioning` to `active`."""
    task: float = 1.0
    """A task from `PENDING` to `RUNNING`, or to the failure of its start."""
    healthy: float = 0.5
    """A target from `initial` to `healthy`."""
    task_stop: float = 0.5
    """A task from the order to stop to `STOPPED`; its target is `draining` meanwhile."""
    check_second: float = 0.05
    """A second of the interval of health checks, where a data plane checks."""
    grace_second: float = 0.25
    """A second of a service's health check grace period, where a data plane checks."""
    bake_minute: float = 0.0
    """A minute of a deployment's bake times."""
    eni: float = 0.5
    """How long network interfaces outlive the load balancer, database or task that they belonged to."""
    iam: float = 0.0
    """How long a new role, or a change of its rights, is unknown to other services."""
    certificate: float = 2.0
    """A certificate from the existence of its validation records to `ISSUED`."""
    cloudtrail: float = 1.0
    """A call until CloudTrail's event of it has arrived at EventBridge."""
    service_event: float = 0.2
    """A change of a task, a deployment, an image, a database until the event of it has arrived at EventBridge."""

    @classmethod
    def instant(cls) -> Timing:
        """Return a timing with all durations 0."""
        return cls(**{field.name: 0.0 for field in dataclasses.fields(cls)})

    @classmethod
    def realistic(cls) -> Timing:
        """Return AWS's typical durations.

        Sources: durations reported in Terraform's and eksctl's public logs and issues (database 5-8.5 min, 10-17 with a
        standby; NAT gateway 84-121 s; load balancer 135-187 s; certificate 60 s-9 min; tasks and targets such that a
        rollout of two takes 90-240 s; interfaces 30 s-3 min); IAM: 5-15 s, longer at times. Endpoints and copies of
        backups: an estimate. Web ACLs: seconds to minutes (github.com/hashicorp/terraform-provider-aws, issues 17527
        and 29080). A deleted bucket's name: minutes, up to an hour (aws-behaviour 6.5); the lower end. Storage is
        optimised for six hours or more (RDS User Guide, "Increasing DB instance storage capacity"); the lower end.
        CloudTrail's events come within seconds up to minutes, those of services within a second or so: an estimate.
        """
        return cls(
            rds=420.0,
            rds_standby=300.0,
            rds_modify=300.0,
            rds_optimise=6 * 3600.0,
            rds_delete=300.0,
            rds_snapshot=240.0,
            backup_copy=60.0,
            nat=115.0,
            nat_delete=60.0,
            endpoint=60.0,
            endpoint_delete=60.0,
            bucket_name=60.0,
            web_acl=20.0,
            alb=152.0,
            task=45.0,
            healthy=30.0,
            task_stop=30.0,
            check_second=1.0,
            grace_second=1.0,
            bake_minute=60.0,
            eni=90.0,
            iam=12.0,
            certificate=90.0,
            cloudtrail=45.0,
            service_event=1.0,
        )

    def update(self, values: Mapping[str, Any]) -> None:
        """Set the named durations. Raises ValueError, and changes nothing, for an unknown name or a bad duration."""
        names = [field.name for field in dataclasses.fields(self)]
        for name, value in values.items():
            if name not in names:
                raise ValueError(f"unknown timing {name!r}; the names are {', '.join(names)}")
            if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                raise ValueError(f"timing {name!r} must be a number of seconds >= 0, not {value!r}")
        for name, value in values.items():
            setattr(self, name, float(value))
