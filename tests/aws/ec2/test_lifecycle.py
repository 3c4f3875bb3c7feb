"""A whole network built, broken, repaired, changed and removed by the engine against the strict test AWS."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest
from botocore.config import Config

from missyou_local.aws.server import Server, serve
from missyou_local.aws.timing import Timing
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.ec2.gateways import Address, InternetGateway, NatGateway
from missyou_operator.aws.ec2.routes import RouteTable
from missyou_operator.aws.ec2.security import SecurityGroup, SecurityGroupRule, rule_name
from missyou_operator.aws.ec2.vpc import Subnet, Vpc
from missyou_operator.aws.identity import StackIdentity, tag_list
from missyou_operator.controller.threads import Threads
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.resource import Observed, Resource
from tests.aws.fake import STACK, cloud_of
from tests.aws.passes import PartOfStack

#: In an order in which `READ_AFTER` is kept.
KINDS: Sequence[type[Resource]] = (
    Vpc,
    Subnet,
    InternetGateway,
    Address,
    NatGateway,
    RouteTable,
    SecurityGroup,
    SecurityGroupRule,
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = serve(timing=Timing.instant())
    server.control.reset()
    yield server
    server.close()


@pytest.fixture(scope="module")
def ec2(server: Server) -> Any:
    return boto3.client(
        "ec2",
        region_name=STACK.region,
        endpoint_url=server.url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(max_pool_connections=16),
    )


@dataclass(kw_only=True)
class NetworkStack(PartOfStack):
    """The network of one stack."""

    KINDS = KINDS
    PASSES = 8

    ec2: Any
    stack: StackIdentity

    @property
    def cloud(self) -> Cloud:
        return cloud_of(self.ec2, self.stack)

    def wait(self) -> None:
        """Do nothing: this test AWS does everything at once."""

    def one(self, kind: type[Resource], suffix: str) -> Observed:
        [found] = self.observe()[f"{kind.TYPE}/missyou-{suffix}"]
        return found


@pytest.fixture
def world(server: Server, ec2: Any, request: pytest.FixtureRequest) -> Iterator[NetworkStack]:
    """Yield a stack of its own for each test, all in one account with the same names: only tags distinguish them."""
    stack = replace(STACK, app=f"default/{request.node.name}")
    server.control.ledger.clear()
    with Threads(16) as pool:
        yield NetworkStack(server=server, pool=pool, ec2=ec2, stack=stack)


def network(stack: StackIdentity, nats: int = 2) -> Graph:
    """Declare a small version of the stack's network."""
    graph = Graph()

    def named(suffix: str = "", full: str = "") -> dict[str, Any]:
        name = full or f"missyou-{suffix}"
        return {"name": name, "component": "Network", "tags": stack.tags("Network", name, {})}

    vpc = graph.add(Vpc(**named("vpc"), cidr="10.0.0.0/16"))
    igw = graph.add(InternetGateway(**named("igw"), vpc_id=vpc.ref()))
    subnets = {
        name: graph.add(
            Subnet(**named(name), vpc_id=vpc.ref(), cidr=f"10.0.{place}.0/24", zone=f"{STACK.region}{name[-1]}")
        )
        for place, name in enumerate(["public-a", "public-b", "app-a", "app-b"])
    }
    gateways = [
        graph.add(
            NatGateway(
                **named(f"nat-{letter}"),
                subnet_id=subnets[f"public-{letter}"].ref(),
                allocation_id=graph.add(Address(**named(f"nat-{letter}"))).ref(),
                after=(igw.ref(ready=True),),
            )
        )
        for letter in "ab"[:nats]
    ]
    public = (subnets["public-a"].ref(), subnets["public-b"].ref())
    graph.add(RouteTable(**named("public"), vpc_id=vpc.ref(), subnet_ids=public, default_target=igw.ref(ready=True)))
    for place, letter in enumerate("ab"):
        target = gateways[min(place, nats - 1)].ref(ready=True)
        subnet_ids = (subnets[f"app-{letter}"].ref(),)
        graph.add(RouteTable(**named(f"app-{letter}"), vpc_id=vpc.ref(), subnet_ids=subnet_ids, default_target=target))
    graph.add(RouteTable(**named("db"), vpc_id=vpc.ref(), subnet_ids=(), default_target=None))
    groups = {
        name: graph.add(SecurityGroup(**named(name), vpc_id=vpc.ref(), description=name)) for name in ("alb", "ecs")
    }
    rules = [
        (groups["alb"], "ingress", 80, "0.0.0.0/0"),
        (groups["alb"], "egress", 8000, groups["ecs"]),
        (groups["ecs"], "ingress", 8000, groups["alb"]),
    ]
    for group, direction, port, peer in rules:
        peer_name = peer if isinstance(peer, str) else peer.name
        name = rule_name(group.name, direction, "tcp", port, port, peer_name)
        graph.add(
            SecurityGroupRule(
                **named(full=name),
                group_id=group.ref(),
                direction=direction,
                from_port=port,
                to_port=port,
                peer=peer if isinstance(peer, str) else peer.ref(),
                description="why",
            )
        )
    return graph


