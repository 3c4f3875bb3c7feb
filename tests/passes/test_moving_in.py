"""An app that Terraform made moves in: nothing of it changes, and from then on it is a stack like any other."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from missyou_operator.aws.session import Accounts
from missyou_operator.cli import plan
from missyou_operator.cli.exits import Exit, Failure
from missyou_operator.cli.importing import command
from missyou_operator.cli.offline import open_stack, placed
from tests.sim.app import App, changes
from tests.sim.aws import REGION, Aws
from tests.sim.process import Killed, Process
from tests.sim.terraform import FIREBASE_KEY, GEMINI_KEY, PASSWORD, Project

NAME = "miss-you-app"
_TAGGING = {"CreateTags", "AddTags", "AddTagsToResource", "TagResource", "TagRole"}


@pytest.fixture(scope="module")
def project(aws: Aws) -> Project:
    """The old project, applied."""
    return Project(aws)


def run(aws: Aws, *arguments: str) -> None:
    """Run `missyou import` on a simulated AWS."""
    command.run(parsed(*arguments), Accounts(Process(aws)), Accounts(Process(aws)))


def parsed(*arguments: str) -> Namespace:
    parser = ArgumentParser()
    command.add_to(parser.add_subparsers())
    return parser.parse_args(["import", "--region", REGION, *arguments])


def imported(project: Project, tmp_path: Path, *arguments: str) -> App:
    """Import the project from its state; return the app whose manifest this has written."""
    state, manifest = tmp_path / "terraform.tfstate", tmp_path / "missyou.yaml"
    state.write_text(json.dumps(project.state()))
    run(project.aws, "--tfstate", str(state), "-f", str(manifest), "--yes", *arguments)
    return applied(project.aws, yaml.safe_load(manifest.read_text()))


def applied(aws: Aws, body: Mapping[str, Any]) -> App:
    app = App(aws, body["metadata"]["name"], **body["spec"])
    app.body["metadata"]["annotations"] |= body["metadata"]["annotations"]
    return app


def written(aws: Aws, number: int) -> list[str]:
    """Return the calls since the ledger's entry of a number that are no reads."""
    reads = ("Describe", "List", "Get", "BatchGet", "AssumeRole")
    entries = aws.control.ledger.entries(since=number)
    return [entry["operation"] for entry in entries if not entry["operation"].rpartition(":")[2].startswith(reads)]


def last(aws: Aws) -> int:
    return max((entry["number"] for entry in aws.control.ledger.entries()), default=0)


def only_tags(calls: Mapping[str, int]) -> bool:
    return {name.partition(":")[2] for name in calls} <= _TAGGING


def moved_in(project: Project, tmp_path: Path) -> App:
    app = imported(project, tmp_path)
    app.settle()
    return app


def identity(app: App) -> dict[str, str]:
    """Return the IDs of what cannot be made anew without the app losing something, or being away."""
    lasting = {"rds.DBInstance", "ec2.Vpc", "ec2.Subnet", "ecr.Repository", "secretsmanager.Secret", "ecs.Service"}
    lasting |= {"elbv2.LoadBalancer", "elbv2.TargetGroup", "ec2.NatGateway", "ec2.Address", "ecs.Cluster", "iam.Role"}
    rows = app.body["status"]["resources"]
    return {f"{row['type']}/{row['name']}": row["id"] for row in rows if row["type"] in lasting}


def password(project: Project) -> str:
    answer = project.client("secretsmanager").get_secret_value(SecretId=project.secrets["db_credentials"])
    return str(json.loads(answer["SecretString"])["password"])


def test_an_import_and_the_first_passes_set_tags_and_nothing_else(project: Project, tmp_path: Path) -> None:
    aws, before = project.aws, last(project.aws)
    app = imported(project, tmp_path)
    assert {call.rpartition(":")[2] for call in written(aws, before)} == _TAGGING
    stack = open_stack(placed(yaml.safe_load((tmp_path / "missyou.yaml").read_text())), REGION, Accounts(Process(aws)))
    assert plan.show(stack, "text") == Exit.OK
    ignored = app.body["spec"]["existing"]["ignoreDifferences"]
    # Its password is the one that it has.
    assert [each["fields"] for each in ignored if each["resource"] == f"rds.DBInstance/{project.database}"] == [
        ["parameter_group", "storage_type"]
    ]
    first = changes(app.calls(app.one_pass))
    assert only_tags(first), first
    assert left_to_do(app) == []
    app.settle()
    assert app.body["status"]["lastTakeOver"]
    app.stays_in_sync()
    ids = identity(app)
    assert ids[f"rds.DBInstance/{project.database}"] == project.database
    assert ids["ec2.Vpc/miss-you-app-vpc"] == project.vpc
    assert {id_ for name, id_ in ids.items() if name.startswith("ec2.Subnet")} == {
        id_ for tier in project.subnets.values() for id_ in tier
    }


