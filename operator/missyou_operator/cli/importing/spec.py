"""The spec that describes what exists as it is. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from missyou_operator.api.env_rules import STACK_VARIABLES
from missyou_operator.api.monitoring import LOG_DAYS
from missyou_operator.aws.ecr import kept
from missyou_operator.aws.ecs.revisions import split_secret
from missyou_operator.aws.rds.rows import attributes as database_attributes
from missyou_operator.cli.importing.facts import DATABASE_URL, Facts, Row
from missyou_operator.cli.importing.notes import Note
from missyou_operator.cli.importing.subnets import Subnets

#: Names of variables whose values are probably secret.
_SECRET = re.compile(r"(?i)(secret|token|passw|pwd|credential|private|api_?key|access_?key|dsn)")
#: Beginnings of values that are: a URL with a password, a key of AWS's, a JSON Web Token, a PEM file.
_SECRET_VALUE = re.compile(r"://[^/\s:@]+:[^/\s@]+@|AKIA|ASIA|eyJ|-----BEGIN")
_SOURCES = {"GOOGLE_API_KEY": "googleAPIKey", "FIREBASE_SERVICE_ACCOUNT_KEY": "firebaseServiceAccount"}
_PROTECTED = "deletion_protection.enabled"
_ANYWHERE = "0.0.0.0/0"

_Notes = list[Note]


def spec_of(
    facts: Facts, subnets: Subnets, environment: str, region: str, own: str = ""
) -> tuple[dict[str, Any], _Notes, set[str]]:
    """Return the spec, what of it does not fit, and the ARNs of what the stack uses and does not own.

    `own`: what the names of its own secrets begin with, "" where it has none.
    """
    notes: _Notes = []
    secrets, used = _secrets(facts, notes, own)
    spec = {
        "environment": environment,
        "region": region,
        # Undone by deleting the MissYouApp: all of AWS then stays as it is.
        "deletionPolicy": "Retain",
        "image": _image(facts),
        "network": _network(facts, subnets),
        "service": _service(facts, notes),
        "database": _database(facts, notes),
        **({"registry": _registry(facts.repository, facts.lifecycle)} if facts.repository else {}),
        **({"secrets": secrets} if secrets else {}),
        "loadBalancer": _balancer(facts),
        "monitoring": _monitoring(facts),
    }
    return spec, notes, used


def _image(facts: Facts) -> dict[str, Any]:
    found = facts.revision
    image = {"tag": found["image_tag"] or "latest"}
    return image if facts.repository else {"repository": found["image_repository"], **image}


def _network(facts: Facts, subnets: Subnets) -> dict[str, Any]:
    gateway = any(row["VpcEndpointType"] == "Gateway" and row["ServiceName"].endswith(".s3") for row in facts.endpoints)
    return {
        "cidr": facts.vpc["CidrBlock"],
        "availabilityZones": list(subnets.zones),
        "natGateways": max(1, len(subnets.nat_gateways(facts))),
        "endpoints": {"s3": gateway},
    }


def _service(facts: Facts, notes: _Notes) -> dict[str, Any]:
    found, target = facts.revision, facts.target
    environment: Mapping[str, str] = found["environment"]
    notes += _sidecars(facts)
    count = facts.service["desiredCount"] or 1
    return {
        "cpu": found["cpu"],
        "memory": found["memory"],
        "port": found["port"] or facts.service["loadBalancers"][0]["containerPort"],
        "replicas": {"min": target.get("MinCapacity", count) or 1, "max": target.get("MaxCapacity", count) or 1},
        **({"autoscaling": scaling} if (scaling := _scaling(facts)) else {}),
        "healthCheck": {
            "path": facts.target_group.get("HealthCheckPath") or "/health",
            "intervalSeconds": facts.target_group.get("HealthCheckIntervalSeconds", 30),
        },
        "hardened": found["hardened"] is True,
        "readOnlyRootFilesystem": found["read_only_root"] is True,
        "debug": environment.get("DEBUG", "").lower() in {"true", "1"},
        **({"env": env} if (env := dict(_env(environment, notes))) else {}),
    }


def _sidecars(facts: Facts) -> Iterator[Note]:
    """Yield the further containers of the tasks: the task definitions of a stack have one."""
    for row in facts.definition.get("containerDefinitions") or ():
        if row["name"] != facts.container.get("name"):
            yield Note(
                f"the tasks have a second container, {row['name']} ({row['image']}), and those of a stack have one",
                "it runs until the next version is rolled out, or the task definition is brought in line, and not in "
                "that; before that, do without it, or have the app's image do what it does",
            )


def _env(environment: Mapping[str, str], notes: _Notes) -> Iterator[tuple[str, str]]:
    """Yield the variables of the task definition that are none of the stack's own, and no secrets."""
    for name, value in sorted(environment.items()):
        if name in STACK_VARIABLES or not value:
            continue
        if _SECRET.search(name) or _SECRET_VALUE.search(value):
            notes.append(
                Note(
                    f"the variable {name} looks like a secret, and the task definition holds it in clear",
                    f"the tasks keep it until the next version; before that, store it in a Kubernetes Secret, and name "
                    f"it in spec.service.envFrom.{name}",
                )
            )
            continue
        yield name, value