def test_a_network_is_built_left_alone_and_removed(world: NetworkStack) -> None:
    graph = network(world.cloud.stack)
    assert sorted(world.settle(graph)) == sorted(f"Create {each.address}" for each in graph)
    before = world.mutations()
    assert world.step(graph) == []
    assert world.mutations() == before
    assert not world.unready()

    world.settle(Graph())
    assert world.observe() == {}


def test_building_takes_few_calls(world: NetworkStack) -> None:
    graph = network(world.cloud.stack)
    world.step(graph)
    # A VPC, an internet gateway and a group take two calls each, a table one more per route and subnet.
    extra = 1 + 1 + 2 + (3 + 4)
    assert world.mutations() <= len(graph) + extra


def test_a_gateway_is_removed_and_added_again(world: NetworkStack) -> None:
    world.settle(network(world.cloud.stack, 2))
    kept = world.one(NatGateway, "nat-a").id
    done = world.settle(network(world.cloud.stack, 1))
    assert set(done) == {"Update ec2.RouteTable/missyou-app-b", "Delete ec2.Address/missyou-nat-b"}
    assert world.one(RouteTable, "app-b").attrs["default_target"] == kept
    world.settle(network(world.cloud.stack, 2))
    fresh = world.one(NatGateway, "nat-b")
    assert world.one(RouteTable, "app-b").attrs["default_target"] == fresh.id
    assert world.one(NatGateway, "nat-a").id == kept


def test_a_deleted_gateway_is_created_again(world: NetworkStack) -> None:
    graph = network(world.cloud.stack, 1)
    world.settle(graph)
    first = world.one(NatGateway, "nat-a")
    world.ec2.delete_nat_gateway(NatGatewayId=first.id)
    world.settle(graph)
    second = world.one(NatGateway, "nat-a")
    assert second.id != first.id
    assert world.one(RouteTable, "app-a").attrs["default_target"] == second.id


def test_a_gateway_that_cannot_come_up_is_tried_three_times(world: NetworkStack) -> None:
    """Without an internet gateway, AWS creates a NAT gateway that fails."""
    graph = Graph()
    for resource in network(world.cloud.stack, 1):
        if resource.name in {"missyou-vpc", "missyou-public-a"} or resource.TYPE == "ec2.Address":
            graph.add(resource)
        elif isinstance(resource, NatGateway):
            graph.add(replace(resource, after=()))
    done = [line for _ in range(6) for line in world.step(graph)]
    assert done.count("Create ec2.NatGateway/missyou-nat-a") == 3
    [(address, message)] = world.unready().items()
    assert address == "ec2.NatGateway/missyou-nat-a"
    assert "the VPC has no internet gateway attached (Gateway.NotAttached)" in message


