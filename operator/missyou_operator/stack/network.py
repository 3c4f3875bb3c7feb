"""VPC, subnets over two zones, internet and NAT gateways, route tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network

from missyou_operator.api import AppSpec
from missyou_operator.api.components import Component
from missyou_operator.aws.ec2.gateways import Address, InternetGateway, NatGateway
from missyou_operator.aws.ec2.routes import RouteTable
from missyou_operator.aws.ec2.vpc import Subnet, Vpc
from missyou_operator.stack import naming
from missyou_operator.stack.context import Context

#: The blocks of each tier, one per zone, among the equal blocks that the VPC is cut into. With 10.0.0.0/16:
#: 10.0.0-1.0/24 public, 10.0.10-11.0/24 for the app, 10.0.20-21.0/24 for the database.
_BLOCKS = {"public": (0, 1), "app": (10, 11), "db": (20, 21)}


@dataclass(frozen=True, slots=True)
class Network:
    """What the other modules refer to. `app_routes` are the ways out of the app subnets."""

    vpc: Vpc
    internet_gateway: InternetGateway
    public: tuple[Subnet, ...]
    app: tuple[Subnet, ...]
    database: tuple[Subnet, ...]
    app_routes: tuple[RouteTable, ...]


@lru_cache(maxsize=256)
def subnet_blocks(cidr: str) -> Mapping[str, tuple[str, str]]:
    """Carve a VPC of /16 to /20 into subnets: /24 each, and /25 where the block has no room for the layout in /24."""
    network = IPv4Network(cidr)
    blocks = list(network.subnets(new_prefix=max(24, network.prefixlen + 5)))
    return {tier: (str(blocks[first]), str(blocks[second])) for tier, (first, second) in _BLOCKS.items()}


def _blocks(app: AppSpec) -> Mapping[str, Sequence[str]]:
    """Return the blocks of each tier: those of subnets that existed before the stack, else the usual ones."""
    if (before := app.existing.subnets) is None:
        return subnet_blocks(app.network.cidr)
    return dict(zip(naming.TIERS, (before.public, before.app, before.database), strict=True))


def network(ctx: Context) -> Network:
    """Declare the network."""
    add, named = ctx.graph.add, ctx.named(Component.NETWORK)
    vpc = add(Vpc(**named(naming.VPC), cidr=ctx.app.network.cidr))
    igw = add(InternetGateway(**named(naming.INTERNET_GATEWAY), vpc_id=vpc.ref()))
    tiers = {
        tier: tuple(
            add(Subnet(**named(naming.SUBNETS[tier, letter]), vpc_id=vpc.ref(), cidr=block, zone=zone))
            for letter, block, zone in zip(naming.LETTERS, blocks, ctx.lookups.zones, strict=True)
        )
        for tier, blocks in _blocks(ctx.app).items()
    }
    gateways = [
        _nat_gateway(ctx, letter, subnet, igw)
        for letter, subnet in list(zip(naming.LETTERS, tiers["public"], strict=True))[: ctx.app.network.nat_gateways]
    ]
    add(
        RouteTable(
            **named(naming.PUBLIC_ROUTES),
            vpc_id=vpc.ref(),
            subnet_ids=tuple(subnet.ref() for subnet in tiers["public"]),
            default_target=igw.ref(ready=True),
        )
    )
    app_routes = tuple(
        add(
            RouteTable(
                **named(naming.APP_ROUTES[letter]),
                vpc_id=vpc.ref(),
                subnet_ids=(subnet.ref(),),
                # To the gateway of its own zone, or to the only one.
                default_target=gateways[min(place, len(gateways) - 1)].ref(ready=True),
            )
        )
        for place, (letter, subnet) in enumerate(zip(naming.LETTERS, tiers["app"], strict=True))
    )
    add(
        RouteTable(
            **named(naming.DATABASE_ROUTES),
            vpc_id=vpc.ref(),
            subnet_ids=tuple(subnet.ref() for subnet in tiers["db"]),
            default_target=None,
        )
    )
    return Network(vpc, igw, tiers["public"], tiers["app"], tiers["db"], app_routes)


def _nat_gateway(ctx: Context, letter: str, subnet: Subnet, igw: InternetGateway) -> NatGateway:
    named = ctx.named(Component.NETWORK)
    address = ctx.graph.add(Address(**named(naming.ADDRESSES[letter])))
    return ctx.graph.add(
        NatGateway(
            **named(naming.NAT_GATEWAYS[letter]),
            subnet_id=subnet.ref(),
            allocation_id=address.ref(),
            after=(igw.ref(ready=True),),
        )
    )
