"""Changes of spec: applied with the least disruption, and reported."""

from __future__ import annotations

import json

import pytest

from tests.sim.app import App, changes


@pytest.fixture(scope="module")
def production(aws) -> App:
    """A production stack."""
    app = App(aws, "prod", environment="Production")
    app.settle()
    return app


def alive_gateways(app: App) -> int:
    filters = [
        {"Name": "tag:missyou.app/stack", "Values": [f"default/{app.name}"]},
        {"Name": "state", "Values": ["available", "pending"]},
    ]
    return len(app.client("ec2").describe_nat_gateways(Filters=filters)["NatGateways"])


def database(app: App):
    [found] = app.client("rds").describe_db_instances(DBInstanceIdentifier=f"{app.name}-db")["DBInstances"]
    return found


def definition(app: App):
    return app.client("ecs").describe_task_definition(taskDefinition=app.name)["taskDefinition"]


def test_a_new_image_tag_waits_for_the_image_and_rolls_out(production):
    production.edit(image={"tag": "v2"})
    production.until(lambda _: production.reason("ServiceReady") == "ImageNotFound", "waiting for the image")
    assert "docker push" in production.condition("ServiceReady")["message"]
    calls = production.calls(production.grow)
    assert definition(production)["containerDefinitions"][0]["dockerLabels"] == {"missyou.app/tag": "v2"}
    assert production.body["status"]["image"] == "prod:v2"
    assert {"ecs:CreateService", "rds:ModifyDBInstance"}.isdisjoint(changes(calls))


def test_a_new_task_size_is_one_rollout(production):
    production.edit(service={"cpu": 1024, "memory": 2048})
    calls = changes(production.calls(production.grow))
    assert (definition(production)["cpu"], definition(production)["memory"]) == ("1024", "2048")
    assert all(name.startswith("ecs:") for name in calls)
    assert (calls["ecs:RegisterTaskDefinition"], calls["ecs:UpdateService"]) == (1, 1)


def test_nat_gateways_two_to_one_and_back(production):
    seen = len(production.aws.control.ledger.entries())
    production.edit(network={"natGateways": 1})
    production.grow()
    production.until(lambda _: production.condition("InSync")["status"] == "True", "in sync")
    # Never without a way out: the route leads elsewhere before its gateway goes.
    done = [entry["operation"] for entry in production.aws.control.ledger.entries()[seen:]]
    assert "ec2:DeleteRoute" not in done
    assert done.index("ec2:ReplaceRoute") < done.index("ec2:DeleteNatGateway")
    assert alive_gateways(production) == 1
    ec2 = production.client("ec2")
    mine = [{"Name": "tag:missyou.app/stack", "Values": [f"default/{production.name}"]}]
    assert len(ec2.describe_addresses(Filters=mine)["Addresses"]) == 1
    targets = {
        route["NatGatewayId"]
        for table in ec2.describe_route_tables(Filters=mine)["RouteTables"]
        for route in table["Routes"]
        if route.get("NatGatewayId")
    }
    assert len(targets) == 1
    seen = len(production.aws.control.ledger.entries())
    production.edit(network={"natGateways": 2})
    production.grow()
    assert alive_gateways(production) == 2
    done = [entry["operation"] for entry in production.aws.control.ledger.entries()[seen:]]
    # The test AWS refuses a route to a gateway that is not available yet: this one was.
    assert [name for name in done if "Route" in name and not name.startswith("ec2:Describe")] == ["ec2:ReplaceRoute"]


def test_storage_grows_in_place(production):
    production.edit(database={"storageGiB": 40})
    calls = changes(production.calls(production.grow))
    assert database(production)["AllocatedStorage"] == 40
    assert calls["rds:ModifyDBInstance"] == 1
    assert "rds:CreateDBInstance" not in calls


def test_an_alarm_threshold(production):
    production.edit(monitoring={"alarms": {"serviceCPUPercent": 60}})
    # The threshold is a line in the dashboard, too.
    assert changes(production.calls(production.grow)) == {"cloudwatch:PutMetricAlarm": 1, "cloudwatch:PutDashboard": 1}
    [alarm] = production.client("cloudwatch").describe_alarms(AlarmNames=["prod-ecs-cpu"])["MetricAlarms"]
    assert alarm["Threshold"] == 60.0


def test_tags_reach_what_exists(production):
    production.edit(tags={"team": "grief"})
    production.grow()
    arn = database(production)["DBInstanceArn"]
    tags = production.client("rds").list_tags_for_resource(ResourceName=arn)["TagList"]
    assert {"Key": "team", "Value": "grief"} in tags


def test_a_kubernetes_secret_reaches_aws_and_the_tasks_also_when_it_changes(production):
    app = production
    app.edit(secrets={"googleAPIKey": {"secretKeyRef": {"name": "gemini", "key": "api-key"}}})
    app.until(lambda _: app.reason("SecretsReady") == "SecretNotFound", "waiting for the Secret")
    assert "gemini" in app.condition("SecretsReady")["message"]
    assert app.condition("Stalled")["status"] == ""
    app.secrets["gemini"] = {"api-key": "first-value"}
    app.grow()
    read = app.client("secretsmanager").get_secret_value
    assert read(SecretId="prod/google_api_key")["SecretString"] == "first-value"
    revision = definition(app)["revision"]
    assert "GOOGLE_API_KEY" in {s["name"] for s in definition(app)["containerDefinitions"][0]["secrets"]}
    app.secrets["gemini"] = {"api-key": "second-value"}
    app.grow()
    assert read(SecretId="prod/google_api_key")["SecretString"] == "second-value"
    assert definition(app)["revision"] == revision + 1
    assert "drift" not in app.body["status"]
    told = json.dumps([report.status for report in app.reports])
    assert "first-value" not in told
    assert "second-value" not in told


def test_the_number_of_tasks_is_left_to_autoscaling(production):
    production.client("ecs").update_service(cluster="prod-cluster", service="prod-service", desiredCount=5)
    assert changes(production.calls(production.observe_now)) == {}
    assert production.condition("InSync")["status"] == "True"


def test_a_namespace_that_has_not_opted_in_is_told_how(aws):
    app = App(aws, "closed", environment="Development")

    class Closed(dict):
        def get(self, name, default=None):
            raise PermissionError("system:serviceaccount:tools:operator")

    app.secrets = Closed()
    app.edit(secrets={"googleAPIKey": {"secretKeyRef": {"name": "gemini", "key": "api-key"}}})
    app.until(lambda _: app.reason("SecretsReady") == "SecretForbidden", "told")
    role = "missyou-operator-gemini"
    assert (
        f"kubectl create role {role} -n default --verb=get --resource=secrets --resource-name=gemini && "
        f"kubectl create rolebinding {role} -n default --role={role} --serviceaccount=tools:operator"
    ) in app.condition("SecretsReady")["message"]
    app.secrets = {"gemini": {"api-key": "AIza-value"}}
    app.until(lambda _: app.reason("SecretsReady") in {"Available", "WaitingForDatabase"}, "opted in")