def test_drift_of_every_kind_is_corrected(world: NetworkStack) -> None:
    graph, ec2 = network(world.cloud.stack, 1), world.ec2
    world.settle(graph)
    app, database = world.one(RouteTable, "app-a"), world.one(RouteTable, "db")
    igw, alb = world.one(InternetGateway, "igw"), world.one(SecurityGroup, "alb")
    subnet = world.one(Subnet, "app-a").id

    ec2.create_route(RouteTableId=database.id, DestinationCidrBlock="0.0.0.0/0", GatewayId=igw.id)
    ec2.delete_route(RouteTableId=app.id, DestinationCidrBlock="0.0.0.0/0")
    ec2.replace_route_table_association(AssociationId=app.attrs["associations"][subnet], RouteTableId=database.id)
    opened = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=alb.id, IpPermissions=[opened])
    described = next(each for each in world.observe().values() if each[0].kind is SecurityGroupRule)[0]
    ec2.delete_tags(Resources=[described.id], Tags=[{"Key": "missyou.app/stack"}])

    assert set(world.settle(graph)) == {
        "Update ec2.RouteTable/missyou-app-a",
        "Update ec2.RouteTable/missyou-db",
        "Delete ec2.SecurityGroupRule/missyou-alb ingress tcp/22 from 0.0.0.0/0",
        f"Update {described.address}",
    }
    assert world.one(RouteTable, "app-a").attrs["subnet_ids"] == {subnet}


def test_creations_that_a_crash_interrupted_are_completed(world: NetworkStack) -> None:
    """Interrupt each creation of several calls after its first."""
    graph, ec2 = network(world.cloud.stack, 1), world.ec2

    def tagged(kind: str, name: str) -> dict[str, Any]:
        tags = tag_list(world.cloud.stack.tags("Network", name, {}))
        return {"TagSpecifications": [{"ResourceType": kind, "Tags": tags}]}

    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", **tagged("vpc", "missyou-vpc"))["Vpc"]["VpcId"]
    ec2.create_internet_gateway(**tagged("internet-gateway", "missyou-igw"))
    ec2.create_route_table(VpcId=vpc, **tagged("route-table", "missyou-public"))
    ec2.create_security_group(
        VpcId=vpc, GroupName="missyou-alb", Description="alb", **tagged("security-group", "missyou-alb")
    )
    done = world.settle(graph)
    assert "Update ec2.InternetGateway/missyou-igw" in done
    assert "Update ec2.RouteTable/missyou-public" in done
    assert "Delete ec2.SecurityGroupRule/missyou-alb egress all to 0.0.0.0/0" in done
    found = {"ec2.Vpc/missyou-vpc", "ec2.InternetGateway/missyou-igw", "ec2.RouteTable/missyou-public"}
    assert not {f"Create {address}" for address in (*found, "ec2.SecurityGroup/missyou-alb")}.intersection(done)


def test_a_removal_names_its_blocker_and_continues_once_that_is_gone(world: NetworkStack) -> None:
    world.settle(network(world.cloud.stack, 1))
    subnet = world.one(Subnet, "app-a").id
    group = world.one(SecurityGroup, "ecs").id
    foreign = world.ec2.create_network_interface(SubnetId=subnet, Groups=[group], Description="someone's probe")
    interface = foreign["NetworkInterface"]["NetworkInterfaceId"]
    deadline = time.monotonic() + 8
    while len(world.observe()) > 3 and time.monotonic() < deadline:
        world.step(Graph())
    waiting = world.unready()
    for held in ("ec2.Subnet/missyou-app-a", "ec2.SecurityGroup/missyou-ecs"):
        assert f"{interface} 'someone's probe' of account" in waiting[held]
    world.ec2.delete_network_interface(NetworkInterfaceId=interface)
    world.settle(Graph())
    assert world.observe() == {}
