"""Which subnet is which: two of each tier, in two zones, with their NAT gateways and route tables. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from missyou_operator.cli.importing.facts import Facts, Row
from missyou_operator.cli.importing.notes import Note
from missyou_operator.stack import naming
from missyou_operator.stack.network import subnet_blocks

_WORDS = {"public": "the load balancer and NAT gateways", "app": "the tasks", "db": "the database"}


@dataclass(frozen=True, slots=True)
class Subnets:
    """The subnets of a stack among those of a VPC.

    `zones`: in the order of their letters. `chosen`: by tier and letter. `notes` and `obstacles`: what does not
    fit, and what has to be done about it.
    """

    zones: tuple[str, ...]
    chosen: Mapping[tuple[str, str], Row]
    service_network: Row
    notes: Sequence[Note] = ()
    obstacles: Sequence[Note] = field(default=())

    @classmethod
    def of(cls, facts: Facts) -> Subnets:
        """Tell them by who uses them: the load balancer, the service, and the database's subnet group."""
        rows = {row["SubnetId"]: row for row in facts.subnets}
        network: Row = (facts.service.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
        balancer = [each["SubnetId"] for each in facts.balancer["AvailabilityZones"]]
        nats = [row["SubnetId"] for row in facts.nat_gateways]
        internal = facts.balancer.get("Scheme") == "internal"
        users = {
            "public": nats if internal else balancer,
            "app": network.get("subnets") or (),
            "db": [each["SubnetIdentifier"] for each in facts.database["DBSubnetGroup"]["Subnets"]],
        }
        tiers = {tier: _by_zone(rows, ids) for tier, ids in users.items()}
        # One subnet may serve two tiers, as all of a default VPC do: it stays with the first.
        common = sorted(set.intersection(*(set(tier) for tier in tiers.values())))
        first = [zone for zone in common if tiers["public"][zone]["SubnetId"] in nats]
        zones = tuple(sorted(common, key=lambda zone: (zone not in first, zone)))[:2]
        if len(first) != 1:
            zones = tuple(sorted(zones))
        chosen = {
            (tier, letter): tiers[tier][zone]
            for tier in naming.TIERS
            for letter, zone in zip(naming.LETTERS, zones, strict=False)
        }
        obstacles = list(_missing(tiers, zones, chosen))
        return cls(zones, chosen, network, list(_further(rows, users, chosen)), obstacles)

    def unusual(self, cidr: str) -> dict[str, list[str]] | None:
        """Return the blocks by tier, None where they are those that a new stack would have."""
        blocks = {tier: [self.chosen[tier, letter]["CidrBlock"] for letter in naming.LETTERS] for tier in naming.TIERS}
        try:
            usual = {tier: list(each) for tier, each in subnet_blocks(cidr).items()}
        except (ValueError, IndexError):
            usual = {}
        if blocks == usual:
            return None
        return {"public": blocks["public"], "app": blocks["app"], "database": blocks["db"]}

    def nat_gateways(self, facts: Facts) -> dict[str, Row]:
        """Return the NAT gateways by the letters of their subnets, the first of each."""
        ids = {row["SubnetId"]: letter for (tier, letter), row in self.chosen.items() if tier == "public"}
        found: dict[str, Row] = {}
        for row in facts.nat_gateways:
            if row["SubnetId"] in ids:
                found.setdefault(ids[row["SubnetId"]], row)
        return found

    def route_tables(self, facts: Facts) -> Iterator[tuple[str, Row]]:
        """Yield the route tables that the subnets are associated with, each once, and the patterns of their names."""
        used: set[str] = set()
        for pattern, places in (
            (naming.PUBLIC_ROUTES, [("public", letter) for letter in naming.LETTERS]),
            *((naming.APP_ROUTES[letter], [("app", letter)]) for letter in naming.LETTERS),
            (naming.DATABASE_ROUTES, [("db", letter) for letter in naming.LETTERS]),
        ):
            ids = [self.chosen[place]["SubnetId"] for place in places]
            for row in facts.route_tables:
                associated = {each.get("SubnetId") for each in row.get("Associations") or ()}
                if associated.intersection(ids) and row["RouteTableId"] not in used:
                    used.add(row["RouteTableId"])
                    yield pattern, row
                    break


def _by_zone(rows: Mapping[str, Row], ids: Iterable[str]) -> dict[str, Row]:
    """Return one subnet for each zone, the one with the lowest block."""
    found: dict[str, Row] = {}
    for row in sorted((rows[id_] for id_ in ids if id_ in rows), key=lambda row: _number(row["CidrBlock"])):
        found.setdefault(row["AvailabilityZone"], row)
    return found


def _number(block: str) -> list[int]:
    return [int(part) for part in block.replace("/", ".").split(".")]


def _missing(tiers: Mapping[str, Mapping[str, Row]], zones: Sequence[str], chosen: Mapping[Any, Row]) -> Iterator[Note]:
    if len(zones) < len(naming.LETTERS):
        listed = "; ".join(
            f"for {_WORDS[tier]}: {', '.join(sorted(by_zone)) or 'none'}" for tier, by_zone in tiers.items()
        )
        yield Note(
            f"a stack has a subnet of each tier in two zones, and here are subnets {listed}",
            "create what is missing (aws ec2 create-subnet), and add it to the load balancer (aws elbv2 set-subnets), "
            "the service (aws ecs update-service) or the database's subnet group (aws rds modify-db-subnet-group)",
        )
    elif len({row["SubnetId"] for row in chosen.values()}) < len(chosen):
        yield Note(
            "load balancer, tasks and database share subnets, and a stack has subnets of their own for each",
            "move the tasks or the database to other subnets first",
        )


def _further(rows: Mapping[str, Row], users: Mapping[str, Iterable[str]], chosen: Mapping[Any, Row]) -> Iterator[Note]:
    mine = {row["SubnetId"] for row in chosen.values()}
    used = {id_ for ids in users.values() for id_ in ids}
    for id_, row in sorted(rows.items()):
        if id_ not in mine:
            why = "is in a third zone, or is a second one of its tier" if id_ in used else "is used by nothing here"
            yield Note(
                f"the subnet {id_} ({row['CidrBlock']}, {row['AvailabilityZone']}) {why}",
                "it stays outside the stack: nothing changes it, and the VPC cannot be deleted before it",
            )
