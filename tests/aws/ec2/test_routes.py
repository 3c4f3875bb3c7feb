"""Route tables: what counts as a difference, and the calls that repair each."""

from __future__ import annotations

from typing import Any

import pytest

from missyou_operator.aws import clock
from missyou_operator.aws.ec2.routes import RouteTable
from missyou_operator.engine.resource import Observed
from tests.aws.fake import FakeEc2, aws_error, cloud_of, reader_of, row_tags, tags

LOCAL = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active", "Origin": "CreateRouteTable"}
PEERING = {"DestinationCidrBlock": "172.16.0.0/16", "VpcPeeringConnectionId": "pcx-1", "State": "active"}
DEFAULT = {"RouteTableId": "rtb-1", "DestinationCidrBlock": "0.0.0.0/0"}


def table(target: str | None = "nat-1", *subnets: str) -> RouteTable:
    return RouteTable(
        name="missyou-app-a",
        component="Network",
        tags=tags("missyou-app-a"),
        vpc_id="vpc-1",
        subnet_ids=subnets,
        default_target=target,
    )


def default_route(key: str, target: str, state: str = "active", **more: str) -> dict[str, str]:
    return {"DestinationCidrBlock": "0.0.0.0/0", key: target, "State": state, **more}


def association(subnet: str, state: str = "associated") -> dict[str, Any]:
    return {"SubnetId": subnet, "RouteTableAssociationId": f"rtbassoc-{subnet}", "AssociationState": {"State": state}}


def row(*routes: dict[str, str], associations: tuple[dict[str, Any], ...] = (), id_: str = "rtb-1") -> dict[str, Any]:
    return {
        "RouteTableId": id_,
        "VpcId": "vpc-1",
        "Routes": [LOCAL, *routes],
        "Associations": list(associations),
        "Tags": row_tags("missyou-app-a"),
    }


def read(found: dict[str, Any]) -> Observed:
    ec2 = FakeEc2(describe_route_tables={"RouteTables": [found]})
    [observed] = RouteTable.read(reader_of(cloud_of(ec2)))
    return observed


def differs(desired: RouteTable, observed: Observed) -> set[str]:
    return {change.field for change in desired.diff(observed)}


def test_an_untouched_table_is_as_desired_whatever_the_order() -> None:
    found = read(row(default_route("NatGatewayId", "nat-1"), associations=(association("s-2"), association("s-1"))))
    assert found.address == table().address
    assert not differs(table("nat-1", "s-1", "s-2"), found)
    assert not differs(table("nat-1", "s-2", "s-1"), found)


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        ((), None),
        ((PEERING,), None),
        ((default_route("GatewayId", "igw-1"),), "igw-1"),
        ((default_route("NatGatewayId", "nat-1"),), "nat-1"),
        ((default_route("NatGatewayId", "nat-1", "blackhole"),), "nat-1 (blackhole)"),
        ((default_route("NetworkInterfaceId", "eni-1", InstanceId="i-1"),), "i-1"),
        ((default_route("GatewayId", "vgw-1", Origin="EnableVgwRoutePropagation"),), None),
    ],
)
def test_the_default_route_is_read_as_its_target(routes: tuple[dict[str, str], ...], expected: str) -> None:
    assert read(row(*routes)).attrs["default_target"] == expected


def test_subnets_that_are_leaving_and_the_main_association_do_not_count() -> None:
    main = {"Main": True, "RouteTableAssociationId": "rtbassoc-main"}
    found = read(row(associations=(main, association("s-1"), association("s-2", "disassociating"))))
    assert found.attrs["subnet_ids"] == {"s-1"}


@pytest.mark.parametrize(
    ("target", "routes", "call", "arguments"),
    [
        ("nat-1", (), "create_route", {**DEFAULT, "NatGatewayId": "nat-1"}),
        ("igw-1", (), "create_route", {**DEFAULT, "GatewayId": "igw-1"}),
        ("nat-1", (default_route("NatGatewayId", "nat-2"),), "replace_route", {**DEFAULT, "NatGatewayId": "nat-1"}),
        (
            "nat-1",
            (default_route("NatGatewayId", "nat-1", "blackhole"),),
            "replace_route",
            {**DEFAULT, "NatGatewayId": "nat-1"},
        ),
        (None, (default_route("GatewayId", "igw-1"),), "delete_route", DEFAULT),
    ],
)
def test_each_wrong_default_route_takes_one_call(
    target: str | None, routes: tuple[dict[str, str], ...], call: str, arguments: dict[str, str]
) -> None:
    desired, found, ec2 = table(target), read(row(*routes)), FakeEc2()
    assert differs(desired, found) == {"default_target"}
    after = desired.update(cloud_of(ec2), found, frozenset({"default_target"}))
    assert ec2.calls == [(call, arguments)]
    assert not differs(desired, after)


