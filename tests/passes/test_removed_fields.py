"""Each field of the spec set, changed and removed again: AWS ends as if it had never been there."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from missyou_operator.api import parse
from missyou_operator.aws.cloud import Cloud, Inventory
from missyou_operator.aws.errors import classify
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.aws.informer import anew
from missyou_operator.aws.observe import observe
from missyou_operator.engine.outcome import Runtime
from missyou_operator.stack.naming import NAMES
from tests.api.cases import SCHEMA, leaves
from tests.sim.app import CLUSTER, UID, App
from tests.sim.aws import REGION, Aws
from tests.sim.replay import Recorder, Tape
from tests.sim.seed import SEED
from tests.sim.workers import Seeded

_SECRETS = tuple(f"arn:aws:secretsmanager:{REGION}:123456789012:secret:shared{n}-AAAAAA" for n in (1, 2))
_TOPICS = tuple(f"arn:aws:sns:{REGION}:123456789012:pager{n}" for n in (1, 2))
#: Field -> what it is set to, and changed to.
FIELDS: Mapping[str, tuple[Any, Any]] = {
    "network.natGateways": (2, 1),
    "network.endpoints.s3": (False, True),
    "network.endpoints.interfaces": (True, False),
    "network.flowLogs.enabled": (True, False),
    "network.flowLogs.retentionDays": (7, 14),
    "service.cpu": (512, 1024),
    "service.memory": (1024, 2048),
    "service.port": (9000, 9001),
    "service.replicas.min": (2, 1),
    "service.replicas.max": (6, 4),
    "service.autoscaling.cpuTarget": (50, 60),
    "service.autoscaling.memoryTarget": (50, 60),
    "service.autoscaling.scaleOutCooldown": (10, 20),
    "service.autoscaling.scaleInCooldown": (10, 20),
    "service.healthCheck.path": ("/up", "/down"),
    "service.healthCheck.intervalSeconds": (10, 20),
    "service.hardened": (False, True),
    "service.readOnlyRootFilesystem": (False, True),
    "service.debug": (True, False),
    "service.env.*": ("hello", "bye"),
    # Classes that have a price: without one, the budget of the same wave would ask for an approval.
    "database.instanceClass": ("db.t3.large", "db.t4g.medium"),
    "database.maxStorageGiB": (200, 300),
    "database.multiAZ": (True, False),
    "database.backupRetentionDays": (3, 4),
    "database.performanceInsights": (False, True),
    "database.deletionProtection": (True, False),
    "database.sslMode": ("require", "verify-full"),
    "registry.keepImages": (4, 5),
    "registry.scanOnPush": (False, True),
    "registry.immutableTags": (True, False),
    "secrets.googleAPIKey.secretKeyRef.name": ("one", "two"),
    "secrets.firebaseServiceAccount.secretKeyRef.key": ("one", "two"),
    "secrets.firebaseServiceAccount.secretARN": _SECRETS,
    "loadBalancer.deletionProtection": (True, False),
    "loadBalancer.allowedCIDRs.*": (["203.0.113.0/24", "198.51.100.7/32"], ["203.0.113.0/24"]),
    "loadBalancer.accessLogs.enabled": (True, False),
    "loadBalancer.accessLogs.retentionDays": (5, 6),
    "domain.name": ("app.example.com", "www.example.com"),
    "monitoring.logRetentionDays": (30, 14),
    "monitoring.alarms.serviceErrorPercent": (1, 2),
    "monitoring.alarms.serviceCPUPercent": (50, 60),
    "monitoring.alarms.databaseCPUPercent": (50, 60),
    "monitoring.alarms.databaseFreeStorageGiB": (3, 4),
    "monitoring.alarms.databaseConnectionsPercent": (50, 60),
    "monitoring.alarms.databaseFreeMemoryPercent": (10, 20),
    "monitoring.notifications.emails.*": (["a@example.com"], ["b@example.com"]),
    "monitoring.notifications.topicARN": _TOPICS,
    "monitoring.dashboard": (True, False),
    "budget.monthlyUSD": (1000, 2000),
    "waf.enabled": (True, False),
    "waf.rateLimit": (300, 400),
}
#: Field -> why it is not tried, or what stays of it.
LASTING: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("region", "stackName", "credentials.roleARN", "credentials.externalID", "network.cidr"),
            *("network.availabilityZones.*", "database.name", "database.username", "loadBalancer.scheme"),
        ),
        "immutable",
    ),
    "tags.*": "tried on every type of resource: tests/passes/test_tags.py",
    "environment": "chooses defaults of other fields, each of which is tried",
    "image.tag": "the version before is kept as one that was in use: tests/passes/test_image_in_use.py",
    **dict.fromkeys(
        ("service.envFrom.*.name", "service.envFrom.*.key"), "tests/passes/test_env_from.py: the secret goes with it"
    ),
    **dict.fromkeys(
        (
            *("service.deployment.strategy", "service.deployment.bakeMinutes", "service.deployment.canaryPercent"),
            *("service.deployment.stepPercent", "service.deployment.stepMinutes"),
        ),
        "set, used and left without a trace: tests/passes/test_strategies.py",
    ),
    "image.update": "what the operator does when a tag moves: tests/passes/test_image_digests.py",
    "image.repository": "the stack's own repository goes, which needs approval: tests/passes/test_changes.py",
    "database.engineVersion": "AWS downgrades no database",
    "database.storageGiB": "AWS shrinks no storage",
    "database.backupWindow": "AWS keeps the window that was set last: without the field, the choice is its own",
    "database.maintenanceWindow": "AWS keeps the window that was set last: without the field, the choice is its own",
    **dict.fromkeys(("database.restoreFromSnapshot", "database.restoreToTime"), "only for a new database"),
    "database.backupCopyRegion": "what was copied stays: tests/passes/test_recovery.py",
    "database.passwordRotationDays": "what the operator does on some day: tests/passes/test_rotation.py",
    **dict.fromkeys(
        ("database.finalSnapshot", "deletionPolicy", "driftPolicy", "changePolicy", "suspend", "monitoring.quoteLogs"),
        "what the operator does, nothing in AWS",
    ),
    **dict.fromkeys(
        (
            *("secrets.googleAPIKey.secretKeyRef.key", "secrets.googleAPIKey.secretARN"),
            "secrets.firebaseServiceAccount.secretKeyRef.name",
        ),
        "tried with the other secret",
    ),
    **dict.fromkeys(
        (
            *("existing.names.*", "existing.subnets.public.*", "existing.subnets.app.*", "existing.subnets.database.*"),
            *("existing.ignoreDifferences.*.resource", "existing.ignoreDifferences.*.fields.*"),
        ),
        "what existed before the stack: tests/passes/test_moving_in.py",
    ),
    **dict.fromkeys(
        ("domain.hostedZoneID", "domain.credentials.roleARN", "domain.credentials.externalID"),
        "where the records of domain.name go: tests/passes/test_domain.py",
    ),
}
#: What a field needs beside it.
BESIDE: Mapping[str, Mapping[str, Any]] = {
    "network.flowLogs.retentionDays": {"enabled": True},
    "service.cpu": {"memory": 2048},
    "service.memory": {"cpu": 512},
    "loadBalancer.accessLogs.retentionDays": {"enabled": True},
    "secrets.googleAPIKey.secretKeyRef.name": {"key": "one"},
    "secrets.firebaseServiceAccount.secretKeyRef.key": {"name": "one"},
    "waf.rateLimit": {"enabled": True},
}


def waves() -> Iterator[list[str]]:
    """Give the fields in waves, one of each section at most."""
    sections: dict[str, list[str]] = {}
    for field in FIELDS:
        sections.setdefault(field.partition(".")[0], []).append(field)
    for number in range(max(map(len, sections.values()))):
        yield [fields[number] for fields in sections.values() if number < len(fields)]


WAVES = list(waves())


def test_every_field_is_tried_or_has_a_reason() -> None:
    names = {".".join(path) for path, _ in leaves(SCHEMA)}
    assert names == {*FIELDS, *LASTING}
    assert not {*FIELDS} & {*LASTING}


def test_both_values_of_a_field_ask_for_something_else() -> None:
    same = []
    for field, values in FIELDS.items():
        specs: list[dict[str, Any]] = [{"environment": "Development"} for _ in values]
        for spec, value in zip(specs, values, strict=True):
            put(spec, field, value)
        metadata = {"name": "bare", "namespace": "default"}
        one, other = (parse({"metadata": metadata, "spec": spec}, REGION) for spec in specs)
        if one == other:
            same.append(field)
    assert same == []


@pytest.fixture(scope="module")
def app(aws: Aws) -> App:
    app = App(aws, "bare", environment="Development")
    app.secrets = {name: {"one": f"{name}1", "two": f"{name}2"} for name in ("one", "two")}
    app.client("route53").create_hosted_zone(Name="example.com", CallerReference="removed")
    app.settle()
    return app


@pytest.mark.timeout(600)
@pytest.mark.parametrize("fields", WAVES, ids=[f"wave{number}" for number, _ in enumerate(WAVES)])
def test_set_changed_and_removed_it_leaves_nothing(app: App, fields: list[str]) -> None:
    for topic in _TOPICS:
        app.client("sns").create_topic(Name=topic.rpartition(":")[2])
    known = {arn: _secret(app, f"shared{n}") for n, arn in enumerate(_SECRETS)}
    bare, before, pictures = json.loads(json.dumps(app.body["spec"])), picture(app), []
    for turn in (0, 1):
        spec = json.loads(json.dumps(bare))
        for field in fields:
            value = FIELDS[field][turn]
            put(spec, field, known.get(value, value) if isinstance(value, str) else value)
        edit(app, spec)
        pictures.append(picture(app))
    assert pictures[0] != pictures[1]
    edit(app, bare)
    app.clock.now += 600.0
    app.observe_now()
    app.settle()
    different = difference(before, picture(app))
    assert not different, different


def edit(app: App, spec: dict[str, Any]) -> None:
    """Apply a whole spec, and let the stack settle."""
    app.body["spec"] = spec
    app.body["metadata"]["generation"] += 1
    app.settle()


def _secret(app: App, name: str) -> str:
    return str(app.client("secretsmanager").create_secret(Name=name, SecretString="{}")["ARN"])


def put(spec: dict[str, Any], field: str, value: Any) -> None:
    """Set a field of a spec, and what it needs beside it."""
    *path, last = field.split(".")
    if last == "*":
        *path, last = path
        value = value if isinstance(value, list) else {"GREETING": value}
    for step in path:
        spec = spec.setdefault(step, {})
    spec.update({**BESIDE.get(field, {}), last: value})


_IDS = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{16,64}\b|(?<=-)[0-9a-f]{8,17}\b"
    r"|\d{4}-\d\d-\d\d[T ][\d:.+]+Z?|(?<=task-definition/bare:)\d+|(?<=secret:)\S+-\w{6}\b|ecs-svc/\d+"
)
#: Members that tell of the past, that a thing made anew has anew, or (counts of tasks) that auto scaling moves.
_HISTORY = {
    *("ResponseMetadata", "events", "createdAt", "updatedAt", "CreatedDate", "LastChangedDate", "LastAccessedDate"),
    *("SecretVersionsToStages", "VersionIdsToStages", "StateUpdatedTimestamp", "StateTransitionedTimestamp"),
    *("AlarmConfigurationUpdatedTimestamp", "registeredAt", "revision", "StateValue", "StateReason", "StateReasonData"),
    *("RoleLastUsed", "storedBytes", "creationTime", "CreationTime", "LatestRestorableTime", "deployments"),
    *("NextMarker", "LockToken", "AvailableIpAddressCount", "TargetHealthDescriptions"),
    *("desiredCount", "runningCount", "runningTasksCount"),
}
#: Lines that stay, and why.
_STAYS = (
    # The operator's own note of the last deployment, which ECS's list of deployments forgets.
    re.compile(
        r"ecs:describe_services \.services\[\]\.tags\[\]\.(key = missyou.app/deployment|value = # \d+ [0-9a-f]+( \d+)?)"
    ),
    # Where logs went while they were enabled, which ELB keeps.
    re.compile(r"elbv2:describe_load_balancer_attributes \.Attributes\[\]\.Value = (bare-alb-logs-\S+)?"),
)


def picture(app: App) -> Counter[str]:
    """Return all that AWS answers to a full observation, without ids and history: lines of member and value."""
    tape, stack = Tape(), StackIdentity(app.stack, f"default/{app.name}", CLUSTER, "123456789012", REGION, UID)
    cloud = Cloud(Recorder(app.accounts.get(REGION), tape), stack, Inventory(), NAMES)
    observe(cloud, Runtime(cloud, Seeded(SEED), classify), desired_names={}, freshness=anew)
    lines = (f"{key[0]}:{key[1]} {line}" for key, answer in tape.answers.items() for line in _lines(answer))
    return Counter(line for line in lines if not any(stays.fullmatch(line) for stays in _STAYS))


def _lines(value: Any, at: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        # A deleted NAT gateway is shown for a while.
        for key, part in value.items() if value.get("State") != "deleted" else ():
            if key not in _HISTORY:
                yield from _lines(part, f"{at}.{key}")
    elif isinstance(value, list):
        yield from (line for part in value for line in _lines(part, f"{at}[]"))
    else:
        yield f"{at} = {_IDS.sub('#', str(value))}"


def difference(before: Counter[str], after: Counter[str]) -> str:
    """Return the lines that are gone, and those that are new."""
    gone, new = before - after, after - before
    return "\n".join([*(f"- {line}" for line in sorted(gone)), *(f"+ {line}" for line in sorted(new))])
