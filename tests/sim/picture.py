"""All that is in AWS, without what AWS chooses (ids, addresses), so that two worlds can be compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Client = Callable[[str], Any]
Picture = dict[str, list[Any]]
#: What is history, and costs nothing: revisions of task definitions, versions of secrets.
HISTORY = frozenset({"revisions", "secrets"})


def without_history(picture: Picture) -> Picture:
    return {kind: rows for kind, rows in picture.items() if kind not in HISTORY}


def differences(found: Picture, expected: Picture) -> dict[str, tuple[list[Any], list[Any]]]:
    """Give what is in one and not in the other, by kind: found and not expected, expected and not found."""
    return {
        kind: (
            [row for row in found[kind] if row not in expected[kind]],
            [r for r in expected[kind] if r not in found[kind]],
        )
        for kind in expected
        if found[kind] != expected[kind]
    }


def everything(client: Client) -> Picture:
    return {**_network(client), **_database(client), **_service(client)}


def _network(client: Client) -> Picture:
    ec2 = client("ec2")
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
        "flow logs": sorted((_name(row), row["LogGroupName"]) for row in ec2.describe_flow_logs()["FlowLogs"]),
        "security groups": sorted(
            (row["GroupName"], len(row["IpPermissions"]), len(row["IpPermissionsEgress"])) for row in groups
        ),
        "interfaces": [len(ec2.describe_network_interfaces(Filters=mine)["NetworkInterfaces"])],
    }


def _database(client: Client) -> Picture:
    rds, secrets = client("rds"), client("secretsmanager")
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


def _service(client: Client) -> Picture:
    ecs, elb, logs = client("ecs"), client("elbv2"), client("logs")
    clusters = ecs.list_clusters()["clusterArns"]
    services = [
        row
        for cluster in clusters
        for arn in ecs.list_services(cluster=cluster)["serviceArns"]
        for row in ecs.describe_services(cluster=cluster, services=[arn])["services"]
    ]
    scaling = client("application-autoscaling")
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
            row["ResourceId"] for row in scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
        ],
        "policies": sorted(
            row["PolicyName"] for row in scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
        ),
        "load balancers": [row["LoadBalancerName"] for row in balancers],
        "certificates": sorted(
            (row["DomainName"], row["Status"]) for row in client("acm").list_certificates()["CertificateSummaryList"]
        ),
        "records": sorted(
            (row["Name"], row["Type"])
            for zone in client("route53").list_hosted_zones()["HostedZones"]
            for row in client("route53").list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
        ),
        "target groups": sorted(row["TargetGroupName"] for row in elb.describe_target_groups()["TargetGroups"]),
        "listeners": sorted((row["Port"], row["Protocol"]) for row in listeners),
        "repositories": [row["repositoryName"] for row in client("ecr").describe_repositories()["repositories"]],
        "roles": sorted(
            row["RoleName"] for row in client("iam").list_roles()["Roles"] if "service-role" not in row["Path"]
        ),
        "log groups": sorted(
            (row["logGroupName"], row.get("retentionInDays")) for row in logs.describe_log_groups()["logGroups"]
        ),
        "dashboards": [row["DashboardName"] for row in client("cloudwatch").list_dashboards()["DashboardEntries"]],
        "alarms": sorted(
            # Those that target tracking makes for itself have a random end to their names.
            (
                row["AlarmName"][:-36] if row["AlarmName"].startswith("Target") else row["AlarmName"],
                row["Threshold"],
            )
            for row in client("cloudwatch").describe_alarms()["MetricAlarms"]
        ),
    }


def _name(row: Mapping[str, Any]) -> str:
    return next((tag["Value"] for tag in row.get("Tags", ()) if tag["Key"] == "Name"), "")
