"""VPC endpoints: S3's gateway by default, interfaces when asked for; kept true, and gone when switched off."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sim.app import REGION, App, changes

INTERFACES = {f"com.amazonaws.{REGION}.{name}" for name in ("ecr.api", "ecr.dkr", "logs", "secretsmanager")}


@pytest.fixture(scope="module")
def app(aws) -> App:
    """A stack as it is by default."""
    app = App(aws, "ways", environment="Development")
    app.settle()
    return app


@pytest.fixture(scope="module")
def private(aws) -> App:
    """A stack with all endpoints."""
    app = App(aws, "ways2", environment="Development", network={"endpoints": {"interfaces": True}})
    app.settle()
    return app


def endpoints(app: App, kind: str) -> list[dict[str, Any]]:
    mine = [{"Name": "tag:missyou.app/stack", "Values": [f"default/{app.name}"]}]
    rows = app.client("ec2").describe_vpc_endpoints(Filters=mine)["VpcEndpoints"]
    return [row for row in rows if row["VpcEndpointType"] == kind and row["State"] != "deleting"]


def app_tables(app: App) -> set[str]:
    names = [{"Name": "tag:Name", "Values": [f"{app.name}-app-a", f"{app.name}-app-b"]}]
    return {table["RouteTableId"] for table in app.client("ec2").describe_route_tables(Filters=names)["RouteTables"]}


def test_s3_has_a_gateway_from_the_start(app):
    [gateway] = endpoints(app, "Gateway")
    assert gateway["ServiceName"] == f"com.amazonaws.{REGION}.s3"
    assert set(gateway["RouteTableIds"]) == app_tables(app)
    assert endpoints(app, "Interface") == []
    app.stays_in_sync()


def policy(app: App, service: str) -> dict[str, Any]:
    rows = [*endpoints(app, "Gateway"), *endpoints(app, "Interface")]
    [row] = [row for row in rows if row["ServiceName"] == f"com.amazonaws.{REGION}.{service}"]
    return dict(json.loads(row["PolicyDocument"]))


def test_each_allows_only_what_a_start_needs_from_its_first_moment(private):
    """tests/permissions/test_endpoint_policies.py tries to get more through them."""
    actions = {
        service: policy(private, service)["Statement"][0]["Action"]
        for service in ("s3", "ecr.api", "ecr.dkr", "logs", "secretsmanager")
    }
    pulling = [
        f"ecr:{name}"
        for name in ("BatchCheckLayerAvailability", "BatchGetImage", "GetAuthorizationToken", "GetDownloadUrlForLayer")
    ]
    assert actions == {
        "s3": ["s3:GetObject"],
        "ecr.api": pulling,
        "ecr.dkr": pulling,
        "logs": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "secretsmanager": ["secretsmanager:GetSecretValue"],
    }


def test_one_that_somebody_opens_is_closed_again_and_told_in_words(private):
    app = private
    for service in ("s3", "logs"):
        kind = "Gateway" if service == "s3" else "Interface"
        [row] = [each for each in endpoints(app, kind) if each["ServiceName"].endswith(f".{service}")]
        before = policy(app, service)
        app.client("ec2").modify_vpc_endpoint(VpcEndpointId=row["VpcEndpointId"], ResetPolicy=True)
        assert policy(app, service) != before
        app.observe_now()
        assert policy(app, service) == before
        assert "policy: Allow * by *" in str(app.body["status"]["drift"])


def test_s3_is_open_while_an_image_of_another_registry_runs(aws):
    given = {"repository": "registry.example.com/missyou"}
    app = App(aws, "ways3", environment="Development", image=given)
    app.settle()
    assert policy(app, "s3")["Statement"][0]["Action"] == "*"
    app.stays_in_sync()
    del app.body["spec"]["image"]
    app.edit()
    app.until(lambda _: app.reason("ServiceReady") == "ImageNotFound", "waiting for an image of its own")
    assert policy(app, "s3")["Statement"][0]["Action"] == "*"
    app.settle()
    assert policy(app, "s3")["Statement"][0]["Action"] == ["s3:GetObject"]
    app.stays_in_sync()


def test_a_table_that_lost_it_gets_it_back(app):
    [gateway] = endpoints(app, "Gateway")
    lost = min(gateway["RouteTableIds"])
    app.client("ec2").modify_vpc_endpoint(VpcEndpointId=gateway["VpcEndpointId"], RemoveRouteTableIds=[lost])
    assert changes(app.calls(app.observe_now)) == {"ec2:ModifyVpcEndpoint": 1}
    [again] = endpoints(app, "Gateway")
    assert (again["VpcEndpointId"], set(again["RouteTableIds"])) == (gateway["VpcEndpointId"], app_tables(app))


def test_interfaces_are_switched_on_without_touching_the_service(app):
    app.edit(network={"endpoints": {"s3": True, "interfaces": True}})
    calls = changes(app.calls(app.grow))
    assert {name for name in calls if not name.startswith("ec2:")} == set()
    found = endpoints(app, "Interface")
    assert {row["ServiceName"] for row in found} == INTERFACES
    assert all(row["PrivateDnsEnabled"] and len(row["SubnetIds"]) == 2 for row in found)
    [group] = {entry["GroupId"] for row in found for entry in row["Groups"]}
    rules = app.client("ec2").describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    ingress = [rule for rule in rules["SecurityGroupRules"] if not rule["IsEgress"]]
    assert [(rule["FromPort"], "GroupId" in rule["ReferencedGroupInfo"]) for rule in ingress] == [(443, True)]
    app.stays_in_sync()


def test_one_that_is_deleted_outside_is_made_again(private):
    app = private
    gone = endpoints(app, "Interface")[0]
    app.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[gone["VpcEndpointId"]])
    app.observe_now()
    app.until(lambda _: len(endpoints(app, "Interface")) == len(INTERFACES), "made again")
    assert gone["VpcEndpointId"] not in {row["VpcEndpointId"] for row in endpoints(app, "Interface")}
    app.grow()
    app.stays_in_sync()


def test_they_go_when_they_are_switched_off(private):
    app = private
    app.edit(network={"endpoints": {"s3": False, "interfaces": False}})
    app.grow()
    app.stays_in_sync()
    assert endpoints(app, "Interface") + endpoints(app, "Gateway") == []
    names = [{"Name": "tag:Name", "Values": [f"{app.name}-endpoints"]}]
    assert app.client("ec2").describe_security_groups(Filters=names)["SecurityGroups"] == []


def test_somebody_else_s_way_to_s3_is_told_and_left_alone(app):
    app.edit(network={"endpoints": {"s3": False, "interfaces": False}})
    app.grow()
    app.stays_in_sync()
    ec2 = app.client("ec2")
    [vpc] = {row["VpcId"] for row in ec2.describe_route_tables(RouteTableIds=sorted(app_tables(app)))["RouteTables"]}
    other = ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3", RouteTableIds=sorted(app_tables(app))
    )["VpcEndpoint"]["VpcEndpointId"]
    app.edit(network={"endpoints": {"s3": True, "interfaces": False}})
    app.until(lambda _: app.reason("Stalled") == "OwnedElsewhere", "told")
    assert f"com.amazonaws.{REGION}.s3" in app.condition("Stalled")["message"]
    ec2.delete_vpc_endpoints(VpcEndpointIds=[other])
    app.observe_now()
    app.grow()
    app.stays_in_sync()


def test_a_stack_with_all_of_them_is_deleted(private):
    app = private
    app.delete()
    rows = app.client("ec2").describe_vpc_endpoints(
        Filters=[{"Name": "tag:missyou.app/stack", "Values": ["default/ways2"]}]
    )
    assert rows["VpcEndpoints"] == []
    vpcs = app.client("ec2").describe_vpcs(Filters=[{"Name": "tag:missyou.app/stack", "Values": ["default/ways2"]}])
    assert vpcs["Vpcs"] == []