def test_a_default_route_that_aws_had_not_shown_is_replaced() -> None:
    ec2 = FakeEc2(create_route=aws_error("RouteAlreadyExists"))
    table().update(cloud_of(ec2), read(row()), frozenset({"default_target"}))
    assert ec2.operations == ["create_route", "replace_route"]


def test_associations_become_exactly_the_desired_ones() -> None:
    found = read(row(associations=(association("s-1"), association("s-9"))))
    desired = table(None, "s-1", "s-2")
    assert differs(desired, found) == {"subnet_ids"}
    ec2 = FakeEc2(associate_route_table={"AssociationId": "rtbassoc-new"})
    after = desired.update(cloud_of(ec2), found, frozenset({"subnet_ids"}))
    assert ec2.calls == [
        ("disassociate_route_table", {"AssociationId": "rtbassoc-s-9"}),
        ("associate_route_table", {"RouteTableId": "rtb-1", "SubnetId": "s-2"}),
    ]
    assert after.attrs["associations"] == {"s-1": "rtbassoc-s-1", "s-2": "rtbassoc-new"}
    assert not differs(desired, after)


def test_a_subnet_of_another_table_is_moved_in_one_step() -> None:
    ec2 = FakeEc2(
        associate_route_table=aws_error("Resource.AlreadyAssociated"),
        describe_route_tables={"RouteTables": [row(associations=(association("s-1"),), id_="rtb-other")]},
        replace_route_table_association={"NewAssociationId": "rtbassoc-moved"},
    )
    after = table(None, "s-1").update(cloud_of(ec2), read(row()), frozenset({"subnet_ids"}))
    assert ec2.arguments("replace_route_table_association") == {
        "AssociationId": "rtbassoc-s-1",
        "RouteTableId": "rtb-1",
    }
    assert after.attrs["associations"] == {"s-1": "rtbassoc-moved"}


def test_an_association_that_is_already_ours_is_kept() -> None:
    ec2 = FakeEc2(
        associate_route_table=aws_error("Resource.AlreadyAssociated"),
        describe_route_tables={"RouteTables": [row(associations=(association("s-1"),))]},
    )
    after = table(None, "s-1").update(cloud_of(ec2), read(row()), frozenset({"subnet_ids"}))
    assert after.attrs["associations"] == {"s-1": "rtbassoc-s-1"}
    assert "replace_route_table_association" not in ec2.operations


def test_creating_takes_a_call_each_for_table_route_and_associations() -> None:
    created_row = {"RouteTable": {"RouteTableId": "rtb-1"}}
    ec2 = FakeEc2(create_route_table=created_row, associate_route_table={"AssociationId": "rtbassoc-1"})
    desired = table("igw-1", "s-1", "s-2")
    created = desired.create(cloud_of(ec2))
    assert ec2.operations == [
        "create_route_table",
        "create_route",
        "associate_route_table",
        "associate_route_table",
    ]
    assert not differs(desired, created)
    bare = FakeEc2(create_route_table=created_row)
    table(None).create(cloud_of(bare))
    assert bare.operations == ["create_route_table"]


def test_two_creations_of_one_table_share_a_token_for_some_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    def token_at(seconds: float) -> str:
        monkeypatch.setattr(clock, "CLOCK", clock.Clock(wall=lambda: seconds))
        ec2 = FakeEc2(create_route_table={"RouteTable": {"RouteTableId": "rtb-1"}})
        table(None).create(cloud_of(ec2))
        return str(ec2.arguments("create_route_table")["ClientToken"])

    assert token_at(300_000.0) == token_at(300_100.0)
    assert token_at(300_000.0) != token_at(300_900.0)


def test_deleting_disassociates_first_and_ignores_what_is_gone() -> None:
    found = read(row(associations=(association("s-1"),)))
    ec2 = FakeEc2(
        disassociate_route_table=aws_error("InvalidAssociationID.NotFound"),
        delete_route_table=aws_error("InvalidRouteTableID.NotFound"),
    )
    assert RouteTable.delete(cloud_of(ec2), found).status == "ready"
    assert ec2.operations == ["disassociate_route_table", "delete_route_table"]
