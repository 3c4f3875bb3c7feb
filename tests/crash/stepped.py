"""A stack on a clock that is turned, not waited for; and the end of the operator at a call of one's choice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from missyou_local.aws import Server
from tests.passes.harness import REGION, App, Killed

When = Literal["before", "after"]
_READS = ("Describe", "List", "Get", "BatchGet", "AssumeRole")


class Clock:
    """Seconds since the epoch."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass(slots=True)
class Process:
    """The operator's process, as far as AWS sees it; it can be ended at one of its changing calls.

    `calls` are those so far. `fatal` is the number of the one that is its last: it is not sent, or it is carried out
    (`when`). After that nothing of the process reaches AWS: what other threads were about to send is not sent, and
    answers are not seen.
    """

    calls: list[str] = field(default_factory=list)
    fatal: int = 0
    when: When = "before"
    dead: bool = False

    def watch(self, session: Any) -> None:
        """Hook into a session, before any client is made of it."""
        session.events.register("before-send", self._before)
        session.events.register("after-call", self._after)

    def _before(self, event_name: str, **_: Any) -> None:
        if self.dead:
            raise Killed
        _, service, operation = event_name.split(".")
        if not operation.startswith(_READS):
            self.calls.append(f"{service}:{operation}")
            if len(self.calls) == self.fatal and self.when == "before":
                self.dead = True
                raise Killed

    def _after(self, event_name: str, **_: Any) -> None:
        changing = not event_name.rpartition(".")[2].startswith(_READS)
        if changing and self.when == "after" and len(self.calls) >= self.fatal > 0:
            self.dead = True
        if self.dead:
            raise Killed


