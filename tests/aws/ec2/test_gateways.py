"""Internet gateways, addresses and NAT gateways: rows, health, tokens, and the errors of each step."""

from __future__ import annotations

from typing import Any

import pytest

from missyou_operator.aws.ec2.gateways import Address, InternetGateway, NatGateway
from missyou_operator.engine.errors import RefusedError
from missyou_operator.engine.resource import Observed
from tests.aws.fake import STACK, FakeEc2, aws_error, cloud_of, reader_of, row_tags, tags

IGW = InternetGateway(name="missyou-igw", component="Network", tags=tags("missyou-igw"), vpc_id="vpc-1")
EIP = Address(name="missyou-nat-a", component="Network", tags=tags("missyou-nat-a"))
NAT = NatGateway(
    name="missyou-nat-a",
    component="Network",
    tags=tags("missyou-nat-a"),
    subnet_id="subnet-1",
    allocation_id="eipalloc-1",
)


def igw_row(*attachments: tuple[str, str], id_: str = "igw-1") -> dict[str, Any]:
    found = [{"VpcId": vpc, "State": state} for vpc, state in attachments]
    return {"InternetGatewayId": id_, "Attachments": found, "Tags": row_tags("missyou-igw")}


def read_igw(*attachments: tuple[str, str]) -> Observed:
    ec2 = FakeEc2(describe_internet_gateways={"InternetGateways": [igw_row(*attachments)]})
    [found] = InternetGateway.read(reader_of(cloud_of(ec2)))
    return found


def test_an_attached_gateway_is_as_desired() -> None:
    found = read_igw(("vpc-1", "available"))
    assert found.address == IGW.address
    assert IGW.diff(found) == ()
    assert IGW.health(found).status == "ready"


@pytest.mark.parametrize("attachments", [(), (("vpc-1", "detaching"),)])
def test_a_gateway_left_unattached_by_a_crash_is_attached(attachments: tuple[tuple[str, str], ...]) -> None:
    found = read_igw(*attachments)
    assert [change.field for change in IGW.diff(found)] == ["vpc_id"]
    assert IGW.health(found).status == "pending"
    ec2 = FakeEc2()
    after = IGW.update(cloud_of(ec2), found, frozenset({"vpc_id"}))
    assert ec2.calls == [("attach_internet_gateway", {"InternetGatewayId": "igw-1", "VpcId": "vpc-1"})]
    assert IGW.diff(after) == ()


def test_a_gateway_at_another_vpc_is_moved() -> None:
    ec2 = FakeEc2()
    IGW.update(cloud_of(ec2), read_igw(("vpc-old", "available")), frozenset({"vpc_id"}))
    assert ec2.operations == ["detach_internet_gateway", "attach_internet_gateway"]
    assert ec2.arguments("detach_internet_gateway")["VpcId"] == "vpc-old"


def test_creating_survives_a_vpc_that_aws_does_not_show_yet() -> None:
    ec2 = FakeEc2(
        create_internet_gateway={"InternetGateway": {"InternetGatewayId": "igw-1"}},
        attach_internet_gateway=aws_error("InvalidVpcID.NotFound"),
    )
    created = IGW.create(cloud_of(ec2))
    assert created.id == "igw-1"
    assert IGW.health(created).status == "pending"
    assert [change.field for change in IGW.diff(created)] == ["vpc_id"]


def test_attaching_twice_is_success_only_for_the_same_two() -> None:
    found = read_igw()
    same = aws_error("Resource.AlreadyAssociated", "resource igw-1 is already attached to network vpc-1")
    IGW.update(cloud_of(FakeEc2(attach_internet_gateway=same)), found, frozenset({"vpc_id"}))
    other = aws_error("InvalidParameterValue", "Network vpc-1 already has an internet gateway attached")
    with pytest.raises(RefusedError, match="detach the foreign one"):
        IGW.update(cloud_of(FakeEc2(attach_internet_gateway=other)), found, frozenset({"vpc_id"}))


