"""Hosted zones and what is in them: found by the longest match, read by subtree, changed in batches that hold or fail.

Sources: Route 53 API reference, ListHostedZones, ListResourceRecordSets, ChangeResourceRecordSets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from missyou_operator.aws.cloud import Client, Cloud, Reader, pages
from missyou_operator.aws.errors import is_absent
from missyou_operator.aws.permissions import Grant, observe
from missyou_operator.engine.external import External
from missyou_operator.engine.resource import READY, Health, Observed, failed

Record = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class HostedZone(External):
    """The public hosted zone that a domain's records belong to: somebody's else, whose records we add to.

    Its name is `<domain>@<zone's ID, if one is named>@<role to look by>`. Where there is none, a person creates the
    records.
    """

    TYPE: ClassVar[str] = "route53.HostedZone"
    READ_AFTER: ClassVar[tuple[str, ...]] = ("acm.Certificate",)
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("route53:ListHostedZones"),
        observe("route53:GetHostedZone", on=("route53:hostedzone/*",)),
    )

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Find the zones of the domains that are wanted. `gone`: zones that our certificates remember, and are not."""
        found = [_zone_of(reader, name) for name in reader.desired_names(cls.TYPE)]
        return [observed for observed in found if observed is not None]

    def health(self, observed: Observed) -> Health:  # noqa: ARG002
        """Judge nothing: it is not ours."""
        return READY

    def missing(self) -> Health:
        """Say what a named zone lacks; that none fits is no trouble, but more work for a person."""
        domain, id_, role = self.name.split("@")
        if not id_:
            return READY
        where = f"through the role {role}" if role else "in this account"
        return failed(
            "ZoneNotFound",
            f"there is no public hosted zone {id_} {where} that {domain} belongs to: correct spec.domain.hostedZoneID, "
            "or leave it out to have the zone looked for",
        )


def _zone_of(reader: Reader, name: str) -> Observed | None:
    domain, id_, role = name.split("@")
    client = reader.clients_of(role).client("route53")
    rows = reader.shared(f"route53.{role}.zones", lambda: pages(client, "list_hosted_zones", "HostedZones"))
    fitting = [
        row
        for row in rows
        if not (row.get("Config") or {}).get("PrivateZone")
        and f".{domain}.".endswith(f".{row['Name'].lower()}")
        and id_ in {"", _bare(row["Id"])}
    ]
    there = {_bare(row["Id"]) for row in rows}
    remembered = {row.attrs["zone"] for row in reader.found("acm.Certificate") if row.attrs["role"] == role} - {""}
    gone = tuple(sorted(remembered - there))
    if not fitting:
        nothing = {"id": "", "zone_name": "", "name_servers": (), "gone": gone}
        return None if id_ else Observed(HostedZone, name, "", nothing)
    row = max(fitting, key=lambda each: (len(each["Name"]), each["Id"]))
    zone = _bare(row["Id"])
    answer = reader.hourly(f"route53.zone.{zone}", lambda: client.get_hosted_zone(Id=zone))
    servers = tuple(sorted((answer.get("DelegationSet") or {}).get("NameServers") or ()))
    attrs = {"id": zone, "zone_name": row["Name"].rstrip("."), "name_servers": servers, "gone": gone}
    return Observed(HostedZone, name, zone, attrs)


def _bare(id_: str) -> str:
    return id_.rpartition("/")[2]


def plain(name: str) -> str:
    """Write a name as we do: in lower case, without the last dot."""
    return name.lower().rstrip(".")


def as_dns_name(desired: str, observed: str) -> bool:
    """Compare names as DNS does: in any case, with or without the last dot. `observed` is `plain`."""
    return observed == plain(desired)


def subtree(reader: Reader, zone: str, role: str, domain: str) -> Sequence[Record]:
    """Read the records of a domain and of the names below it, which Route 53 lists one after the other.

    None where the zone is gone: there are no records in it either.
    """
    return reader.shared(f"route53.{zone}.{domain}", lambda: records_now(reader, zone, role, domain))


def records_now(cloud: Cloud, zone: str, role: str, domain: str) -> Sequence[Record]:
    """Read them, whoever else has just done so."""
    client, start = cloud.clients_of(role).client("route53"), {"StartRecordName": domain}
    rows: list[Record] = []
    while True:
        try:
            page = client.list_resource_record_sets(HostedZoneId=zone, **start)
        except ClientError as error:
            if is_absent(error):
                return []
            raise
        for row in page["ResourceRecordSets"]:
            if not f".{plain(row['Name'])}".endswith(f".{domain}"):
                return rows
            rows.append(row)
        if not page.get("IsTruncated"):
            return rows
        start = {"StartRecordName": page["NextRecordName"], "StartRecordType": page["NextRecordType"]}


def at(rows: Sequence[Record], name: str, type_: str) -> Record | None:
    """Return the record of a name and type, if there is one."""
    return next((row for row in rows if plain(row["Name"]) == plain(name) and row["Type"] == type_), None)


def values(row: Record | None) -> tuple[str, ...]:
    """Return a record's values, sorted."""
    return tuple(sorted(entry["Value"] for entry in (row or {}).get("ResourceRecords") or ()))


def apply(cloud: Cloud, zone: str, role: str, *changes: tuple[str, Record]) -> None:
    """Change a zone: all of it, or nothing where one change does not fit. Each is an action and a record."""
    client: Client = cloud.clients_of(role).client("route53")
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": dict(row)} for action, row in changes]}
    client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