def left_to_do(app: App) -> list[Any]:
    return list((app.body["status"].get("plan") or {}).get("changes", []))


def test_the_next_version_rolls_out_at_once(project: Project, tmp_path: Path) -> None:
    app, before = moved_in(project, tmp_path), last(project.aws)
    app.push("v2")
    app.edit(image={"tag": "v2"})
    app.settle()
    calls = [call for call in written(project.aws, before) if call != "ecr:PutImage"]
    assert calls == ["ecs:RegisterTaskDefinition", "ecs:UpdateService", "ecs:TagResource"]
    [container] = project.client("ecs").describe_task_definition(taskDefinition=f"{NAME}-task")["taskDefinition"][
        "containerDefinitions"
    ]
    assert (container["name"], container["image"]) == (NAME, f"{project.repository}:v2")


def test_what_differs_is_brought_in_line_entry_by_entry(project: Project, tmp_path: Path) -> None:
    app = moved_in(project, tmp_path)
    before, ids = last(project.aws), identity(app)
    entries = app.body["spec"]["existing"]["ignoreDifferences"]
    rest = [each for each in entries if each["resource"] != f"rds.DBInstance/{project.database}"]
    assert len(rest) == len(entries) - 1
    rest = [each for each in rest if not each["resource"].startswith("rds.DBParameterGroup")]
    app.edit(existing={"ignoreDifferences": rest})
    app.settle()
    assert written(project.aws, before) == [
        "rds:CreateDBParameterGroup",
        "rds:ModifyDBParameterGroup",
        "rds:ModifyDBInstance",
    ]
    app.edit(existing={"ignoreDifferences": None})
    app.settle()
    app.stays_in_sync()
    after = identity(app)
    assert {name: after[name] for name in ids} == ids
    assert password(project) == PASSWORD
    assert not [call for call in written(project.aws, before) if "Delete" in call and "DeleteRolePolicy" not in call]


def test_deleting_it_leaves_everything_until_the_policy_says_delete(project: Project, tmp_path: Path) -> None:
    app = moved_in(project, tmp_path)
    undone = App(project.aws, NAME, **app.body["spec"])
    before, seen = last(project.aws), app.everything()
    assert app.delete() == 1
    assert written(project.aws, before) == []
    undone.body["metadata"]["annotations"]["missyou.app/take-over"] = "true"
    assert undone.everything() == seen
    undone.settle()
    undone.edit(deletionPolicy="Delete")
    undone.delete()
    assert project.client("rds").describe_db_instances()["DBInstances"] == []
    assert [row["VpcId"] for row in project.client("ec2").describe_vpcs()["Vpcs"] if row["VpcId"] == project.vpc] == []


def test_other_blocks_move_in_without_a_state(aws: Aws, tmp_path: Path) -> None:
    blocks = {
        "public": ("10.0.1.0/24", "10.0.2.0/24"),
        "app": ("10.0.64.0/20", "10.0.80.0/20"),
        "db": ("10.0.5.0/26", "10.0.5.64/26"),
    }
    project, file = Project(aws, blocks, name="shop"), tmp_path / "shop.yaml"
    run(aws, "--vpc", project.vpc, "-n", "default", "-f", str(file), "--yes")
    app = applied(aws, yaml.safe_load(file.read_text()))
    assert app.body["spec"]["existing"]["subnets"]["database"] == ["10.0.5.0/26", "10.0.5.64/26"]
    calls = changes(app.calls(app.settle))
    assert only_tags(calls), calls
    app.stays_in_sync()


def test_https_stays_terraforms_until_the_spec_names_the_domain(project: Project, tmp_path: Path) -> None:
    theirs = project.serve_https("app.example.com")
    app, before = imported(project, tmp_path), last(project.aws)
    app.settle()
    assert {call.rpartition(":")[2] for call in written(project.aws, before)} <= _TAGGING
    app.edit(domain={"name": "app.example.com"})
    app.settle()
    assert certificates(project) == [theirs]
    entries = app.body["spec"]["existing"]["ignoreDifferences"]
    app.edit(existing={"ignoreDifferences": [each for each in entries if "elbv2.Listener" not in each["resource"]]})
    before = last(project.aws)
    app.settle()
    assert written(project.aws, before) == ["elbv2:ModifyListener"]
    assert certificates(project) != [theirs]
    assert app.body["status"]["url"] == "https://app.example.com"


