"""The field of the spec that AWS's refusal speaks of, by the operation and the words of its message. Pure.

Where a setting of the operator is the cause, that is named.

A refusal that no row knows is blamed on no field: a wrong field sends its reader astray.
"""

from __future__ import annotations

import re

_DATABASE = "CreateDBInstance|ModifyDBInstance|RestoreDBInstanceFromDBSnapshot|CreateDBParameterGroup"

#: Operations, words of the message, field. The first match counts.
_FIELDS: tuple[tuple[re.Pattern[str], re.Pattern[str], str], ...] = tuple(
    (re.compile(f"^({operations})$"), re.compile(words, re.IGNORECASE), field)
    for operations, words, field in (
        (_DATABASE, r"instance ?class|DBInstanceClass", "spec.database.instanceClass"),
        (
            _DATABASE,
            r"engine ?version|version \S+ for postgres|upgrade .*from|parameter ?group ?family",
            "spec.database.engineVersion",
        ),
        (_DATABASE, r"max ?allocated ?storage", "spec.database.maxStorageGiB"),
        (_DATABASE, r"storage|iops", "spec.database.storageGiB"),
        (_DATABASE, r"retention", "spec.database.backupRetentionDays"),
        (_DATABASE, r"backup ?window", "spec.database.backupWindow"),
        (_DATABASE, r"maintenance ?window", "spec.database.maintenanceWindow"),
        (_DATABASE, r"master ?user ?name", "spec.database.username"),
        (_DATABASE, r"DB ?name|database name", "spec.database.name"),
        (_DATABASE, r"multi-?az", "spec.database.multiAZ"),
        (_DATABASE, r"snapshot", "spec.database.restoreFromSnapshot"),
        (_DATABASE, r"performance insights", "spec.database.performanceInsights"),
        ("CreateVpc|CreateSubnet", r"cidr|range", "spec.network.cidr"),
        (
            "CreateSubnet|CreateLoadBalancer|SetSubnets|CreateService|CreateNatGateway",
            r"availability ?zone|\bzones?\b",
            "spec.network.availabilityZones (they can only be chosen for a new stack)",
        ),
        ("RegisterTaskDefinition", r"cpu|memory", "spec.service.cpu and spec.service.memory"),
        ("RegisterTaskDefinition", r"environment|too large|size|bytes|KB", "spec.service.env"),
        ("RegisterTaskDefinition", r"image", "spec.image"),
        ("RegisterTaskDefinition", r"secret", "spec.secrets and spec.service.envFrom"),
        ("CreateTargetGroup|ModifyTargetGroup", r"health|path|interval|timeout", "spec.service.healthCheck"),
        ("CreateTargetGroup|RegisterTaskDefinition", r"port", "spec.service.port"),
        ("PutScalingPolicy", r"", "spec.service.autoscaling"),
        ("RegisterScalableTarget", r"capacity", "spec.service.replicas"),
        ("PutLifecyclePolicy", r"", "spec.registry.keepImages"),
        ("PutBucketLifecycleConfiguration", r"", "spec.loadBalancer.accessLogs.retentionDays"),
        ("PutRetentionPolicy", r"", "spec.monitoring.logRetentionDays"),
        ("PutMetricAlarm", r"threshold", "spec.monitoring.alarms"),
        ("Subscribe", r"endpoint|email|address", "spec.monitoring.notifications.emails"),
        ("RequestCertificate", r"", "spec.domain.name"),
        ("ChangeResourceRecordSets", r"", "spec.domain.name or spec.domain.hostedZoneID"),
        ("CreateWebACL|UpdateWebACL", r"rate|limit", "spec.waf.rateLimit"),
        ("CreateRole|PutRolePermissionsBoundary", r"attach|boundary", "the operator's setting --permissions-boundary"),
        (r"\w+", r"\btag ?(key|value)s?\b|\btags?\b", "spec.tags"),
    )
)


def field_of(operation: str, message: str) -> str:
    """Return the field, as people write it, or an empty string."""
    return next(
        (field for operations, words, field in _FIELDS if operations.search(operation) and words.search(message)), ""
    )
