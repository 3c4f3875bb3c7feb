"""Updates on a real API server: what is immutable stays, everything else changes, and status keeps its generation."""

from __future__ import annotations

import itertools

import pytest

from tests.api.cases import app
from tests.api.statuses import FULL_STATUS

from .client import Apps, until

pytestmark = pytest.mark.integration

ZONES = ["eu-west-1a", "eu-west-1b"]
FULL = {
    "region": "eu-west-1",
    "stackName": "shop",
    "network": {"availabilityZones": ZONES},
    "credentials": {"roleARN": "arn:aws:iam::123456789012:role/one"},
}
BLOCKS = {
    tier: [f"10.0.{number}.0/24", f"10.0.{number + 1}.0/24"]
    for number, tier in ((1, "public"), (3, "app"), (5, "database"))
}
EXISTING = {
    "existing": {
        "names": {"vpc": "old-vpc"},
        "subnets": BLOCKS,
        "ignoreDifferences": [{"resource": "rds.DBInstance/old", "fields": ["storage_type"]}],
    }
}
OTHER_ACCOUNT = "arn:aws:iam::210987654321:role/one"

REFUSED = [
    ({}, {"region": "eu-west-1"}, "spec.region", "leave it unset"),
    ({"region": "eu-west-1"}, {"region": "us-east-1"}, "spec.region", 'keep "eu-west-1"'),
    ({"region": "eu-west-1"}, {"region": None}, "spec.region", 'keep "eu-west-1"'),
    ({"stackName": "shop"}, {"stackName": "store"}, "spec.stackName", 'keep "shop"'),
    ({"stackName": "shop"}, {"stackName": None}, "spec.stackName", 'keep "shop"'),
    ({}, {"stackName": "store"}, "spec.stackName", "is immutable: keep "),
    ({}, {"network": {"cidr": "10.1.0.0/16"}}, "spec.network.cidr", 'keep "10.0.0.0/16"'),
    ({"network": {"cidr": "10.1.0.0/16"}}, {"network": None}, "spec.network.cidr", 'keep "10.1.0.0/16"'),
    ({}, {"loadBalancer": {"scheme": "internal"}}, "spec.loadBalancer.scheme", 'keep "internet-facing"'),
    (
        {"loadBalancer": {"scheme": "internal"}},
        {"loadBalancer": None},
        "spec.loadBalancer.scheme",
        'scheme is immutable: keep "internal"',
    ),
    ({}, {"network": {"availabilityZones": ZONES}}, "spec.network.availabilityZones", "leave it unset"),
    (FULL, {"network": {"availabilityZones": None}}, "spec.network.availabilityZones", "keep [eu-west-1a, eu-west-1b]"),
    (FULL, {"network": {"availabilityZones": ZONES[::-1]}}, "spec.network.availabilityZones", "keep [eu-west-1a"),
    ({}, {"database": {"name": "other"}}, "spec.database.name", 'keep "missyou"'),
    ({}, {"database": {"username": "other"}}, "spec.database.username", 'keep "missyou"'),
    (FULL, {"credentials": {"roleARN": OTHER_ACCOUNT}}, "spec.credentials.roleARN", "account is immutable"),
    (EXISTING, {"existing": None}, "spec.existing.names", "names of what exists are immutable"),
    (EXISTING, {"existing": {"names": {"vpc": "other"}}}, "spec.existing.names", "names of what exists are immutable"),
    (EXISTING, {"existing": {"subnets": None}}, "spec.existing.subnets", "subnets are immutable"),
    ({}, {"service": {"memory": 512}}, "spec.service.memory", "1024, 2048, 3072 or 4096"),
    ({"service": {"memory": 4096}}, {"environment": "Development"}, "spec.service.memory", "cpu 256 (the Development"),
]
ALLOWED = [
    ({}, {"image": {"tag": "v2"}}),
    (EXISTING, {"existing": {"names": {"database": "old-db"}, "ignoreDifferences": None}}),
    ({}, {"environment": "Development"}),
    ({}, {"service": {"cpu": 1024, "memory": 2048, "replicas": {"min": 3}}}),
    ({}, {"network": {"natGateways": 1}}),
    ({}, {"domain": {"name": "app.example.com"}}),
    (
        {"domain": {"name": "a.example.com", "hostedZoneID": "Z1"}},
        {"domain": {"name": "b.example.com", "hostedZoneID": "Z2"}},
    ),
    ({"domain": {"name": "a.example.com", "hostedZoneID": "Z1"}}, {}),
    ({}, {"network": {"endpoints": {"s3": False, "interfaces": True}}}),
    ({}, {"network": {"flowLogs": {"enabled": True, "retentionDays": 1}}}),
    ({}, {"loadBalancer": {"accessLogs": {"enabled": True, "retentionDays": 1}}}),
    ({}, {"loadBalancer": {"allowedCIDRs": ["10.0.0.0/8"]}}),
    ({}, {"waf": {"enabled": True, "rateLimit": 10}}),
    ({}, {"database": {"storageGiB": 50, "engineVersion": "16", "multiAZ": False}}),
    ({}, {"monitoring": {"alarms": {"serviceCPUPercent": 90}}}),
    ({}, {"credentials": {"roleARN": OTHER_ACCOUNT}}),
    (FULL, {"credentials": {"roleARN": "arn:aws:iam::123456789012:role/two"}}),
    ({}, {"database": {"backupWindow": "03:00-04:00", "maintenanceWindow": "sun:04:00-sun:05:00"}}),
    ({"database": {"backupWindow": "03:00-04:00"}}, {"database": {"backupWindow": None}}),
    (FULL, {"tags": {"team": "a"}, "suspend": True, "deletionPolicy": "Retain"}),
    (FULL, {"region": "eu-west-1", "network": {"cidr": None}}),
]
_numbers = itertools.count()