def test_deleting_detaches_first_and_waits_for_public_addresses() -> None:
    found = read_igw(("vpc-1", "available"))
    ec2 = FakeEc2(detach_internet_gateway=aws_error("Gateway.NotAttached"))
    assert InternetGateway.delete(cloud_of(ec2), found).status == "ready"
    assert ec2.operations[-2:] == ["detach_internet_gateway", "delete_internet_gateway"]

    nat = {"NetworkInterfaceId": "eni-1", "Description": "Interface for NAT Gateway nat-1", "OwnerId": "1"}
    busy = FakeEc2(
        detach_internet_gateway=aws_error("DependencyViolation"),
        describe_network_interfaces={
            "NetworkInterfaces": [
                {**nat, "Association": {"PublicIp": "198.51.100.1"}},
                {**nat, "NetworkInterfaceId": "eni-private"},
            ]
        },
    )
    health = InternetGateway.delete(cloud_of(busy), found)
    assert health.status == "pending"
    assert "eni-1 'Interface for NAT Gateway nat-1'" in health.message
    assert "eni-private" not in health.message
    assert "delete_internet_gateway" not in busy.operations


def test_addresses_are_ours_by_tags_and_not_managed_by_a_service() -> None:
    rows = [
        {"AllocationId": "eipalloc-1", "PublicIp": "198.51.100.1", "Tags": row_tags("missyou-nat-a")},
        {"AllocationId": "eipalloc-2", "ServiceManaged": "alb", "Tags": row_tags("missyou-nat-a")},
        {"AllocationId": "eipalloc-3", "Tags": []},
    ]
    [found] = Address.read(reader_of(cloud_of(FakeEc2(describe_addresses={"Addresses": rows}))))
    assert found.attrs == {"id": "eipalloc-1", "public_ip": "198.51.100.1"}
    assert EIP.diff(found) == ()


@pytest.mark.parametrize("code", ["InvalidIPAddress.InUse", "AuthFailure"])
def test_an_address_is_released_once_nothing_holds_it(code: str) -> None:
    found = EIP.as_created("eipalloc-1", public_ip="198.51.100.1")
    health = Address.delete(cloud_of(FakeEc2(release_address=aws_error(code, "still in use"))), found)
    assert (health.status, health.stalled) == ("pending", False)
    assert "198.51.100.1" in health.message
    absent = cloud_of(FakeEc2(release_address=aws_error("InvalidAllocationID.NotFound")))
    assert Address.delete(absent, found).status == "ready"


def nat_row(id_: str, state: str, name: str = "missyou-nat-a", **more: Any) -> dict[str, Any]:
    addresses = [{"AllocationId": "eipalloc-1", "PublicIp": "198.51.100.1", "IsPrimary": True}]
    return {
        "NatGatewayId": id_,
        "State": state,
        "SubnetId": "subnet-1",
        "NatGatewayAddresses": addresses,
        "Tags": row_tags(name),
        **more,
    }


def nat_ec2(*rows: dict[str, Any], state: str = "pending") -> FakeEc2:
    return FakeEc2(
        describe_nat_gateways={"NatGateways": list(rows)},
        create_nat_gateway={"NatGateway": {"NatGatewayId": "nat-new", "State": state}},
    )


def test_gateways_are_read_without_ghosts() -> None:
    rows = [
        nat_row("nat-1", "available"),
        nat_row("nat-2", "deleted"),
        nat_row("nat-3", "failed", FailureCode="InternalError"),
        nat_row("nat-4", "deleting", "missyou-nat-b"),
    ]
    ec2 = nat_ec2(*rows)
    found = {each.id: each for each in NatGateway.read(reader_of(cloud_of(ec2)))}
    assert found.keys() == {"nat-1", "nat-4"}
    assert NAT.diff(found["nat-1"]) == ()
    assert NAT.health(found["nat-1"]).status == "ready"
    assert found["nat-4"].state == "deleting"
    assert "Filter" in ec2.arguments("describe_nat_gateways")


def test_a_pending_gateway_takes_its_time_and_may_hide_its_address() -> None:
    [found] = NatGateway.read(reader_of(cloud_of(nat_ec2(nat_row("nat-1", "pending", NatGatewayAddresses=[])))))
    assert NAT.diff(found) == ()
    health = NAT.health(found)
    assert (health.status, health.typical_seconds) == ("pending", 115.0)


def test_another_subnet_or_address_replaces_it() -> None:
    row = nat_row("nat-1", "available", SubnetId="subnet-9", NatGatewayAddresses=[{"AllocationId": "eipalloc-9"}])
    [found] = NatGateway.read(reader_of(cloud_of(nat_ec2(row))))
    assert {change.field for change in NAT.diff(found)} == NatGateway.FORCES_REPLACEMENT