def certificates(project: Project) -> list[str]:
    """Return the certificates that the load balancer serves."""
    rows = project.client("elbv2").describe_listeners(LoadBalancerArn=project.balancer)["Listeners"]
    return [each["CertificateArn"] for row in rows for each in row.get("Certificates", ())]


def test_no_secret_of_the_state_or_of_aws_is_shown(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = moved_in(project, tmp_path)
    shown = capsys.readouterr()
    texts = [shown.out, shown.err, (tmp_path / "missyou.yaml").read_text(), json.dumps(app.body)]
    texts += [json.dumps(run_failing(project, tmp_path, json.dumps(project.state())[:-5])[1])]
    for secret in (PASSWORD, GEMINI_KEY, FIREBASE_KEY):
        assert secret in json.dumps(project.state())
        assert not [text for text in texts if secret in text]


def run_failing(project: Project, tmp_path: Path, state: str, *arguments: str) -> tuple[int, str]:
    """Import a state that cannot be imported; return the exit code and what it says. Nothing may have been changed."""
    file, before = tmp_path / "other.tfstate", last(project.aws)
    file.write_text(state)
    with pytest.raises(Failure) as failure:
        run(project.aws, "--tfstate", str(file), "-f", str(tmp_path / "other.yaml"), "--yes", *arguments)
    assert written(project.aws, before) == []
    assert not (tmp_path / "other.yaml").exists()
    return failure.value.code, str(failure.value)


def test_a_dry_run_shows_everything_and_changes_nothing(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "terraform.tfstate").write_text(json.dumps(project.state()))
    before, file = last(project.aws), tmp_path / "missyou.yaml"
    run(project.aws, "--tfstate", str(tmp_path / "terraform.tfstate"), "-f", str(file), "--dry-run")
    assert written(project.aws, before) == []
    assert not file.exists()
    out = capsys.readouterr().out
    commands = {line.strip() for line in out.splitlines() if line.strip().startswith("terraform state rm ")}
    assert "terraform state rm 'module.network.aws_subnet.public[0]'" in commands
    assert len(commands) == sum(len(block["instances"]) for block in project.resources)
    shown = yaml.safe_load(out.partition(f"--- {file}")[2])
    run(project.aws, "--tfstate", str(tmp_path / "terraform.tfstate"), "-f", str(file), "--yes")
    assert yaml.safe_load(file.read_text()) == shown
    assert f"rds.DBInstance  {project.database}" in " ".join(out.split()).replace(" ", "  ")


def test_what_a_stack_has_nothing_like_stays_with_terraform(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project.keep("aws_sqs_queue.jobs", {"id": "https://sqs/jobs", "arn": "arn:aws:sqs:us-east-1:123456789012:jobs"})
    project.keep("aws_subnet.public", {"id": "subnet-of-nobody", "vpc_id": project.vpc}, module="module.network")
    imported(project, tmp_path, "--forget", "removed")
    out = capsys.readouterr().out
    kept = out.partition("Stays with Terraform")[2]
    assert "aws_sqs_queue.jobs" in kept
    assert "module.network.aws_subnet.public\n" in kept
    # A block would make Terraform forget all of its instances.
    assert "from = module.network.aws_subnet.public\n" not in out
    assert "# terraform state rm 'module.network.aws_subnet.public[0]'" in out
    assert "from = module.network.aws_vpc.main\n" in out


def test_what_cannot_be_imported_is_refused_with_the_remedy(project: Project, tmp_path: Path) -> None:
    state = project.state()

    def refused(text: str, *arguments: str) -> str:
        return run_failing(project, tmp_path, text, *arguments)[1]

    assert "terraform state pull" in refused("no state")
    assert "version 4" in refused(json.dumps({**state, "version": 3}))
    assert "right workspace" in refused(json.dumps({**state, "resources": []}))
    assert "tofu state pull" in refused(json.dumps({"encrypted_data": "x", "serial": 1}))
    elsewhere = json.dumps(state).replace("123456789012", "210987654321")
    assert "210987654321, and your credentials are of 123456789012" in refused(elsewhere)
    gone = json.dumps(state).replace(project.vpc, "vpc-00000000")
    assert "there is no VPC vpc-00000000 in us-east-1" in refused(gone)


def test_what_is_gone_is_named(project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project.keep("aws_security_group.old", {"id": "sg-00000000", "name": "old"})
    imported(project, tmp_path)
    assert "aws_security_group.old is in the state, and AWS has no sg-00000000" in capsys.readouterr().out


def test_a_secret_without_the_password_is_an_obstacle(aws: Aws, tmp_path: Path, capsys: Any) -> None:
    project = Project(aws, name="other", key="pass")
    code, said = run_failing(project, tmp_path, json.dumps(project.state()))
    assert (code, said.partition(":")[0]) == (Exit.STALLED, "nothing has been changed")
    assert "aws secretsmanager put-secret-value" in capsys.readouterr().out


def test_an_interrupted_import_is_continued(project: Project, tmp_path: Path) -> None:
    calls: list[str] = []

    def ends(when: str, call: str) -> None:
        calls.append(call)
        if len(calls) > 25:
            raise Killed

    (tmp_path / "terraform.tfstate").write_text(json.dumps(project.state()))
    options = parsed("--tfstate", str(tmp_path / "terraform.tfstate"), "-f", str(tmp_path / "missyou.yaml"), "--yes")
    with pytest.raises(Killed):
        command.run(options, Accounts(Process(project.aws)), Accounts(Process(project.aws, ends)))
    before = last(project.aws)
    app = imported(project, tmp_path)
    assert {call.rpartition(":")[2] for call in written(project.aws, before)} <= _TAGGING
    calls_of_passes = changes(app.calls(app.settle))
    assert only_tags(calls_of_passes)
    app.stays_in_sync()


def test_two_people_do_not_import_the_same(project: Project, tmp_path: Path) -> None:
    imported(project, tmp_path)
    code, said = run_failing(project, tmp_path, json.dumps(project.state()), "--name", "mine")
    assert code == Exit.USAGE
    assert f"rds.DBInstance/{project.database} ({project.database}) belongs to MissYouApp default/{NAME}" in said
    app = moved_in(project, tmp_path)
    assert "missyou import --stack" in run_failing(project, tmp_path, json.dumps(project.state()))[1]
    app.stays_in_sync()


def test_whoever_loses_a_race_is_told(project: Project, tmp_path: Path) -> None:
    def overtaken(when: str, call: str) -> None:
        if (when, call) == ("after", "ecs:TagResource"):
            tags = [{"Key": "missyou.app/stack", "Value": "default/mine"}]
            project.client("ec2").create_tags(Resources=[project.vpc], Tags=tags)

    (tmp_path / "terraform.tfstate").write_text(json.dumps(project.state()))
    options = parsed("--tfstate", str(tmp_path / "terraform.tfstate"), "-f", str(tmp_path / "missyou.yaml"), "--yes")
    with pytest.raises(Failure, match="somebody else has imported the same meanwhile: MissYouApp default/mine"):
        command.run(options, Accounts(Process(project.aws)), Accounts(Process(project.aws, overtaken)))


def left_behind(app: App, file: Path) -> dict[str, Any]:
    """Delete an app that retains its stack; return the manifest that an import by its tags writes."""
    app.edit(deletionPolicy="Retain")
    assert app.delete() == 1
    before = last(app.aws)
    run(app.aws, "--stack", f"default/{app.name}", "-f", str(file))
    assert written(app.aws, before) == []
    body: dict[str, Any] = yaml.safe_load(file.read_text())
    assert body["spec"].get("existing", {}) == {}
    return body


def of_another_cluster(aws: Aws, body: dict[str, Any]) -> App:
    """Apply a manifest in a cluster that has never seen the app."""
    back = applied(aws, body)
    back.body["metadata"]["uid"], back.cluster = "uid-of-the-next", "rebuilt-cluster"
    back.restart()
    return back


CANARY = {"strategy": "Canary", "bakeMinutes": 3, "canaryPercent": 20, "stepMinutes": 4}


def test_a_retained_stack_comes_back_by_its_tags(aws: Aws, tmp_path: Path) -> None:
    app = App(
        aws,
        "heritage",
        stackName="shop",
        environment="Development",
        tags={"team": "letters"},
        loadBalancer={"accessLogs": {"enabled": True}},
        network={"endpoints": {"interfaces": True}, "flowLogs": {"enabled": True}},
        monitoring={"notifications": {"emails": ["a@example.com"]}, "dashboard": True},
        service={"envFrom": {"TOKEN": {"name": "mail", "key": "value"}}, "deployment": CANARY},
        waf={"enabled": True},
    )
    app.secrets["mail"] = {"value": "of-the-postman"}
    app.settle()
    body = left_behind(app, tmp_path / "missyou.yaml")
    assert body["metadata"]["name"] == "heritage"
    assert body["spec"]["service"]["deployment"] == CANARY
    back = of_another_cluster(aws, body)
    back.secrets["mail"] = {"value": "of-the-postman"}
    calls = changes(back.calls(back.settle))
    assert {name.partition(":")[2] for name in calls} <= _TAGGING | {"PutBucketTagging"}, calls
    back.stays_in_sync()