def _scaling(facts: Facts) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for policy in facts.policies:
        tracking = policy.get("TargetTrackingScalingPolicyConfiguration") or {}
        metric = (tracking.get("PredefinedMetricSpecification") or {}).get("PredefinedMetricType")
        for word, name in (("CPU", "cpuTarget"), ("Memory", "memoryTarget")):
            if metric == f"ECSServiceAverage{word}Utilization":
                found[name] = min(95, max(10, round(tracking["TargetValue"])))
                for key, cooldown in (("ScaleOutCooldown", "scaleOutCooldown"), ("ScaleInCooldown", "scaleInCooldown")):
                    if key in tracking:
                        found[cooldown] = tracking[key]
    return found


def _database(facts: Facts, notes: _Notes) -> dict[str, Any]:
    row, found = facts.database, database_attributes(facts.database)
    if not row.get("StorageEncrypted"):
        notes.append(
            Note(
                f"the storage of {found['id']} is not encrypted, and AWS cannot encrypt it in place",
                "restore an encrypted copy of a snapshot (aws rds copy-db-snapshot --kms-key-id alias/aws/rds) into a "
                "new MissYouApp with database.restoreFromSnapshot",
            )
        )
    windows = {"backupWindow": found["backup_window"], "maintenanceWindow": found["maintenance_window"]}
    return {
        "engineVersion": found["running_version"],
        "instanceClass": found["instance_class"],
        "storageGiB": max(20, found["storage_gib"]),
        "maxStorageGiB": max(20, found["max_storage_gib"]),
        "multiAZ": bool(found["multi_az"]),
        "backupRetentionDays": max(1, found["backup_retention_days"] or 0),
        **{key: value for key, value in windows.items() if value},
        "performanceInsights": bool(found["performance_insights"]),
        "deletionProtection": bool(found["deletion_protection"]),
        "finalSnapshot": True,
        # Encrypted and unverified, as any client of PostgreSQL can; verify-full needs RDS's authorities in the image.
        "sslMode": "require",
        "name": found["database_name"] or "postgres",
        "username": found["username"],
    }


def _registry(repository: Row, lifecycle: Row) -> dict[str, Any]:
    images, _ = kept(lifecycle or None)
    return {
        **({"keepImages": images} if isinstance(images, int) else {}),
        "scanOnPush": bool((repository.get("imageScanningConfiguration") or {}).get("scanOnPush")),
        "immutableTags": repository.get("imageTagMutability") == "IMMUTABLE",
    }


def _secrets(facts: Facts, notes: _Notes, own: str) -> tuple[dict[str, Any], set[str]]:
    """Return the sources of the secrets that the tasks read, where they are, and their ARNs."""
    found: dict[str, Any] = {}
    used: set[str] = set()
    for each in facts.container.get("secrets") or ():
        name, value = each["name"], each["valueFrom"]
        arn, key = split_secret(value)
        if name == DATABASE_URL or (own and f":secret:{own}" in arn):
            continue
        if name in _SOURCES and ":secretsmanager:" in arn and not key:
            found[_SOURCES[name]] = {"secretARN": arn}
            used.add(arn)
            continue
        notes.append(
            Note(
                f"the tasks read {name} from {value.rpartition(':secret:')[2] or value}: no field of the spec says so",
                f"they keep it until the next version; before that, store it in a Kubernetes Secret, and name it in "
                f"spec.service.envFrom.{name}",
            )
        )
    return found, used


def _balancer(facts: Facts) -> dict[str, Any]:
    blocks = sorted(_blocks(facts))
    return {
        "scheme": facts.balancer.get("Scheme", "internet-facing"),
        **({"allowedCIDRs": blocks} if blocks and blocks != [_ANYWHERE] else {}),
        "deletionProtection": facts.balancer_attributes.get(_PROTECTED) == "true",
    }


def _blocks(facts: Facts) -> set[str]:
    """Return the blocks that may reach the load balancer on port 80."""
    ids = facts.balancer.get("SecurityGroups") or ()
    return {
        each["CidrIp"]
        for group in facts.groups
        if group["GroupId"] in ids[:1]
        for rule in group.get("IpPermissions") or ()
        if rule.get("IpProtocol") == "-1" or rule.get("FromPort", 0) <= 80 <= rule.get("ToPort", 0)
        for each in rule.get("IpRanges") or ()
    }


def _monitoring(facts: Facts) -> dict[str, Any]:
    log = facts.revision["log_group"]
    days = [row.get("retentionInDays") for row in facts.log_groups if row["logGroupName"] == log]
    limits: dict[str, Any] = {}
    for row in facts.alarms:
        if row.get("MetricName") == "CPUUtilization" and row.get("Threshold"):
            name = {"AWS/ECS": "serviceCPUPercent", "AWS/RDS": "databaseCPUPercent"}.get(row["Namespace"])
            watched = {each["Value"] for each in row.get("Dimensions") or ()}
            own = {facts.service["serviceName"], facts.database["DBInstanceIdentifier"]}
            if name and watched & own and not row["AlarmName"].startswith("TargetTracking-"):
                limits[name] = min(100, max(1, round(row["Threshold"])))
    return {
        **({"logRetentionDays": days[0]} if days and days[0] in LOG_DAYS else {}),
        "dashboard": False,
        **({"alarms": limits} if limits else {}),
    }
