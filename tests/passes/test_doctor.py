"""`missyou doctor` names what is broken and what mends it: every row of the old page's troubleshooting, and more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from missyou_local.aws.services import acm
from missyou_local.aws.services.rds import forced, maintenance
from missyou_operator.api.status import parse_status
from missyou_operator.aws.rds.restore import RESTORED_TAG
from missyou_operator.cli.diagnoses import lines
from missyou_operator.cli.doctor import Seen, diagnose, examined
from missyou_operator.cli.findings import Finding, Severity
from missyou_operator.cli.render import Style
from tests.sim.app import App
from tests.sim.aws import REGION, Aws
from tests.sim.commands import offline, typed

from .test_domain import zone

NAME, ACCOUNT = "patient", "123456789012"


@pytest.fixture(scope="module")
def app(aws) -> App:
    """A healthy stack."""
    app = App(aws, NAME, environment="Development")
    app.settle()
    return app


def asked(app: App) -> Seen:
    """Ask AWS as the command does; it may only read."""
    return examined(app.body, offline(app))


def doctor(app: App) -> list[Finding]:
    """Return what the command finds, and print what it prints."""
    found = diagnose(app.body, parse_status(app.body), asked(app))
    print("\n".join(lines(app.body, found, "", Style())))
    return found


def page(app: App, seen: Seen) -> str:
    return "\n".join(lines(app.body, diagnose(app.body, parse_status(app.body), seen), seen.unasked, Style()))


def only(findings: Sequence[Finding], component: str) -> Finding:
    [found] = [each for each in findings if each.component == component]
    return found


def test_a_healthy_app_gets_one_line(app: App) -> None:
    [line] = page(app, asked(app)).splitlines()
    assert line == f"✔ default/{NAME} is healthy: 1/1 tasks run, {app.body['status']['url']}"


def test_a_plan_that_waits_is_told_once_with_the_command_that_approves_it(app: App) -> None:
    app.edit(changePolicy="Approve", service={"port": 9000})
    app.until(lambda _: app.reason("Stalled") == "ApprovalRequired", "a plan that waits")
    app.one_pass()
    assert app.condition("ServiceReady")["message"].count("waits for the approval") == 1
    [found] = doctor(app)
    assert found.reason == "ApprovalRequired"
    assert f"missyou.app/approve={app.body['status']['plan']['id']}" in " ".join(found.commands)
    app.edit(changePolicy="Automatic", service={"port": 8000})
    app.settle()


# "ECS tasks not starting: check CloudWatch logs, verify secrets exist"


def stop_tasks(app: App) -> None:
    """Stop all tasks, so that ECS has to start others."""
    ecs = app.client("ecs")
    for arn in ecs.list_tasks(cluster=f"{app.name}-cluster")["taskArns"]:
        ecs.stop_task(cluster=f"{app.name}-cluster", task=arn)


def broken(app: App, type_: str = "ServiceReady") -> str:
    """Run passes until a condition is False for good, and return its message."""
    app.until(lambda _: app.condition(type_)["status"] == "False" and "…" not in app.reason(type_), f"{type_} False")
    return str(app.condition(type_)["message"])


def failing(app: App, word: str, **tasks: object) -> Finding:
    """Have new tasks fail, wait until the service says so for this reason, and return what the doctor finds."""
    app.aws.tell(tasks=tasks)
    stop_tasks(app)
    app.until(lambda _: app.reason("ServiceReady") == word, word)
    found = only(doctor(app), "Service")
    assert found.reason == word
    return found


def healed(app: App) -> None:
    app.grow()
    assert doctor(app) == []


def mended(app: App, found: Finding, command: str) -> None:
    """Type the command that the doctor names, and see that the app is healthy again."""
    assert command in found.commands, found.commands
    typed(app, command)
    healed(app)


def sources(found: Finding) -> dict[str, str]:
    """Return the first fact of each source."""
    return {fact.source: fact.text for fact in reversed(found.evidence)}


def test_an_app_that_exits_is_shown_with_the_end_of_its_log(app: App) -> None:
    log = ["starting", "Traceback (most recent call last):", "KeyError: 'FEATURE_FLAGS' \x1b[31m(red)"]
    found = failing(app, "TasksFailing", exit=1, log=log)
    assert "exited with code 1" in found.message
    [look] = [command for command in found.commands if command.startswith("aws logs tail")]
    assert f"/ecs/{NAME}" in look
    shown = sources(found)
    assert "KeyError: 'FEATURE_FLAGS' (red)" in shown["log"]
    assert "exit code 1" in shown["task"]
    app.aws.tell(tasks={})
    healed(app)


def test_no_line_of_a_log_is_shown_where_none_may_be_quoted(app: App) -> None:
    app.edit(monitoring={"quoteLogs": False})
    app.settle()
    found = failing(app, "TasksFailing", exit=1, log=["patient Jane Doe, born 1970"])
    assert "log" not in sources(found)
    assert "Jane" not in page(app, asked(app))


def test_an_app_that_needs_more_memory_gets_it_by_the_command(app: App) -> None:
    killed = "OutOfMemoryError: Container killed due to memory usage"
    found = failing(app, "OutOfMemory", exit=137, reason=killed)
    [more] = [command for command in found.commands if command.startswith("kubectl")]
    assert '{"spec":{"service":{"memory":1024}}}' in more
    app.aws.tell(tasks={})
    mended(app, found, more)
    assert app.body["spec"]["service"]["memory"] == 1024


def test_a_secret_that_is_to_be_deleted_is_restored(app: App) -> None:
    secrets = app.client("secretsmanager")
    arn = secrets.create_secret(Name="shared/gemini", SecretString="AIza")["ARN"]
    app.edit(secrets={"googleAPIKey": {"secretARN": arn}})
    app.settle()
    secrets.delete_secret(SecretId=arn)
    stop_tasks(app)
    assert "The secret is scheduled for deletion: restore it" in broken(app)
    mended(app, only(doctor(app), "Service"), f"aws secretsmanager restore-secret --secret-id {arn} --region us-east-1")


_RATE = (
    "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to copy: httpReadSeeker: failed "
    "open: unexpected status code https://registry-1.docker.io/v2/library/nginx/manifests/sha256:0: 429 Too Many "
    "Requests - Server message: toomanyrequests: You have reached your pull rate limit."
)
_NO_WAY_OUT = "CannotPullContainerError: ref pull has been retried 1 time(s): dial tcp 52.217.1.2:443: i/o timeout"
_NO_SECRET = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable "
    "to retrieve secret from asm: service call has been retried 1 time(s): "
)
_ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:shared/mail-AbCdEf"
_NO_KEY = f"{_NO_SECRET}retrieved secret from Secrets Manager did not contain json key token"
_DENIED = (
    f"{_NO_SECRET}failed to fetch secret {_ARN} from secrets manager: AccessDeniedException: User: "
    "arn:aws:sts::123456789012:assumed-role/role/task is not authorized to perform: secretsmanager:GetSecretValue"
)
_NO_IMAGE = "CannotPullContainerError: pull image manifest has been retried 1 time(s): docker.io/a/b:v9: not found"
_FOREIGN = (
    "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref "
    "210987654321.dkr.ecr.us-east-1.amazonaws.com/a:v1: unexpected status: 403 Forbidden"
)
_NO_ADDRESS = "Timeout waiting for network interface provisioning to complete."
_NO_CAPACITY = "Capacity is unavailable at this time. Please try again later or in a different availability zone"
_NO_QUOTA = "You've reached the limit on the number of vCPUs you can run concurrently"
_AGAIN = f'kubectl annotate missyouapp {NAME} -n default --overwrite missyou.app/reconcile="$(date +%s)"'
_FORCE = f"aws ecs update-service --cluster {NAME}-cluster --service {NAME}-service --force-new-deployment"
_MORE = "aws service-quotas request-service-quota-increase --service-code fargate --quota-code L-3032A538"


@pytest.mark.parametrize(
    ("text", "reason", "command"),
    [
        (_RATE, "TasksFailing", "docker buildx imagetools create"),
        (_NO_WAY_OUT, "TasksFailing", _AGAIN),
        (_NO_CAPACITY, "TasksFailing", _FORCE),
        (_NO_QUOTA, "QuotaExceeded", _MORE),
        (_NO_KEY, "TasksFailing", "aws secretsmanager put-secret-value"),
        (_DENIED, "AccessDenied", f"aws secretsmanager get-resource-policy --secret-id {_ARN}"),
        (_NO_IMAGE, "ImageNotFound", f"kubectl patch missyouapp {NAME} -n default --type merge -p"),
        (_FOREIGN, "ImageNotFound", "docker buildx imagetools create"),
        (_NO_ADDRESS, "TasksFailing", f"kubectl patch missyouapp {NAME} -n default --type merge -p"),
    ],
)
def test_what_keeps_tasks_from_starting_has_its_command(app: App, text: str, reason: str, command: str) -> None:
    found = failing(app, reason, fail=text)
    assert any(each.startswith(command) for each in found.commands), found.commands
    assert text[:100] in sources(found)["task"]
    app.aws.tell(tasks={})
    app.settle()
    healed(app)


def test_a_version_that_was_rolled_back_is_tried_again_by_the_command(app: App) -> None:
    app.push("v2")
    app.aws.tell(tasks={"exit": 1, "log": ["KeyError: 'FEATURE_FLAGS'"]})
    app.edit(image={"tag": "v2"})
    app.until(lambda _: app.reason("ServiceReady") == "RolloutFailed", "rolled back")
    found = only(doctor(app), "Service")
    assert "ECS rolled back to" in found.message
    assert "KeyError: 'FEATURE_FLAGS'" in sources(found)["log"]
    app.aws.tell(tasks={})
    [again] = [command for command in found.commands if command.startswith("aws ecs untag-resource")]
    mended(app, found, again)
    assert app.body["status"]["image"].endswith(":v2")


# "Database connection failed: verify RDS is running, check security groups allow ECS to RDS traffic"


def test_a_stopped_database_is_started_by_the_command(app: App) -> None:
    app.client("rds").stop_db_instance(DBInstanceIdentifier=f"{NAME}-db")
    app.clock.now += 60
    app.observe_now()
    assert "was stopped by someone" in broken(app, "DatabaseReady")
    found = only(doctor(app), "Database")
    mended(app, found, f"aws rds start-db-instance --db-instance-identifier {NAME}-db")


def test_a_rule_between_tasks_and_database_that_is_gone_comes_back_by_the_command(app: App) -> None:
    ec2 = app.client("ec2")
    groups = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [f"{NAME}-rds"]}])
    [group] = groups["SecurityGroups"]
    ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
    found = only(doctor(app), "Network")
    assert f"{NAME}-rds ingress tcp/5432 from {NAME}-ecs" in found.message
    [command] = found.commands
    typed(app, command)
    app.one_pass()
    healed(app)


# "ALB health checks failing: verify the health endpoint returns HTTP 200, check ECS task logs for startup errors"


def test_a_health_check_that_is_not_answered_is_named_with_code_and_log(app: App) -> None:
    app.aws.tell(unanswered=["/health"])
    stop_tasks(app)
    assert "failed ELB health checks" in broken(app)
    found = only(doctor(app), "Service")
    assert any('{"healthCheck":{"path":"/PATH"}}' in command for command in found.commands)
    assert any(command.startswith("aws logs tail") for command in found.commands)
    app.aws.tell(unanswered=[])
    healed(app)


def test_a_path_that_was_never_answered_is_corrected_by_the_command(aws: Aws) -> None:
    fresh = App(aws, "fresh", environment="Development")
    aws.tell(unanswered=["/health"])
    fresh.until(lambda _: fresh.reason("ServiceReady") == "ImageNotFound", "waiting for an image")
    fresh.push()
    fresh.until(lambda _: "failed ELB health checks" in fresh.condition("ServiceReady")["message"], "unhealthy")
    [command] = [each for each in only(doctor(fresh), "Service").commands if "healthCheck" in each]
    typed(fresh, command)
    fresh.grow()


def test_a_path_that_is_no_longer_answered_is_corrected_by_the_command(app: App) -> None:
    app.aws.tell(unanswered=["/health"])
    stop_tasks(app)
    broken(app)
    found = only(doctor(app), "Service")
    [command] = [each for each in found.commands if "healthCheck" in each]
    mended(app, found, command)


# What else a database can have


def test_a_full_database_gets_storage_by_the_command(app: App) -> None:
    forced.enter(ACCOUNT, REGION, f"{NAME}-db", "storage-full")
    app.observe_now()
    assert "has no storage left" in broken(app, "DatabaseReady")
    found = only(doctor(app), "Database")
    assert found.reason == "StorageFull"
    [command] = found.commands
    assert '{"spec":{"database":{"storageGiB":40,"maxStorageGiB":100}}}' in command
    mended(app, found, command)
    [row] = app.client("rds").describe_db_instances()["DBInstances"]
    assert row["AllocatedStorage"] == 40


def test_parameters_that_wait_for_a_restart_are_told_with_the_command(app: App) -> None:
    parameter = {"ParameterName": "max_connections", "ParameterValue": "200", "ApplyMethod": "pending-reboot"}
    rds = app.client("rds")
    [row] = rds.describe_db_instances()["DBInstances"]
    rds.modify_db_parameter_group(
        DBParameterGroupName=row["DBParameterGroups"][0]["DBParameterGroupName"], Parameters=[parameter]
    )
    app.observe_now()
    assert (app.reason("DatabaseReady"), app.condition("Ready")["status"]) == ("RestartPending", "True")
    found = only(doctor(app), "Database")
    assert (found.reason, found.severity) == ("RestartPending", Severity.WARNING)
    [command] = found.commands
    mended(app, found, command)


def in_state(app: App, state: str) -> Finding:
    """Bring the database into a state of trouble, and return what the doctor finds."""
    forced.enter(ACCOUNT, REGION, f"{NAME}-db", state)
    app.observe_now()
    reason = "".join(word.capitalize() for word in state.split("-"))
    app.until(lambda _: app.reason("DatabaseReady") == reason, state)
    found = only(doctor(app), "Database")
    assert found.reason == reason
    return found


@pytest.mark.parametrize(
    ("state", "cause", "command"),
    [
        ("incompatible-network", "has no network", f"aws rds start-db-instance --db-instance-identifier {NAME}-db"),
        (
            "incompatible-parameters",
            "cannot start with its parameters",
            f"aws rds reboot-db-instance --db-instance-identifier {NAME}-db",
        ),
        (
            "inaccessible-encryption-credentials-recoverable",
            "cannot use its KMS key",
            f"aws rds start-db-instance --db-instance-identifier {NAME}-db",
        ),
    ],
)
def test_a_state_of_a_database_is_ended_by_its_command(app: App, state: str, cause: str, command: str) -> None:
    found = in_state(app, state)
    assert cause in found.message
    mended(app, found, command)


def test_a_class_without_capacity_is_exchanged_by_the_command(app: App) -> None:
    found = in_state(app, "insufficient-capacity")
    assert "AWS has no capacity for this class" in found.message
    [command] = found.commands
    typed(app, command.replace("CLASS", "db.t3.small"))
    healed(app)


@pytest.mark.parametrize("state", ["failed", "inaccessible-encryption-credentials"])
def test_a_database_that_cannot_be_recovered_is_restored_by_the_commands(app: App, state: str) -> None:
    app.clock.now += 3600
    found = in_state(app, state)
    typed(app, found.commands[-1])
    app.until(lambda _: app.reason("DatabaseReady") == "DataLost", "the loss")
    [restore] = {each for one in doctor(app) for each in one.commands if "restoreToTime" in each}
    typed(app, restore)
    healed(app)
    [row] = app.client("rds").describe_db_instances()["DBInstances"]
    assert row["DBInstanceStatus"] == "available"


@pytest.mark.parametrize("state", ["restore-error", "incompatible-restore"])
def test_a_restore_that_failed_is_done_from_another_backup(aws: Aws, state: str) -> None:
    app = App(aws, "phoenix", environment="Development")
    app.settle()
    rds = app.client("rds")
    for name in ("bad", "good"):
        rds.create_db_snapshot(DBInstanceIdentifier="phoenix-db", DBSnapshotIdentifier=name)
        app.clock.now += 600
    again = App(aws, "risen", environment="Development", database={"restoreFromSnapshot": "bad"})
    again.until(lambda _: rds.describe_db_instances()["DBInstances"][1:], "the database")
    forced.enter(ACCOUNT, REGION, "risen-db", state)
    reason = "".join(word.capitalize() for word in state.split("-"))
    again.until(lambda _: again.reason("DatabaseReady") == reason, state)
    found = only(doctor(again), "Database")
    assert "Name another in spec.database.restoreFromSnapshot" in found.message
    [command] = found.commands
    again.edit(database={"restoreFromSnapshot": "good"})
    typed(again, command)
    again.grow()
    [row] = rds.describe_db_instances(DBInstanceIdentifier="risen-db")["DBInstances"]
    assert {tag["Key"]: tag["Value"] for tag in row["TagList"]}[RESTORED_TAG] == "good"


# The standby of a Multi-AZ database


def test_a_standby_that_is_gone_is_told_and_built_anew_by_the_commands(app: App) -> None:
    app.edit(database={"multiAZ": True})
    app.settle()
    assert doctor(app) == []
    forced.lose_standby(ACCOUNT, REGION, f"{NAME}-db")
    app.observe_now()
    assert app.reason("DatabaseReady") == "StandbyMissing"
    assert app.condition("Ready")["status"] == "True"
    found = only(doctor(app), "Database")
    assert (found.reason, found.severity) == ("StandbyMissing", Severity.WARNING)
    _, off, on = found.commands
    typed(app, off)
    app.settle()
    typed(app, on)
    app.settle()
    assert doctor(app) == []
    [row] = app.client("rds").describe_db_instances()["DBInstances"]
    assert row["SecondaryAvailabilityZone"]


_UNHEALTHY = "The primary host of the RDS Multi-AZ instance is unhealthy."
_BUSY = "The RDS Multi-AZ primary instance is busy and unresponsive."
_ASKED = "The user requested a failover of the DB instance."


def test_a_failover_that_nobody_asked_for_is_told_with_its_reason(app: App) -> None:
    app.edit(database={"multiAZ": True})
    app.settle()

    def found_after(reason: str) -> list[Finding]:
        app.clock.now += 2 * 86400
        forced.fail_over(ACCOUNT, REGION, f"{NAME}-db", reason, app.clock.now)
        app.observe_now()
        return doctor(app)

    assert found_after(_ASKED) == []
    [failed_over] = found_after(_UNHEALTHY)
    assert (failed_over.reason, failed_over.severity) == ("FailedOver", Severity.WARNING)
    assert _UNHEALTHY in failed_over.message
    [look] = failed_over.commands
    assert any(event["Message"] == _UNHEALTHY for event in typed(app, look)["Events"])
    [busy] = found_after(_BUSY)
    [larger] = busy.commands
    typed(app, larger.replace("CLASS", "db.t3.medium"))
    app.settle()
    app.clock.now += 2 * 86400
    assert doctor(app) == []


def test_the_end_of_support_is_told_half_a_year_before_and_nothing_stops(app: App) -> None:
    app.clock.now += (datetime(2027, 10, 1, tzinfo=UTC) - datetime.fromtimestamp(app.clock.now, UTC)).total_seconds()
    app.observe_now()
    assert app.condition("Ready")["status"] == "True"
    assert app.reason("DatabaseReady") == "SupportEnding"
    found = only(doctor(app), "Database")
    assert found.severity is Severity.WARNING
    assert "standard support for PostgreSQL 15 ends on 2028-02-29" in found.message
    [command] = found.commands
    assert '{"spec":{"database":{"engineVersion":"16"}}}' in command


def test_planned_maintenance_is_told_of_a_healthy_database(app: App) -> None:
    maintenance.plan(ACCOUNT, REGION, f"{NAME}-db", "system-update", "New Operating System update is available")
    found = only(doctor(app), "Database")
    assert (found.reason, found.severity) == ("MaintenancePending", Severity.WARNING)
    [command] = found.commands
    mended(app, found, command)


# Tasks that a person stops


def test_tasks_that_somebody_stops_are_not_taken_for_failures_of_the_app(app: App) -> None:
    app.aws.tell(timing={"task": 600})
    stop_tasks(app)
    app.clock.now += 60
    app.observe_now()
    found = only(doctor(app), "Service")
    assert "was stopped by someone" in found.message
    [command] = found.commands
    assert command.startswith("aws cloudtrail lookup-events")
    healed(app)


# The domain


def test_a_certificate_that_a_caa_record_forbids_is_issued_once_it_is_allowed(app: App) -> None:
    zone_id, route53 = zone(app.aws, "example.org"), app.client("route53")
    caa = {"Name": "example.org", "Type": "CAA", "TTL": 60, "ResourceRecords": [{"Value": '0 issue "letsencrypt.org"'}]}
    route53.change_resource_record_sets(
        HostedZoneId=zone_id, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": caa}]}
    )
    app.edit(domain={"name": "app.example.org"})
    app.until(lambda _: app.reason("DomainReady") == "CertificateFailed", "refused")
    found = only(doctor(app), "Domain")
    look, delete = found.commands
    assert look == "dig +short CAA app.example.org"
    also = {**caa, "ResourceRecords": [*caa["ResourceRecords"], {"Value": '0 issue "amazon.com"'}]}
    route53.change_resource_record_sets(
        HostedZoneId=zone_id, ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": also}]}
    )
    mended(app, found, delete)


def test_a_zone_that_nobody_delegates_to_is_told_with_its_name_servers(app: App) -> None:
    zone_id = zone(app.aws, "example.net")
    acm.undelegate(zone_id)
    app.edit(domain={"name": "app.example.net"})
    app.until(lambda _: app.reason("DomainReady") == "Validating", "validating")
    app.clock.now += 1800
    app.observe_now()
    found = only(doctor(app), "Domain")
    servers = app.client("route53").get_hosted_zone(Id=zone_id)["DelegationSet"]["NameServers"]
    assert all(server in found.message for server in servers)
    assert found.commands == ("dig +short NS example.net",)
    acm.delegate(zone_id)
    healed(app)
