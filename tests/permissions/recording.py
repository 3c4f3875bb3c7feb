"""Every request of the operator, with the resources it is about and the tags that they had at that moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from missyou_operator.aws.errors import is_absent
from missyou_operator.aws.identity import tag_map
from tests.permissions.authorization import Check, action_of, checks
from tests.sim.aws import Aws


class Outsider:
    """What somebody else sees in AWS, who has another key and passes no check."""

    def __init__(self, aws: Aws) -> None:
        self.client = aws.client

    def tags(self, arn: str) -> Mapping[str, str] | None:
        service = arn.split(":")[2]
        try:
            return _TAGS[service](self, arn)
        except ClientError as error:
            if is_absent(error):
                return None
            raise

    def target(self, resource_id: str) -> str:
        rows = self.client("application-autoscaling").describe_scalable_targets(
            ServiceNamespace="ecs", ResourceIds=[resource_id]
        )["ScalableTargets"]
        return str(rows[0]["ScalableTargetARN"]) if rows else ""

    def association(self, id_: str) -> tuple[str, str]:
        filters = [{"Name": "association.route-table-association-id", "Values": [id_]}]
        for table in self.client("ec2").describe_route_tables(Filters=filters)["RouteTables"]:
            for row in table["Associations"]:
                if row["RouteTableAssociationId"] == id_:
                    return table["RouteTableId"], row.get("SubnetId", "")
        return "", ""

    def secret(self, name: str) -> str:
        try:
            return str(self.client("secretsmanager").describe_secret(SecretId=name)["ARN"])
        except ClientError:
            return name if name.startswith("arn:") else f"secretsmanager:secret:{name}"

    def boundary(self, role: str) -> str:
        try:
            found = self.client("iam").get_role(RoleName=role)["Role"]
        except ClientError:
            return ""
        return str((found.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn", ""))

    def web_acl(self, resource: str) -> str:
        found = self.client("wafv2").get_web_acl_for_resource(ResourceArn=resource).get("WebACL")
        return str(found["ARN"]) if found else ""


def _firewall(seen: Outsider, arn: str) -> dict[str, str] | None:
    if ":regional/managedruleset/" in arn:
        return None
    waf = seen.client("wafv2")
    if not any(row["ARN"] == arn for row in waf.list_web_acls(Scope="REGIONAL")["WebACLs"]):
        return None
    return tag_map(waf.list_tags_for_resource(ResourceARN=arn)["TagInfoForResource"]["TagList"])


def _bucket(seen: Outsider, arn: str) -> dict[str, str] | None:
    s3, name = seen.client("s3"), arn.rpartition(":")[2].partition("/")[0]
    if not any(row["Name"] == name for row in s3.list_buckets()["Buckets"]):
        return None
    return tag_map(s3.get_bucket_tagging(Bucket=name)["TagSet"])


def _ec2(seen: Outsider, arn: str) -> dict[str, str] | None:
    filters = [{"Name": "resource-id", "Values": [arn.rpartition("/")[2]]}]
    return {row["Key"]: row["Value"] for row in seen.client("ec2").describe_tags(Filters=filters)["Tags"]} or None


def _balancing(seen: Outsider, arn: str) -> dict[str, str]:
    return tag_map(seen.client("elbv2").describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"])


def _ecs(seen: Outsider, arn: str) -> dict[str, str]:
    return tag_map(seen.client("ecs").list_tags_for_resource(resourceArn=arn)["tags"], key="key", value="value")


def _secret(seen: Outsider, arn: str) -> dict[str, str]:
    return tag_map(seen.client("secretsmanager").describe_secret(SecretId=arn).get("Tags"))


def _role(seen: Outsider, arn: str) -> dict[str, str]:
    return tag_map(seen.client("iam").list_role_tags(RoleName=arn.rpartition("/")[2])["Tags"])


def _log_group(seen: Outsider, arn: str) -> dict[str, str]:
    name = arn.partition(":log-stream:")[0]
    return dict(seen.client("logs").list_tags_for_resource(resourceArn=name)["tags"])


def _watching(seen: Outsider, arn: str) -> dict[str, str] | None:
    cloudwatch = seen.client("cloudwatch")
    alarms = cloudwatch.describe_alarms(AlarmNames=[arn.rpartition(":alarm:")[2]])["MetricAlarms"]
    dashboards = cloudwatch.list_dashboards()["DashboardEntries"]
    if arn not in {*(row["AlarmArn"] for row in alarms), *(row["DashboardArn"] for row in dashboards)}:
        return None
    return tag_map(cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"])


def _database(seen: Outsider, arn: str) -> dict[str, str] | None:
    rds, (kind, name) = seen.client("rds"), arn.split(":")[5:7]
    if kind != "auto-backup":
        return tag_map(rds.list_tags_for_resource(ResourceName=arn)["TagList"])
    rows = rds.describe_db_instance_automated_backups(DbiResourceId=name)["DBInstanceAutomatedBackups"]
    return tag_map(rows[0].get("TagList", ())) if rows else None


def _topic(seen: Outsider, arn: str) -> dict[str, str] | None:
    if not any(row["TopicArn"] == arn for row in seen.client("sns").list_topics()["Topics"]):
        return None
    return tag_map(seen.client("sns").list_tags_for_resource(ResourceArn=arn)["Tags"])


_TAGS: Mapping[str, Callable[[Outsider, str], Mapping[str, str] | None]] = {
    "ec2": _ec2,
    "rds": _database,
    "ecs": _ecs,
    "elasticloadbalancing": _balancing,
    "iam": _role,
    "secretsmanager": _secret,
    "ecr": lambda seen, arn: tag_map(seen.client("ecr").list_tags_for_resource(resourceArn=arn)["tags"]),
    "logs": _log_group,
    "cloudwatch": _watching,
    "sns": _topic,
    "wafv2": _firewall,
    "s3": _bucket,
    "acm": lambda seen, arn: tag_map(seen.client("acm").list_tags_for_certificate(CertificateArn=arn)["Tags"]),
    # A zone is somebody else's, whatever its tags.
    "route53": lambda *_: {},
    # A quota has tags only if somebody has had it raised, and is read alone.
    "servicequotas": lambda *_: {},
    "application-autoscaling": lambda seen, arn: dict(
        seen.client("application-autoscaling").list_tags_for_resource(ResourceARN=arn)["Tags"]
    ),
}


@dataclass(slots=True)
class Recorder:
    """Collects what IAM would have decided, each decision once. `failures`: where the model of these tests broke."""

    seen: Outsider
    checks: dict[tuple[Any, ...], Check] = field(default_factory=dict)
    requests: int = 0
    failures: list[str] = field(default_factory=list)

    def watch(self, session: Any) -> None:
        """Hook into a session, before any client is made of it."""
        session.events.register("provide-client-params.*.*", self._record)

    def _record(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        service, operation = model.service_model.service_name, model.name
        # An exception in here would look to the operator like one of its own.
        try:
            found = list(checks(service, operation, params, self.seen))
        except Exception as error:
            self.failures.append(f"{action_of(service, operation)}: {type(error).__name__}: {error}")
            return
        self.requests += 1
        self.checks.update((check.key(), check) for check in found)
