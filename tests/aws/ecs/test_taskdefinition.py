"""Task definitions: reading one back as declared, what causes a new revision, and which ones are kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from missyou_operator.aws.ecs.revisions import attributes, revision_of, split_image, split_secret
from missyou_operator.aws.ecs.taskdefinition import SPEC_TAG, TaskDefinition
from missyou_operator.engine.errors import NotYetError
from missyou_operator.engine.resource import Observed
from missyou_operator.engine.values import UNKNOWN
from tests.aws.fake import STACK, FakeEc2, aws_error, cloud_of, reader_of, row_tags, tags

SECRET = STACK.arn("secretsmanager", "secret:missyou/db_credentials-AbCdEf")


def arn(revision: int) -> str:
    return STACK.arn("ecs", f"task-definition/missyou:{revision}")


def definition(**changes: Any) -> TaskDefinition:
    fields: dict[str, Any] = {
        "cpu": 512,
        "memory": 1024,
        "execution_role_arn": "arn:aws:iam::123456789012:role/e",
        "task_role_arn": "arn:aws:iam::123456789012:role/t",
        "image_repository": "registry.example:5000/missyou/app",
        "image_tag": "v1",
        "port": 8000,
        "environment": {"PORT": "8000", "DEBUG": "false"},
        "secrets": {"DATABASE_URL": (SECRET, "DATABASE_URL"), "KEY": (SECRET, "")},
        "secret_versions": ("one", "two"),
        "log_group": "/ecs/missyou",
        "region": STACK.region,
    }
    return TaskDefinition(name="missyou", component="Service", tags=tags("missyou"), **fields | changes)


def described(desired: TaskDefinition, revision: int = 1) -> dict[str, Any]:
    """Return the answer of DescribeTaskDefinition, with what AWS adds."""
    request = desired.request()
    [container] = request.pop("containerDefinitions")
    extra = {"cpu": 0, "mountPoints": [], "volumesFrom": [], "systemControls": []}
    ports = [{**container["portMappings"][0], "hostPort": desired.port}]
    row = {
        **request,
        "taskDefinitionArn": arn(revision),
        "revision": revision,
        "status": "ACTIVE",
        "compatibilities": ["EC2", "FARGATE"],
        "placementConstraints": [],
        "containerDefinitions": [{**container, **extra, "portMappings": ports}],
    }
    return {"taskDefinition": row, "tags": row.pop("tags")}


def with_tags(rows: list[dict[str, str]]) -> dict[str, Any]:
    """Return an answer of DescribeTaskDefinition of a revision with these tags, given as EC2 spells them."""
    tags_ = [{"key": row["Key"], "value": row["Value"]} for row in rows]
    return {**described(definition()), "tags": tags_}


def observed(desired: TaskDefinition, revision: int = 1) -> Observed:
    client = FakeEc2(describe_task_definition=described(desired, revision))
    [found] = TaskDefinition.read(reader_of(cloud_of(client)))
    return found


def fields(desired: TaskDefinition, found: Observed) -> list[str]:
    return [change.field for change in desired.diff(found)]


def test_what_was_registered_reads_back_without_a_difference() -> None:
    found = observed(definition())
    assert fields(definition(), found) == []
    assert found.owned
    assert (found.id, found.attrs["revision"]) == (arn(1), 1)
    assert found.attrs["image"] == "registry.example:5000/missyou/app:v1"


@pytest.mark.parametrize(
    "change",
    [
        {"cpu": 1024},
        {"image_tag": "v2"},
        {"image_tag": "sha256:" + "0" * 64},
        {"environment": {"PORT": "8000"}},
        {"secrets": {"KEY": (SECRET, "other")}},
        {"secret_versions": ("one", "three")},
        {"log_group": "/ecs/else"},
    ],
)
def test_each_change_is_named_alone(change: dict[str, Any]) -> None:
    assert fields(definition(**change), observed(definition())) == list(change)


def test_a_foreign_revision_does_not_hide_ours() -> None:
    foreign = {**described(definition(cpu=1024), 3), "tags": []}
    answers = {"missyou": foreign, arn(3): foreign, arn(2): described(definition(), 2)}
    client = FakeEc2(
        describe_task_definition=lambda **arguments: answers[arguments["taskDefinition"]],
        list_task_definitions={"taskDefinitionArns": [arn(3), arn(2)]},
    )
    [found] = TaskDefinition.read(reader_of(cloud_of(client)))
    assert (found.id, found.owned) == (arn(2), True)


def test_a_family_without_a_revision_of_ours_is_foreign() -> None:
    foreign = {**described(definition(), 3), "tags": []}
    client = FakeEc2(describe_task_definition=foreign, list_task_definitions={"taskDefinitionArns": [arn(3)]})
    [found] = TaskDefinition.read(reader_of(cloud_of(client)))
    assert (found.id, found.owned) == (arn(3), False)


def test_a_plan_is_possible_before_the_roles_exist() -> None:
    desired = definition(task_role_arn=UNKNOWN, secrets={"KEY": (UNKNOWN, "k")})
    assert fields(desired, observed(definition())) == ["task_role_arn", "secrets"]


def test_secrets_are_handed_over_by_reference() -> None:
    [container] = definition().request()["containerDefinitions"]
    assert container["secrets"] == [
        {"name": "DATABASE_URL", "valueFrom": f"{SECRET}:DATABASE_URL::"},
        {"name": "KEY", "valueFrom": SECRET},
    ]


def test_a_digest_is_joined_with_an_at() -> None:
    assert definition(image_tag="sha256:abc").image == "registry.example:5000/missyou/app@sha256:abc"


@given(
    st.from_regex(r"([a-z]{1,5}(:[0-9]{2,4})?/)?[a-z]{1,8}(/[a-z]{1,8})?", fullmatch=True),
    st.one_of(st.from_regex(r"[a-zA-Z0-9_.-]{1,12}", fullmatch=True), st.just("sha256:" + "a" * 64)),
)
def test_an_image_is_split_as_it_was_joined(repository: str, tag: str) -> None:
    assert split_image(definition(image_repository=repository, image_tag=tag).image) == (repository, tag)


def test_an_image_without_a_tag_and_other_oddities() -> None:
    assert split_image("host:5000/app") == ("host:5000/app", "")
    assert split_image("") == ("", "")
    assert split_secret("arn:aws:ssm:eu:1:parameter/x") == ("arn:aws:ssm:eu:1:parameter/x", "")
    assert attributes({"taskDefinitionArn": arn(3)})["port"] is None
    assert (revision_of(arn(12)), revision_of("")) == (12, 0)


def test_a_family_without_a_revision_is_absent_and_other_errors_are_not() -> None:
    absent = FakeEc2(describe_task_definition=aws_error("ClientException", "Unable to describe task definition."))
    assert TaskDefinition.read(reader_of(cloud_of(absent))) == []
    denied = FakeEc2(describe_task_definition=aws_error("AccessDeniedException"))
    with pytest.raises(Exception, match="AccessDenied"):
        TaskDefinition.read(reader_of(cloud_of(denied)))


def registering(revision: int, **answers: Any) -> FakeEc2:
    return FakeEc2(register_task_definition={"taskDefinition": {"taskDefinitionArn": arn(revision)}}, **answers)


def test_creating_is_one_call_with_the_tags_in_it() -> None:
    client = registering(1)
    created = definition().create(cloud_of(client))
    assert client.operations == ["register_task_definition"]
    sent = {tag["key"]: tag["value"] for tag in client.arguments("register_task_definition")["tags"]}
    assert sent == {**tags("missyou"), SPEC_TAG: definition().spec_hash()} == created.tags
    assert fields(definition(), created) == []


def test_a_role_that_is_not_known_yet_is_waited_for() -> None:
    client = FakeEc2(register_task_definition=aws_error("ClientException", "Role is not valid"))
    with pytest.raises(NotYetError):
        definition().create(cloud_of(client))


def test_updating_registers_the_next_revision_and_changes_the_arn() -> None:
    desired, client = definition(cpu=1024), registering(2)
    after = desired.update(cloud_of(client), observed(definition()), frozenset({"cpu"}))
    assert client.operations == ["register_task_definition"]
    assert (after.id, after.attrs["arn"], after.attrs["cpu"]) == (arn(2), arn(2), 1024)
    assert fields(desired, after) == []


def test_tags_alone_are_set_on_the_current_revision() -> None:
    desired = replace(definition(), tags={**tags("missyou"), "team": "web"})
    client = FakeEc2()
    after = desired.update(cloud_of(client), observed(definition()), frozenset({"tags"}))
    assert client.operations == ["tag_resource"]
    assert after.id == arn(1)
    assert fields(desired, after) == []


def test_the_sixth_newest_revision_is_retired() -> None:
    running = {"services": [{"deployments": [{"taskDefinition": arn(8)}]}]}
    client = registering(9, describe_services=running, describe_task_definition=described(definition(), 4))
    definition(cpu=1024).update(cloud_of(client), observed(definition(), 8), frozenset({"cpu"}))
    assert client.arguments("describe_task_definition") == {"taskDefinition": arn(4), "include": ["TAGS"]}
    assert client.arguments("deregister_task_definition") == {"taskDefinition": arn(4)}


@pytest.mark.parametrize("others", [[], row_tags("missyou", replace(STACK, uid="another-uid"))])
def test_a_revision_of_others_is_never_retired(others: list[dict[str, str]]) -> None:
    running = {"services": [{"deployments": [{"taskDefinition": arn(8)}]}]}
    client = registering(9, describe_services=running, describe_task_definition=with_tags(others))
    definition(cpu=1024).update(cloud_of(client), observed(definition(), 8), frozenset({"cpu"}))
    assert client.arguments("describe_task_definition")["taskDefinition"] == arn(4)
    assert "deregister_task_definition" not in client.operations


def test_a_revision_that_runs_is_never_retired() -> None:
    running = {"services": [{"deployments": [{"taskDefinition": arn(9)}, {"taskDefinition": arn(4)}]}]}
    client = registering(9, describe_services=running)
    definition(cpu=1024).update(cloud_of(client), observed(definition(), 8), frozenset({"cpu"}))
    assert "deregister_task_definition" not in client.operations


def test_housekeeping_that_fails_does_not_undo_the_update() -> None:
    client = registering(9, describe_services=aws_error("ThrottlingException"))
    after = definition(cpu=1024).update(cloud_of(client), observed(definition(), 8), frozenset({"cpu"}))
    assert after.id == arn(9)


def test_deleting_deregisters_all_our_revisions_of_exactly_this_family() -> None:
    another_family = STACK.arn("ecs", "task-definition/missyou-too:1")
    ours = row_tags("missyou")
    revisions = {
        arn(1): ours,
        another_family: ours,
        arn(2): ours,
        arn(3): [],
        arn(4): row_tags("missyou", replace(STACK, uid="another-uid")),
    }
    client = FakeEc2(
        list_task_definitions={"taskDefinitionArns": list(revisions)},
        describe_task_definition=lambda **asked: with_tags(revisions[asked["taskDefinition"]]),
    )
    assert TaskDefinition.delete(cloud_of(client), observed(definition())).status == "ready"
    gone = [each["taskDefinition"] for operation, each in client.calls if operation == "deregister_task_definition"]
    assert gone == [arn(1), arn(2)]
