"""From the object of the API server to AppSpec: defaults as the contract's table has them, errors that name a field."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from missyou_operator.api import InvalidSpec, parse
from missyou_operator.api.sections import SecretKey, SecretSource

from .cases import BAD, GOOD, REGION, app


def test_production_is_the_default_and_has_its_defaults():
    shop = parse(app({}), REGION)
    assert (shop.environment, shop.region, shop.stack_name) == ("Production", REGION, "shop")
    assert (shop.network.cidr, shop.network.availability_zones, shop.network.nat_gateways) == ("10.0.0.0/16", None, 2)
    service = shop.service
    assert (service.cpu, service.memory, service.port, service.debug, service.env) == (512, 1024, 8000, False, {})
    assert (service.replicas.min, service.replicas.max) == (2, 10)
    scaling = service.autoscaling
    assert (scaling.cpu_target, scaling.memory_target) == (70, 80)
    assert (scaling.scale_out_cooldown, scaling.scale_in_cooldown) == (60, 300)
    assert (service.health_check.path, service.health_check.interval_seconds) == ("/health", 30)
    database = shop.database
    assert (database.engine_version, database.instance_class) == ("15.4", "db.t3.micro")
    assert (database.storage_gib, database.max_storage_gib) == (20, 100)
    assert (database.multi_az, database.deletion_protection, database.final_snapshot) == (True, True, True)
    assert (database.backup_retention_days, database.performance_insights) == (7, True)
    assert (database.name, database.username) == ("missyou", "missyou")
    assert (shop.registry.keep_images, shop.registry.scan_on_push) == (10, True)
    assert (shop.secrets.google_api_key, shop.secrets.firebase_service_account) == (None, None)
    assert shop.load_balancer.deletion_protection is True
    assert (shop.load_balancer.access_logs.enabled, shop.load_balancer.access_logs.retention_days) == (False, 30)
    assert (shop.waf.enabled, shop.waf.rate_limit) == (False, 2000)
    alarms = shop.monitoring.alarms
    assert (alarms.service_cpu_percent, alarms.database_cpu_percent, alarms.database_free_storage_gib) == (80, 80, 2)
    assert shop.monitoring.log_retention_days == 7
    assert (shop.image.repository, shop.image.tag, shop.tags) == (None, "latest", {})
    assert (shop.deletion_policy, shop.drift_policy, shop.suspend) == ("Delete", "Correct", False)
    assert (shop.credentials.role_arn, shop.credentials.external_id) == (None, None)


def test_development_is_smaller_and_unprotected():
    shop = parse(app({"environment": "Development"}), REGION)
    assert shop.network.nat_gateways == 1
    assert (shop.service.cpu, shop.service.memory) == (256, 512)
    assert (shop.service.replicas.min, shop.service.replicas.max) == (1, 2)
    database = shop.database
    assert (database.multi_az, database.deletion_protection, database.final_snapshot) == (False, False, False)
    assert shop.load_balancer.deletion_protection is False


def test_what_is_written_wins_over_the_environment():
    spec = {
        "environment": "Development",
        "region": "us-east-1",
        "stackName": "store",
        "network": {"natGateways": 2, "availabilityZones": ["us-east-1b", "us-east-1a"]},
        "service": {"cpu": 1024, "memory": 2048, "replicas": {"min": 2, "max": 3}},
        "database": {"multiAZ": True, "deletionProtection": True, "finalSnapshot": True},
        "loadBalancer": {"deletionProtection": True},
    }
    shop = parse(app(spec), REGION)
    assert (shop.region, shop.stack_name) == ("us-east-1", "store")
    assert (shop.network.nat_gateways, shop.network.availability_zones) == (2, ["us-east-1b", "us-east-1a"])
    assert (shop.service.cpu, shop.service.memory) == (1024, 2048)
    assert (shop.service.replicas.min, shop.service.replicas.max) == (2, 3)
    assert shop.database.multi_az
    assert shop.database.deletion_protection
    assert shop.database.final_snapshot
    assert shop.load_balancer.deletion_protection


def test_false_is_an_answer_and_not_an_absence():
    spec = {"database": {"multiAZ": False, "deletionProtection": False}, "loadBalancer": {"deletionProtection": False}}
    shop = parse(app(spec), REGION)
    assert not shop.database.multi_az
    assert not shop.database.deletion_protection
    assert shop.database.final_snapshot
    assert not shop.load_balancer.deletion_protection


def test_secret_sources_become_one_of_two_types():
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:firebase-AbCdEf"
    spec = {
        "secrets": {
            "googleAPIKey": {"secretKeyRef": {"name": "keys", "key": "gemini"}},
            "firebaseServiceAccount": {"secretARN": arn},
        }
    }
    secrets = parse(app(spec), REGION).secrets
    assert secrets.google_api_key == SecretSource(secret_key_ref=SecretKey(name="keys", key="gemini"))
    assert secrets.firebase_service_account == SecretSource(secret_arn=arn)


@pytest.mark.parametrize("spec", GOOD, ids=str)
def test_good_specs_are_parsed(spec):
    assert parse(app(spec), spec.get("region", REGION)).environment


@pytest.mark.parametrize(("body", "at", "says"), BAD)
def test_bad_specs_are_refused_at_the_field_that_is_wrong(body, at, says):
    with pytest.raises(InvalidSpec) as refused:
        parse(body, REGION)
    assert at in [problem.path for problem in refused.value.problems]


def test_every_problem_is_reported_at_once():
    spec = {"service": {"port": 0, "env": {"PORT": "1"}}, "database": {"storageGiB": 200}}
    with pytest.raises(InvalidSpec) as refused:
        parse(app(spec), REGION)
    assert [problem.path for problem in refused.value.problems] == [
        "spec.service.port",
        "spec.service.env",
        "spec.database.maxStorageGiB",
    ]
    assert "set maxStorageGiB to 220 or more" in str(refused.value)


def test_a_spec_that_is_missing_is_refused():
    with pytest.raises(InvalidSpec, match="spec: must be an object"):
        parse({"metadata": {"name": "shop"}}, REGION)


def test_zones_must_be_in_the_operators_region_when_the_spec_names_none():
    spec = {"network": {"availabilityZones": ["eu-west-1a", "eu-west-1b"]}}
    with pytest.raises(InvalidSpec, match=r"spec.network.availabilityZones: .*us-east-1.*set spec.region"):
        parse(app(spec), "us-east-1")


def test_messages_do_not_repeat_values():
    with pytest.raises(InvalidSpec) as refused:
        parse(app({"service": {"env": {"TOKEN": 12345}}, "image": {"tag": "not a tag"}}), REGION)
    assert "12345" not in str(refused.value)
    assert "not a tag" not in str(refused.value)


def test_the_result_cannot_be_changed():
    shop = parse(app({}), REGION)
    with pytest.raises(ValidationError):
        shop.region = "us-east-1"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        shop.service.port = 80  # type: ignore[misc]


def test_what_apps_say_alike_is_kept_once():
    one, same, other = (parse(app({"database": {"storageGiB": size}}), REGION) for size in (50, 50, 60))
    assert one.database is same.database
    assert other.database.storage_gib == 60
    # What has a mapping in it cannot be looked up, and is each one's own.
    assert one.service == same.service
