"""What others have made under our names, without any tags, stays theirs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim.app import App

GROUPS = ("/ecs/homonym", "/aws/rds/instance/homonym-db/postgresql")


def groups(app: App) -> dict[str, Any]:
    """Return the retention of each log group, in days."""
    return {
        row["logGroupName"]: row.get("retentionInDays") for row in app.client("logs").describe_log_groups()["logGroups"]
    }


@pytest.mark.parametrize("name", GROUPS, ids=["tasks", "database"])
def test_the_log_group_of_another_team_keeps_its_logs(aws, name):
    app = App(aws, "homonym", environment="Development")
    logs = app.client("logs")
    logs.create_log_group(logGroupName=name)
    logs.put_retention_policy(logGroupName=name, retentionInDays=365)
    app.until(lambda _: app.reason("Stalled") == "PreflightFailed", "told")
    said = f"already in use by something without the tags of a stack: logs.LogGroup/{name} ({name})"
    assert said in app.condition("Stalled")["message"]
    app.passes(5)
    assert groups(app)[name] == 365
    app.delete()
    assert groups(app) == {name: 365}


def test_the_log_group_that_rds_makes_anew_for_our_database_is_ours(aws):
    app = App(aws, "homonym", environment="Development")
    app.settle()
    logs = app.client("logs")
    logs.delete_log_group(logGroupName=GROUPS[1])
    logs.create_log_group(logGroupName=GROUPS[1])
    app.observe_now()
    app.settle()
    assert groups(app)[GROUPS[1]] == 7
    app.delete()
    assert groups(app) == {}


def test_revisions_of_others_in_our_family_stay_registered(aws):
    app = App(aws, "homonym", environment="Development")
    app.settle()
    ecs = app.client("ecs")
    container = {"name": "theirs", "image": "registry.example.com/theirs:1", "essential": True}
    theirs = ecs.register_task_definition(
        family="homonym",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        containerDefinitions=[container],
    )["taskDefinition"]["taskDefinitionArn"]
    app.delete()
    assert ecs.list_task_definitions(familyPrefix="homonym", status="ACTIVE")["taskDefinitionArns"] == [theirs]

    # The next app of that name is told so, leaves it alone, and carries on when it is gone.
    following = App(aws, "homonym", environment="Development")
    following.until(lambda _: following.reason("Stalled") == "PreflightFailed", "told")
    said = f"already in use by something without the tags of a stack: ecs.TaskDefinition/homonym ({theirs})"
    assert said in following.condition("Stalled")["message"]
    following.passes(5)
    assert ecs.list_task_definitions(familyPrefix="homonym", status="ACTIVE")["taskDefinitionArns"] == [theirs]
    ecs.deregister_task_definition(taskDefinition=theirs)
    following.settle()
    [ours] = ecs.list_task_definitions(familyPrefix="homonym", status="ACTIVE")["taskDefinitionArns"]
    assert ours != theirs