class Stepped(App):
    """An app whose clock goes on by what the operator wants to wait, and by nothing else."""

    #: Of the clock: how fast a busy machine is does not matter. For the rest there is the test's timeout.
    PATIENCE = 7200.0

    def __init__(self, aws: Server, clock: Clock, name: str, **spec: Any) -> None:
        self.clock = clock
        super().__init__(aws, name, **spec)

    def restart(self, *, ago: float = 3600.0) -> None:
        super().restart(ago=ago)
        self.process = Process()
        self.process.watch(self.reconciler._world.accounts.get(REGION).session)

    def time(self) -> float:
        return self.clock.now

    def wait(self) -> None:
        self.clock.now += max(self.reports[-1].delay, 0.1) if self.reports else 1.0

    def survive(self, number: int, when: When, work: Callable[[], Any]) -> str:
        """Do some work in which the operator is killed, let another process take over, and do it again to the end.

        Returns the call at which it was killed, "" if the work has fewer changing calls.
        """
        process = self.process
        process.fatal, process.when = len(process.calls) + number, when
        try:
            work()
        except Killed:
            self.pool.shutdown()
            # The supervisor needs a moment to start another.
            self.clock.now += 1.0
            self.restart(ago=0.0)
            work()
        return process.calls[process.fatal - 1] if process.dead else ""

    def everything(self) -> dict[str, list[Any]]:
        """Give all that is in AWS, without what AWS chooses (ids, addresses), so that two worlds can be compared."""
        return {**self._network(), **self._database(), **self._service()}

    def _network(self) -> dict[str, list[Any]]:
        ec2 = self.client("ec2")
        named = lambda rows: sorted(_name(row) for row in rows)  # noqa: E731 - shorter than its uses
        vpcs = [row for row in ec2.describe_vpcs()["Vpcs"] if not row["IsDefault"]]
        ids = [row["VpcId"] for row in vpcs]
        mine = [{"Name": "vpc-id", "Values": ids or ["none"]}]
        gateways = ec2.describe_nat_gateways()["NatGateways"]
        tables = ec2.describe_route_tables(Filters=mine)["RouteTables"]
        groups = [row for row in ec2.describe_security_groups(Filters=mine)["SecurityGroups"] if _name(row)]
        return {
            "vpcs": sorted((_name(row), row["CidrBlock"]) for row in vpcs),
            "subnets": sorted((_name(row), row["CidrBlock"]) for row in ec2.describe_subnets(Filters=mine)["Subnets"]),
            "internet gateways": sorted(
                (_name(row), len(row["Attachments"])) for row in ec2.describe_internet_gateways()["InternetGateways"]
            ),
            "addresses": sorted((_name(row), "AssociationId" in row) for row in ec2.describe_addresses()["Addresses"]),
            "NAT gateways": named(row for row in gateways if row["State"] in {"pending", "available"}),
            "route tables": sorted(
                (
                    _name(row),
                    sum(not a.get("Main") for a in row["Associations"]),
                    sorted(
                        (
                            r.get("DestinationCidrBlock", "a service"),
                            "nat" if "NatGatewayId" in r else r.get("GatewayId", "")[:3],
                        )
                        for r in row["Routes"]
                    ),
                )
                for row in tables
                if _name(row)
            ),
            "endpoints": sorted(
                (_name(row), row["State"], len(row["RouteTableIds"]), len(row["SubnetIds"]))
                for row in ec2.describe_vpc_endpoints()["VpcEndpoints"]
            ),
            "security groups": sorted(
                (row["GroupName"], len(row["IpPermissions"]), len(row["IpPermissionsEgress"])) for row in groups
            ),
            "interfaces": [len(ec2.describe_network_interfaces(Filters=mine)["NetworkInterfaces"])],
        }

    def _database(self) -> dict[str, list[Any]]:
        rds, secrets = self.client("rds"), self.client("secretsmanager")
        fields = ("DBInstanceIdentifier", "DBInstanceStatus", "DBInstanceClass", "AllocatedStorage", "MultiAZ")
        listed = secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"]
        return {
            "databases": [[row[key] for key in fields] for row in rds.describe_db_instances()["DBInstances"]],
            "subnet groups": [row["DBSubnetGroupName"] for row in rds.describe_db_subnet_groups()["DBSubnetGroups"]],
            "parameter groups": [
                row["DBParameterGroupName"] for row in rds.describe_db_parameter_groups()["DBParameterGroups"]
            ],
            "secrets": sorted((row["Name"], len(row.get("SecretVersionsToStages", ()))) for row in listed),
        }

    def _service(self) -> dict[str, list[Any]]:
        ecs, elb, logs = self.client("ecs"), self.client("elbv2"), self.client("logs")
        clusters = ecs.list_clusters()["clusterArns"]
        services = [
            row
            for cluster in clusters
            for arn in ecs.list_services(cluster=cluster)["serviceArns"]
            for row in ecs.describe_services(cluster=cluster, services=[arn])["services"]
        ]
        scaling = self.client("application-autoscaling")
        balancers = elb.describe_load_balancers()["LoadBalancers"]
        listeners = [
            row
            for balancer in balancers
            for row in elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
        ]
        return {
            "clusters": [arn.rpartition("/")[2] for arn in clusters],
            "services": [(row["serviceName"], row["runningCount"], len(row["deployments"])) for row in services],
            "revisions": [len(ecs.list_task_definitions(status="ACTIVE")["taskDefinitionArns"])],
            "scaling targets": [
                row["ResourceId"]
                for row in scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
            ],
            "policies": sorted(
                row["PolicyName"]
                for row in scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
            ),
            "load balancers": [row["LoadBalancerName"] for row in balancers],
            "certificates": sorted(
                (row["DomainName"], row["Status"])
                for row in self.client("acm").list_certificates()["CertificateSummaryList"]
            ),
            "records": sorted(
                (row["Name"], row["Type"])
                for zone in self.client("route53").list_hosted_zones()["HostedZones"]
                for row in self.client("route53").list_resource_record_sets(HostedZoneId=zone["Id"])[
                    "ResourceRecordSets"
                ]
            ),
            "target groups": sorted(row["TargetGroupName"] for row in elb.describe_target_groups()["TargetGroups"]),
            "listeners": sorted((row["Port"], row["Protocol"]) for row in listeners),
            "repositories": [
                row["repositoryName"] for row in self.client("ecr").describe_repositories()["repositories"]
            ],
            "roles": sorted(
                row["RoleName"] for row in self.client("iam").list_roles()["Roles"] if "service-role" not in row["Path"]
            ),
            "log groups": sorted(
                (row["logGroupName"], row.get("retentionInDays")) for row in logs.describe_log_groups()["logGroups"]
            ),
            "alarms": sorted(
                # Those that target tracking makes for itself have a random end to their names.
                (
                    row["AlarmName"][:-36] if row["AlarmName"].startswith("Target") else row["AlarmName"],
                    row["Threshold"],
                )
                for row in self.client("cloudwatch").describe_alarms()["MetricAlarms"]
            ),
        }


def _name(row: dict[str, Any]) -> str:
    return next((tag["Value"] for tag in row.get("Tags", ()) if tag["Key"] == "Name"), "")
