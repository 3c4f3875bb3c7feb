"""Hosted zones and their records: matched by the longest name, read by subtree, changed in atomic batches.

Sources: Route 53 API reference, ListHostedZones, ListResourceRecordSets, ChangeResourceRecordSets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from missyou_operator.aws.cloud import Client, Cloud, pages
from missyou_operator.aws.errors import is_absent
from missyou_operator.aws.informer import GLOBAL, Rhythm
from missyou_operator.aws.permissions import Grant, observe
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.external import External
from missyou_operator.engine.resource import READY, Health, Observed, failed

#: A call for each domain, of five a second for all regions of an account. Source: Route 53 developer guide, "Quotas".
_RECORDS = Rhythm(per_stack=18.0, most=1800.0, closely=True, told=False)

Record = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class HostedZone(External):
    """The public hosted zone of a domain. It is foreign: we only add records to it.

    Its name is `<domain>@<zone's ID, if one is named>@<role to read it by>`. If there is none, a person creates the
    records.
    """

    TYPE: ClassVar[str] = "route53.HostedZone"
    READ_AFTER: ClassVar[tuple[str, ...]] = ("acm.Certificate",)
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("route53:ListHostedZones"),
        observe("route53:GetHostedZone", on=("route53:hostedzone/{zone}",)),
    )

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read the zones of the desired domains. `gone` lists zones named by our certificates that no longer exist."""
        found = [_zone_of(reader, name) for name in reader.desired_names(cls.TYPE)]
        return [observed for observed in found if observed is not None]

    def health(self, observed: Observed) -> Health:  # noqa: ARG002
        """Return ready: it is not ours."""
        return READY

    def missing(self) -> Health:
        """Report a missing zone if the spec names one. No match is no failure, but more work for a person."""
        domain, id_, role = self.name.split("@")
        if not id_:
            return READY
        where = f"through the role {role}" if role else "in this account"
        return failed(
            "ZoneNotFound",
            f"there is no public hosted zone {id_} for {domain} {where}: correct spec.domain.hostedZoneID, or remove "
            "it to let the operator search for the zone",
        )


def _zone_of(reader: Reader, name: str) -> Observed | None:
    domain, id_, role = name.split("@")
    client = reader.clients_of(role).client("route53")
    rows = reader.computed(GLOBAL, f"route53.zones/{role}", partial(pages, client, "list_hosted_zones", "HostedZones"))
    fitting = [
        row
        for row in rows
        if not (row.get("Config") or {}).get("PrivateZone")
        and f".{domain}.".endswith(f".{row['Name'].lower()}")
        and id_ in {"", _bare(row["Id"])}
    ]
    existing = {_bare(row["Id"]) for row in rows}
    known = [row for row in reader.found("acm.Certificate") if not row.unread]
    named = {row.attrs["zone"] for row in known if row.attrs["role"] == role} - {""}
    gone = tuple(sorted(named - existing))
    if not fitting:
        no_zone = {"id": "", "zone_name": "", "name_servers": (), "gone": gone}
        return None if id_ else Observed(HostedZone, name, "", no_zone)
    row = max(fitting, key=lambda each: (len(each["Name"]), each["Id"]))
    zone = _bare(row["Id"])
    answer = reader.hourly(f"route53.zone/{zone}", lambda: client.get_hosted_zone(Id=zone))
    servers = tuple(sorted((answer.get("DelegationSet") or {}).get("NameServers") or ()))
    attrs = {"id": zone, "zone_name": row["Name"].rstrip("."), "name_servers": servers, "gone": gone}
    return Observed(HostedZone, name, zone, attrs)


def _bare(id_: str) -> str:
    return id_.rpartition("/")[2]


def plain(name: str) -> str:
    """Return a name in lower case and without the final dot."""
    return name.lower().rstrip(".")


def as_dns_name(desired: str, observed: str) -> bool:
    """Compare names as DNS does: in any case, with or without the final dot. `observed` is `plain`."""
    return observed == plain(desired)


def subtree(reader: Reader, zone: str, role: str, domain: str) -> Sequence[Record]:
    """Read the records of a domain and of the names below it, which Route 53 lists consecutively.

    A zone that no longer exists has none.
    """
    fetch = partial(_records, reader.clients_of(role).client("route53"), zone, domain)
    return reader.computed(_RECORDS, f"route53.records/{zone}/{domain}", fetch)


def records_now(cloud: Cloud, zone: str, role: str, domain: str) -> Sequence[Record]:
    """Read the same records as `subtree`, without sharing the read."""
    return _records(cloud.clients_of(role).client("route53"), zone, domain)


def _records(client: Client, zone: str, domain: str) -> Sequence[Record]:
    start = {"StartRecordName": domain}
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
    """Return the record of a name and type, or None."""
    return next((row for row in rows if plain(row["Name"]) == plain(name) and row["Type"] == type_), None)


def values(row: Record | None) -> tuple[str, ...]:
    """Return a record's values, sorted."""
    return tuple(sorted(entry["Value"] for entry in (row or {}).get("ResourceRecords") or ()))


def apply(cloud: Cloud, zone: str, role: str, *changes: tuple[str, Record]) -> None:
    """Apply all changes to a zone, or none if one is invalid. A change is an action and a record."""
    client: Client = cloud.clients_of(role).client("route53")
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": dict(row)} for action, row in changes]}
    client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
