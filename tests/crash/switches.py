"""What can be switched on and off in a running stack, and what of it is in AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.sim.app import App

#: The region that automated backups are copied to.
COPIES = "eu-central-1"
SWITCHES: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "firewall": ({"waf": {"enabled": True}}, {"waf": {"enabled": False}}),
    "flow logs": (
        {"network": {"flowLogs": {"enabled": True}}},
        {"network": {"flowLogs": {"enabled": False}}},
    ),
    "access logs": (
        {"loadBalancer": {"accessLogs": {"enabled": True}}},
        {"loadBalancer": {"accessLogs": {"enabled": False}}},
    ),
    "notifications": (
        {"monitoring": {"notifications": {"emails": ["ann@example.com", "bob@example.com"]}}},
        {"monitoring": {"notifications": {"emails": []}}},
    ),
    "backup copy": (
        {"database": {"backupCopyRegion": COPIES}},
        {"database": {"backupCopyRegion": None}},
    ),
    # On by default in production.
    "dashboard": ({"monitoring": {"dashboard": False}}, {"monitoring": {"dashboard": True}}),
}


def extras(app: App) -> dict[str, Any]:
    """Give what the switches make, without what AWS chooses."""
    waf, elb, s3 = app.client("wafv2"), app.client("elbv2"), app.client("s3")
    [row] = elb.describe_load_balancers()["LoadBalancers"]
    arn = row["LoadBalancerArn"]
    found = elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    return {
        "web acls": [acl["Name"] for acl in waf.list_web_acls(Scope="REGIONAL")["WebACLs"]],
        "in front": waf.get_web_acl_for_resource(ResourceArn=arn).get("WebACL", {}).get("Name"),
        "buckets": {row["Name"]: settings(s3, row["Name"]) for row in s3.list_buckets()["Buckets"]},
        "logging": [row["Value"] for row in found if row["Key"] == "access_logs.s3.enabled"],
        "flow logs": [row["LogGroupName"] for row in app.client("ec2").describe_flow_logs()["FlowLogs"]],
        "copied": copied(app),
        **monitoring(app),
    }


def copied(app: App) -> dict[str, Any]:
    """Give what runs of the copy of automated backups: the retained ones of earlier copies are history."""
    rds, there = app.client("rds"), app.aws.client("rds", region=COPIES)
    rows = rds.describe_db_instances()["DBInstances"]
    backups = there.describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"]
    return {
        "shown by": [row["DBInstanceIdentifier"] for row in rows if row.get("DBInstanceAutomatedBackupsReplications")],
        "noted by": [tag["Value"] for row in rows for tag in row["TagList"] if tag["Key"] == "missyou.app/backup-copy"],
        "running": [(row["BackupRetentionPeriod"], row["TagList"]) for row in backups if row["Status"] != "retained"],
    }


def monitoring(app: App) -> dict[str, Any]:
    sns, cloudwatch = app.client("sns"), app.client("cloudwatch")
    topics = [row["TopicArn"] for row in sns.list_topics()["Topics"]]
    alarms = cloudwatch.describe_alarms(AlarmNamePrefix="crash-")["MetricAlarms"]
    return {
        "topics": topics,
        # Whom AWS has asked once, however often it was asked to.
        "mails": {
            (row["Endpoint"], row["SubscriptionArn"])
            for topic in topics
            for row in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        },
        "telling": sorted((row["AlarmName"], *row["AlarmActions"]) for row in alarms),
        "dashboards": [row["DashboardName"] for row in cloudwatch.list_dashboards()["DashboardEntries"]],
    }


def settings(s3: Any, name: str) -> tuple[Any, ...]:
    tags = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=name)["TagSet"]}
    rules = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    return tags["missyou.app/stack"], s3.get_bucket_policy(Bucket=name)["Policy"], rules[0]["Expiration"]


def switched(app: App, spec: Mapping[str, Any]) -> None:
    """Have a part switched on or off, to the end; what has just been deleted may keep its name for a while."""
    if any(app.body["spec"].get(key) != {**app.body["spec"].get(key, {}), **value} for key, value in spec.items()):
        app.edit(**spec)
    app.settle()