def token_of(ec2: FakeEc2, nat: NatGateway = NAT) -> str:
    nat.create(cloud_of(ec2))
    return str(ec2.arguments("create_nat_gateway")["ClientToken"])


def test_the_token_is_stable_until_a_gateway_of_the_name_has_died() -> None:
    fresh = token_of(nat_ec2())
    assert fresh == token_of(nat_ec2())
    assert len(fresh) <= 64
    assert fresh == token_of(nat_ec2(nat_row("nat-9", "failed", "missyou-nat-b")))
    after = {token_of(nat_ec2(nat_row("nat-1", state))) for state in ("failed", "deleted", "deleting")}
    assert len(after) == 1
    assert fresh not in after


def test_creating_repeats_no_call_of_the_read() -> None:
    ec2 = nat_ec2()
    cloud = cloud_of(ec2)
    assert NatGateway.read(reader_of(cloud)) == []
    created = NAT.create(cloud)
    assert ec2.operations == ["describe_nat_gateways", "create_nat_gateway"]
    assert NAT.diff(created) == ()
    assert NAT.health(created).status == "pending"


def test_a_failed_gateway_is_created_again_and_says_why_the_last_one_failed() -> None:
    dead = nat_row("nat-1", "failed", FailureCode="Gateway.NotAttached", FailureMessage="raw")
    created = NAT.create(cloud_of(nat_ec2(dead)))
    assert "the VPC has no internet gateway attached (Gateway.NotAttached)" in NAT.health(created).message
    [found] = NatGateway.read(reader_of(cloud_of(nat_ec2(dead, nat_row("nat-2", "pending")))))
    assert "Gateway.NotAttached" in NAT.health(found).message


def test_after_three_failures_creation_is_refused() -> None:
    dead = [
        nat_row(f"nat-{n}", "failed", FailureCode=code, CreateTime=f"2026-01-01T00:0{n}:00Z")
        for n, code in enumerate(["InternalError", "InternalError", "InsufficientFreeAddressesInSubnet"])
    ]
    ec2 = nat_ec2(*dead)
    with pytest.raises(RefusedError, match="no free address") as refused:
        NAT.create(cloud_of(ec2))
    assert refused.value.health.stalled
    assert "create_nat_gateway" not in ec2.operations


def test_deleting_takes_one_call_and_waits() -> None:
    [found] = NatGateway.read(reader_of(cloud_of(nat_ec2(nat_row("nat-1", "available")))))
    ec2 = FakeEc2()
    health = NatGateway.delete(cloud_of(ec2), found)
    assert (health.status, ec2.operations) == ("pending", ["delete_nat_gateway"])
    [dying] = NatGateway.read(reader_of(cloud_of(nat_ec2(nat_row("nat-1", "deleting")))))
    idle = FakeEc2()
    health = NatGateway.delete(cloud_of(idle), dying)
    assert (health.status, idle.calls) == ("pending", [])
    assert "nat-1" in health.message
    absent = cloud_of(FakeEc2(delete_nat_gateway=aws_error("NatGatewayNotFound")))
    assert NatGateway.delete(absent, found).status == "ready"


def test_everything_is_tagged_by_its_creating_call() -> None:
    ec2 = FakeEc2(
        create_internet_gateway={"InternetGateway": {"InternetGatewayId": "igw-1"}},
        allocate_address={"AllocationId": "eipalloc-1", "PublicIp": "198.51.100.1"},
        create_nat_gateway={"NatGateway": {"NatGatewayId": "nat-1", "State": "pending"}},
        describe_nat_gateways={"NatGateways": []},
    )
    cloud = cloud_of(ec2)
    for resource in (IGW, EIP, NAT):
        assert resource.create(cloud).tags == resource.tags
    kinds = {
        spec["ResourceType"]: {tag["Key"]: tag["Value"] for tag in spec["Tags"]}
        for _, arguments in ec2.calls
        for spec in arguments.get("TagSpecifications", ())
    }
    assert kinds.keys() == {"internet-gateway", "elastic-ip", "natgateway"}
    assert all(STACK.owns(each) for each in kinds.values())
