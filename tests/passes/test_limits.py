"""Specs at the limits that are checked at apply: AWS takes them, and a settled stack is left alone."""

from __future__ import annotations

import pytest

from missyou_operator.api import aws_rules
from tests.sim.app import App, changes


def revisions(app: App) -> int:
    return len(app.client("ecs").list_task_definitions(familyPrefix=app.name)["taskDefinitionArns"])


def test_the_largest_environment_fits_a_task_definition(aws):
    frame = aws_rules.VARIABLE_FRAME + len("V000")
    env = {f"V{n:03}": "v" * (aws_rules.VARIABLES_SIZE_MAX // 40 - frame) for n in range(40)}
    app = App(aws, "heavy", environment="Development", service={"env": env})
    app.settle()
    assert app.condition("Ready")["status"] == "True"


def test_the_most_variables_fit_a_task_definition(aws):
    env = {f"V{n}": " " for n in range(aws_rules.VARIABLES_MAX)}
    app = App(aws, "many", environment="Development", service={"env": env})
    app.settle()
    assert (revisions(app), changes(app.calls(app.observe_now))) == (1, {})


@pytest.mark.parametrize(
    "env", [{"FLAG": ""}, {f"V{n}": "x" for n in range(99)}, {f"V{n}": "x" * 2000 for n in range(40)}]
)
def test_a_spec_from_before_a_rule_names_the_field_and_leaves_the_running_stack_alone(aws, env):
    """With FLAG, the operator once registered another revision in each pass: ECS drops what is empty."""
    app = App(aws, "former", environment="Development", service={"env": {"FLAG": "on"}})
    app.settle()
    app.edit(service={"env": env})
    assert changes(app.calls(lambda: app.passes(5))) == {}
    assert revisions(app) == 1
    assert app.condition("Stalled")["reason"] == "InvalidSpec"
    assert "spec.service.env: " in app.condition("Stalled")["message"]


def test_a_long_name_and_namespace_fit_tags_and_records(aws):
    name = "n" * aws_rules.APP_NAME_MAX
    app = App(aws, name, environment="Development", stackName="short", domain={"name": "app.example.com"})
    app.body["metadata"]["namespace"] = "s" * 63
    app.client("route53").create_hosted_zone(Name="example.com", CallerReference="limits")
    app.settle()
    assert app.condition("DomainReady")["status"] == "True"
    assert changes(app.calls(app.observe_now)) == {}