def created(apps: Apps, spec) -> str:
    name = f"update-{next(_numbers)}"
    apps.create(app(spec, name))
    return name


@pytest.mark.parametrize(("before", "patch", "at", "says"), REFUSED, ids=[str(row[1]) for row in REFUSED])
def test_refused_updates_name_the_field_and_what_to_keep(apps: Apps, before, patch, at, says):
    refusal = apps.patch(created(apps, before), {"spec": patch})
    assert refusal is not None
    assert at in refusal
    assert says in refusal


@pytest.mark.parametrize(("before", "patch"), ALLOWED, ids=[str(row[1]) for row in ALLOWED])
def test_allowed_updates_are_accepted(apps: Apps, before, patch):
    assert apps.patch(created(apps, before), {"spec": patch}) is None


def test_the_name_of_the_app_may_be_written_out_as_the_stack_name(apps: Apps):
    name = created(apps, {})
    assert apps.patch(name, {"spec": {"stackName": name}}) is None
    assert apps.patch(name, {"spec": {"stackName": None}}) is None


def test_a_snapshot_is_named_until_there_is_a_database(apps: Apps):
    name = created(apps, {})
    for snapshot in ("typo", "right"):
        assert apps.patch(name, {"spec": {"database": {"restoreFromSnapshot": snapshot}}}) is None
    assert apps.patch(name, {"status": {"outputs": {"rdsEndpoint": "db:5432"}}}, part="status") is None
    refusal = apps.patch(name, {"spec": {"database": {"restoreFromSnapshot": "other"}}}) or ""
    assert "spec.database.restoreFromSnapshot" in refusal
    assert "never restored into it: create another MissYouApp" in refusal
    assert apps.patch(name, {"spec": {"database": {"storageGiB": 30}}}) is None
    assert apps.patch(name, {"spec": {"database": {"restoreFromSnapshot": None}}}) is None
    assert "restored into it" in (apps.patch(name, {"spec": {"database": {"restoreFromSnapshot": "right"}}}) or "")


def test_defaults_are_filled_in_and_those_of_the_environment_are_not(apps: Apps):
    spec = apps.get(created(apps, {}))["spec"]
    assert spec["environment"] == "Production"
    assert spec["database"]["storageGiB"] == 20
    assert "multiAZ" not in spec["database"]
    assert "natGateways" not in spec["network"]
    assert spec["service"]["autoscaling"] == {
        "cpuTarget": 70,
        "memoryTarget": 80,
        "scaleOutCooldown": 60,
        "scaleInCooldown": 300,
    }


def test_a_new_object_and_a_wiped_status_are_not_finished(apps: Apps):
    name = created(apps, {})
    assert apps.get(name)["status"] == {"observedGeneration": -1}
    for status in (None, {"observedGeneration": None, "url": "http://alb"}):
        assert apps.patch(name, {"status": status}, part="status") is None
        assert apps.get(name)["status"]["observedGeneration"] == -1


def test_a_status_that_the_model_writes_is_stored_whole(apps: Apps):
    name = created(apps, {})
    wire = FULL_STATUS.to_wire()
    assert apps.patch(name, {"status": wire}, part="status") is None
    assert apps.get(name)["status"] == wire


def test_an_object_that_new_rules_would_refuse_can_still_be_released(kube):
    """An operator that comes with tighter rules must be able to annotate, report on and let go of what is stored."""
    apps = Apps(kube, group="ratcheting.example.org")
    body = app({"service": {"cpu": 512, "memory": 512}}, "a-name-of-before-the-rules.x")
    body["metadata"]["finalizers"] = ["missyou.app/finalizer"]
    apps.install(without_rules)
    apps.create(body)
    apps.install()
    name = body["metadata"]["name"]
    # Not by the same name: while the rules are not in force, that is a conflict.
    until(lambda: apps.refusal(app({}, f"another.{name}")) is not None, "the rules are in force")

    assert apps.patch(name, {"metadata": {"annotations": {"missyou.app/reconcile": "1"}}}) is None
    assert apps.patch(name, {"status": {"observedGeneration": 1}}, part="status") is None
    assert "spec.service.memory" in (apps.patch(name, {"spec": {"image": {"tag": "v2"}}}) or "")
    apps.delete(name)
    assert apps.patch(name, {"metadata": {"finalizers": None}}) is None
    assert apps.find(name) is None


def without_rules(schema):
    """Take all CEL out of a schema."""
    schema.pop("x-kubernetes-validations", None)
    for key in ("items", "additionalProperties"):
        if key in schema:
            without_rules(schema[key])
    for child in schema.get("properties", {}).values():
        without_rules(child)
