"""Projects that are built otherwise than the old one move in as well, or are told what does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from missyou_operator.aws.session import Accounts
from missyou_operator.cli import plan
from missyou_operator.cli.exits import Exit
from missyou_operator.cli.offline import open_stack, placed
from tests.sim.app import App, changes
from tests.sim.aws import REGION, Aws
from tests.sim.process import Process
from tests.sim.terraform import Project

from .test_doctor import failing, sources
from .test_domain import zone
from .test_moving_in import _TAGGING, imported, last, left_behind, of_another_cluster, only_tags, written


def empty(aws: Aws, manifest: Path) -> bool:
    """Return whether `missyou plan` finds nothing to do for a manifest."""
    stack = open_stack(placed(yaml.safe_load(manifest.read_text())), REGION, Accounts(Process(aws)))
    return plan.show(stack, "text") == Exit.OK


def settled(project: Project, tmp_path: Path) -> App:
    """Import; see an empty plan, and that the first passes set tags and nothing else."""
    before = last(project.aws)
    app = imported(project, tmp_path)
    assert {call.rpartition(":")[2] for call in written(project.aws, before)} <= _TAGGING
    assert empty(project.aws, tmp_path / "missyou.yaml")
    calls = changes(app.calls(app.settle))
    assert only_tags(calls), calls
    app.stays_in_sync()
    return app


def test_one_nat_gateway_in_the_second_zone(aws: Aws, tmp_path: Path) -> None:
    project = Project(aws, nats="b")
    app = settled(project, tmp_path)
    network = app.body["spec"]["network"]
    assert (network["natGateways"], network["availabilityZones"]) == (1, [f"{REGION}b", f"{REGION}a"])
    assert app.resource("ec2.NatGateway", "miss-you-app-nat-1")["id"] == project.nats[0]


def test_three_zones(aws: Aws, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = {tier: tuple(f"10.0.{base + zone}.0/24" for zone in range(3)) for tier, base in _BASES.items()}
    project = Project(aws, blocks)
    app = settled(project, tmp_path)
    out = capsys.readouterr().out
    assert project.subnets["app"][2] in out
    assert app.body["spec"]["network"]["availabilityZones"] == [f"{REGION}a", f"{REGION}b"]


_BASES = {"public": 0, "app": 10, "db": 20}


def test_a_sidecar_stays_until_the_next_version_and_is_told(
    aws: Aws, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Project(aws, sidecar=True)
    app = settled(project, tmp_path)
    out = capsys.readouterr().out
    assert "the tasks have a second container, xray (public.ecr.aws/xray/aws-xray-daemon:3.3.12)" in out
    assert app.body["spec"]["image"] == {"tag": "v1"}
    ecs = project.client("ecs")
    running = ecs.describe_services(cluster="miss-you-app-cluster", services=["miss-you-app-service"])["services"][0]
    assert running["taskDefinition"] == project.task_definition
    app.push("v2")
    app.edit(image={"tag": "v2"})
    app.settle()
    [container] = ecs.describe_task_definition(taskDefinition="miss-you-app-task")["taskDefinition"][
        "containerDefinitions"
    ]
    assert (container["name"], container["image"]) == ("miss-you-app", f"{project.repository}:v2")


def test_the_log_of_tasks_that_terraform_defined_is_found(aws: Aws, tmp_path: Path) -> None:
    app = settled(Project(aws), tmp_path)
    found = failing(app, "TasksFailing", exit=1, log=["KeyError: 'FEATURE_FLAGS'"])
    assert "KeyError: 'FEATURE_FLAGS'" in sources(found)["log"]
    [look] = [command for command in found.commands if command.startswith("aws logs tail")]
    assert "--log-stream-names ecs/miss-you-app/" in look


def test_a_change_of_the_spec_that_an_entry_swallows_is_told(
    aws: Aws, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = settled(Project(aws), tmp_path)
    app.edit(service={"env": {"GREETING": "hello"}})
    app.settle()
    [event] = [event for report in app.reports for event in report.events if event.reason == "ChangeIgnored"]
    assert event.message.startswith("the new spec changes nothing of ecs.TaskDefinition/miss-you-app-task:")
    assert "GREETING" in event.message
    assert "but for what spec.existing.ignoreDifferences leaves as it is: " in app.condition("InSync")["message"]
    manifest = tmp_path / "missyou.yaml"
    manifest.write_text(yaml.safe_dump(app.body))
    capsys.readouterr()
    assert empty(aws, manifest)
    told = [line for line in capsys.readouterr().out.splitlines() if "ecs.TaskDefinition/miss-you-app-task" in line]
    assert len(told) == 1
    assert told[0].startswith("(left as it is by spec.existing.ignoreDifferences: Update")
    assert "GREETING" in told[0]
    entries = app.body["spec"]["existing"]["ignoreDifferences"]
    rest = [each for each in entries if "ecs.TaskDefinition" not in each["resource"]]
    app.edit(existing={"ignoreDifferences": rest})
    app.settle()
    row = app.client("ecs").describe_task_definition(taskDefinition="miss-you-app-task")["taskDefinition"]
    assert {"name": "GREETING", "value": "hello"} in row["containerDefinitions"][0]["environment"]


def those_for_requests(app: App) -> list[dict[str, Any]]:
    """Return the records of the domain and of its certificate."""
    route53 = app.client("route53")
    [found] = route53.list_hosted_zones()["HostedZones"]
    rows = route53.list_resource_record_sets(HostedZoneId=found["Id"])["ResourceRecordSets"]
    return [row for row in rows if row["Type"] != "TXT"]


def test_a_former_stack_with_a_domain_comes_back_with_its_certificate(aws: Aws, tmp_path: Path) -> None:
    zone(aws, "example.org")
    app = App(aws, "heritage", environment="Development", domain={"name": "app.example.org"})
    app.settle()
    [certificate] = app.client("acm").list_certificates()["CertificateSummaryList"]
    body = left_behind(app, tmp_path / "missyou.yaml")
    assert body["spec"]["domain"] == {"name": "app.example.org"}
    back = of_another_cluster(aws, body)
    records = those_for_requests(back)
    calls = changes(back.calls(back.settle))
    # Records have no tags: the TXT record beside each names the owner.
    assert those_for_requests(back) == records
    assert {name.partition(":")[2] for name in calls} <= _TAGGING | {
        "ChangeResourceRecordSets",
        "AddTagsToCertificate",
    }, calls
    back.stays_in_sync()
    assert back.body["status"]["url"] == "https://app.example.org"
    assert [row["CertificateArn"] for row in back.client("acm").list_certificates()["CertificateSummaryList"]] == [
        certificate["CertificateArn"]
    ]
