"""What AWS charges for each component of a stack: the items, each beside the charges that use it.

A new part of the stack that costs money is declared here, and nowhere else; its prices go into `prices.json`. A test
compares the counts with the graph of resources.

Usage types and product families are those of AWS's price list files (AWS Billing user guide, "AWS Price List Bulk
API"); for load balancer, logs, WAF and dashboard they were compared with Infracost's `internal/resources/aws`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from missyou_operator.api import AppSpec, Component
from missyou_operator.cost.item import Charge, Item
from missyou_operator.cost.usage import Usage

#: All items by their name in the price table.
ITEMS: dict[str, Item] = {}
#: Zones of a stack: the load balancer has an address in each, and an interface endpoint is charged in each.
ZONES = 2

CENT = Decimal("0.01")
_DAYS = Decimal(365) / 12


def _item(name: str, unit: str, service: str, family: str, usage: str, **options: Any) -> Item:
    item = ITEMS[name] = Item(name, unit, service, family, usage, **options)
    return item


def _stored(gb_a_month: Decimal, days: int) -> Decimal:
    """Return the GB that are stored on average when each GB is kept for some days."""
    return (gb_a_month * days / _DAYS).quantize(CENT)


#: Interface endpoints: ecr.api, ecr.dkr, logs, secretsmanager.
INTERFACE_ENDPOINTS = 4
NAT_HOUR = _item("nat.hour", "hours", "AmazonEC2", "NAT Gateway", "NatGateway-Hours")
NAT_GB = _item("nat.gb", "GB", "AmazonEC2", "NAT Gateway", "NatGateway-Bytes")
IPV4_HOUR = _item("ipv4.hour", "hours", "AmazonVPC", "", "PublicIPv4:InUseAddress")
ENDPOINT_HOUR = _item("endpoint.hour", "hours", "AmazonVPC", "VpcEndpoint", "VpcEndpoint-Hours")
ENDPOINT_GB = _item("endpoint.gb", "GB", "AmazonVPC", "VpcEndpoint", "VpcEndpoint-Bytes")
_CLOUDWATCH = "AmazonCloudWatch"
#: Flow logs too: of what AWS's services write, the first 10 TB a month cost as much. Source: CloudWatch pricing.
LOGS_WRITTEN = _item("logs.ingestedGB", "GB", _CLOUDWATCH, "Data Payload", "DataProcessing-Bytes")
LOGS_KEPT = _item("logs.storedGBMonth", "GB-months", _CLOUDWATCH, "Storage Snapshot", "TimedStorage-ByteHrs")


def _network(app: AppSpec, usage: Usage) -> Iterable[Charge]:
    gateways = app.network.nat_gateways
    yield Charge(f"NAT gateways: {gateways}", NAT_HOUR, gateways * usage.hours, "ec2.NatGateway")
    yield Charge("through NAT", NAT_GB, usage.nat_gb, "ec2.NatGateway")
    yield Charge(f"public IPv4 of NAT: {gateways}", IPV4_HOUR, gateways * usage.hours, "ec2.Address")
    if app.network.endpoints.interfaces:
        about = f"interface endpoints: {INTERFACE_ENDPOINTS} in {ZONES} zones"
        yield Charge(about, ENDPOINT_HOUR, INTERFACE_ENDPOINTS * ZONES * usage.hours, "ec2.VpcEndpoint")
        yield Charge("through interface endpoints", ENDPOINT_GB, usage.endpoint_gb, "ec2.VpcEndpoint")
    if (logs := app.network.flow_logs).enabled:
        yield Charge("flow logs written", LOGS_WRITTEN, usage.flow_log_gb, "ec2.FlowLog")
        yield Charge("flow logs kept", LOGS_KEPT, _stored(usage.flow_log_gb, logs.retention_days), "ec2.FlowLog")


def _postgres(name: str, zones: str, instance: str, storage: str) -> tuple[Item, Item]:
    options = {"attributes": {"databaseEngine": "PostgreSQL", "deploymentOption": zones}}
    return (
        _item(f"rds.{{}}.{name}", "hours", "AmazonRDS", "Database Instance", f"{instance}:(db[.].+)", **options),
        _item(f"rds.storage.{name}", "GB-months", "AmazonRDS", "Database Storage", storage, **options),
    )


#: Instance and storage, by whether there is a standby.
RDS = {
    False: _postgres("single", "Single-AZ", "InstanceUsage", "RDS:GP3-Storage"),
    True: _postgres("multi", "Multi-AZ", "Multi-AZUsage", "RDS:Multi-AZ-GP3-Storage"),
}


def _database(app: AppSpec, usage: Usage) -> Iterable[Charge]:
    database = app.database
    instance, storage = RDS[database.multi_az]
    about = f"{database.instance_class}, {'with a standby' if database.multi_az else 'one zone'}"
    yield Charge(about, instance.of(database.instance_class), usage.hours, "rds.DBInstance")
    yield Charge("gp3 storage", storage, Decimal(database.storage_gib), "rds.DBInstance")


ECR_GB = _item("ecr.gbMonth", "GB-months", "AmazonECR", "EC2 Container Registry", "TimedStorage-ByteHrs")
SECRET = _item("secret.month", "months", "AWSSecretsManager", "Secret", "AWSSecretsManager-Secrets")


def _registry(app: AppSpec, usage: Usage) -> Iterable[Charge]:
    if app.image.repository is None:
        kept = app.registry.keep_images
        yield Charge(f"images: {kept}", ECR_GB, kept * usage.image_gb, "ecr.Repository")


def _secrets(app: AppSpec, usage: Usage) -> Iterable[Charge]:  # noqa: ARG001 - all parts have one signature
    sources = (app.secrets.google_api_key, app.secrets.firebase_service_account)
    # An existing secret (secretARN) is paid for elsewhere.
    count = 1 + sum(source is not None and source.secret_key_ref is not None for source in sources)
    count += len(app.service.env_from)
    yield Charge(f"secrets: {count}", SECRET, Decimal(count), "secretsmanager.Secret")


_BALANCER = ("AWSELB", "Load Balancer-Application")
_REGIONAL = {"locationType": "AWS Region"}
ALB_HOUR = _item("alb.hour", "hours", *_BALANCER, "LoadBalancerUsage", attributes=_REGIONAL)
ALB_LCU_HOUR = _item("alb.lcuHour", "LCU-hours", *_BALANCER, "LCUUsage", attributes=_REGIONAL)
S3_GB = _item(
    "s3.gbMonth", "GB-months", "AmazonS3", "Storage", "TimedStorage-ByteHrs", attributes={"volumeType": "Standard"}
)


def _load_balancer(app: AppSpec, usage: Usage) -> Iterable[Charge]:
    yield Charge("application load balancer", ALB_HOUR, usage.hours, "elbv2.LoadBalancer")
    yield Charge("capacity units", ALB_LCU_HOUR, usage.lcu * usage.hours, "elbv2.LoadBalancer")
    if app.load_balancer.scheme == "internet-facing":
        yield Charge(f"public IPv4: {ZONES}", IPV4_HOUR, ZONES * usage.hours, "elbv2.LoadBalancer")
    if (logs := app.load_balancer.access_logs).enabled:
        yield Charge("access logs kept", S3_GB, _stored(usage.access_log_gb, logs.retention_days), "s3.Bucket")


#: Rules of the web ACL: four managed groups, each of which AWS counts as one, and the rate limit.
WAF_RULES = 5
_FIREWALL = ("awswaf", "Web Application Firewall")
WAF_ACL = _item("waf.aclMonth", "months", *_FIREWALL, "WebACLV2")
WAF_RULE = _item("waf.ruleMonth", "months", *_FIREWALL, "RuleV2")
WAF_REQUESTS = _item("waf.millionRequests", "million", *_FIREWALL, "RequestV2-Tier1", per=Decimal(1_000_000))


def _firewall(app: AppSpec, usage: Usage) -> Iterable[Charge]:
    if app.waf.enabled:
        yield Charge("web ACL", WAF_ACL, Decimal(1), "wafv2.WebACL")
        yield Charge(f"rules: {WAF_RULES}", WAF_RULE, Decimal(WAF_RULES), "wafv2.WebACL")
        yield Charge("requests inspected", WAF_REQUESTS, usage.million_requests, "wafv2.WebACL")


VCPU_HOUR = _item("fargate.vcpuHour", "vCPU-hours", "AmazonECS", "Compute", "Fargate-vCPU-Hours:perCPU")
MEMORY_HOUR = _item("fargate.gbHour", "GB-hours", "AmazonECS", "Compute", "Fargate-GB-Hours")


def _service(app: AppSpec, usage: Usage) -> Iterable[Charge]:
    tasks = app.service.replicas.min
    cpus, memory = Decimal(app.service.cpu) / 1024, Decimal(app.service.memory) / 1024
    yield Charge(f"tasks: {tasks} x {cpus:f} vCPU", VCPU_HOUR, tasks * usage.hours * cpus, "ecs.Service")
    yield Charge(f"tasks: {tasks} x {memory:f} GB", MEMORY_HOUR, tasks * usage.hours * memory, "ecs.Service")


#: Metrics that the alarms watch, which is what AWS counts: one each, and three for the rate of errors. (Two fewer with
#: a database class whose memory is not known to the operator.)
ALARM_METRICS = 10
DASHBOARD = _item("dashboard.month", "months", _CLOUDWATCH, "Dashboard", "DashboardsUsageHour", regional=False)
ALARM = _item(
    "alarm.month", "months", _CLOUDWATCH, "Alarm", "CW:AlarmMonitorUsage", attributes={"alarmType": "Standard"}
)


def _monitoring(app: AppSpec, usage: Usage) -> Iterable[Charge]:
    yield Charge("logs written", LOGS_WRITTEN, usage.log_gb, "logs.LogGroup")
    yield Charge("logs kept", LOGS_KEPT, _stored(usage.log_gb, app.monitoring.log_retention_days), "logs.LogGroup")
    if app.monitoring.dashboard:
        yield Charge("dashboard", DASHBOARD, Decimal(1), "cloudwatch.Dashboard")
    yield Charge(f"metrics with an alarm: {ALARM_METRICS}", ALARM, Decimal(ALARM_METRICS), "cloudwatch.Alarm")


#: In the order in which an estimate lists them. Records of a domain and public certificates cost nothing.
CHARGES: Mapping[Component, Callable[[AppSpec, Usage], Iterable[Charge]]] = {
    Component.NETWORK: _network,
    Component.DATABASE: _database,
    Component.REGISTRY: _registry,
    Component.SECRETS: _secrets,
    Component.LOAD_BALANCER: _load_balancer,
    Component.WAF: _firewall,
    Component.SERVICE: _service,
    Component.MONITORING: _monitoring,
}
