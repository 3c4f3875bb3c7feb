"""Route 53: a batch of changes that does not fit the zone is refused as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from missyou_local.aws import backends
from missyou_local.aws.call import Call, Result, handles
from missyou_local.aws.errors import AwsError


@handles("route53:CreateHostedZone")
def create_hosted_zone(call: Call) -> Result:
    """Create a zone; refuse a caller reference that made one."""
    reference = call.params["CallerReference"]
    if any(zone.caller_reference == reference for zone in _zones(call).values()):
        raise AwsError("HostedZoneAlreadyExists", f"A hosted zone has already been created with {reference}", 409)
    return call.forward()


@handles("route53:ChangeResourceRecordSets")
def change_resource_record_sets(call: Call) -> Result:
    """Change records, all or none."""
    zone_id = call.params["HostedZoneId"].rpartition("/")[2]
    zone = _zones(call).get(zone_id)
    if zone is not None:
        present = {_key(_record(record)): _record(record) for record in zone.rrsets}
        for change in call.params["ChangeBatch"]["Changes"]:
            _apply(zone.name, present, change["Action"], change["ResourceRecordSet"])
    # moto refuses to create a record again that has been deleted.
    changes = [
        {**change, "Action": "UPSERT"} if change["Action"] == "CREATE" else change
        for change in call.params["ChangeBatch"]["Changes"]
    ]
    return call.forward({**call.params, "ChangeBatch": {**call.params["ChangeBatch"], "Changes": changes}})


_STRING_MAX = 255
"""Characters of each string in a TXT record. Source: Route 53 developer guide, "TXT record type"."""

Records = dict[tuple[str, str, str], dict[str, Any]]


def _apply(zone: str, present: Records, action: str, record: dict[str, Any]) -> None:
    """Apply one change to a copy of the records. Error: AwsError `InvalidChangeBatch`."""
    key = _key(record)
    shown = f"[name='{key[0]}', type='{key[1]}'"
    if action == "CREATE" and key in present:
        raise _bad(f"Tried to create resource record set {shown}] but it already exists")
    if action == "DELETE":
        if key not in present:
            raise _bad(f"Tried to delete resource record set {shown}] but it was not found")
        if _content(present[key]) != _content(record):
            raise _bad(f"Tried to delete resource record set {shown}] but the values provided do not match the current")
        if key[0] == _name(zone) and key[1] in ("NS", "SOA"):
            raise _bad(f"A HostedZone must contain at least one NS record and exactly one SOA record: {shown}]")
        del present[key]
        return
    _check_cname(zone, present, key)
    _check_texts(record)
    present[key] = record


def _check_texts(record: dict[str, Any]) -> None:
    for value in (entry["Value"] for entry in record.get("ResourceRecords") or [] if record["Type"] == "TXT"):
        if any(len(text) > _STRING_MAX for text in value.strip('"').split('" "')):
            raise _bad(
                f"Invalid Resource Record: 'CharacterStringTooLong (Value is too long) encountered with {value}'"
            )


def _check_cname(zone: str, present: Records, key: tuple[str, str, str]) -> None:
    name, kind, _ = key
    if kind == "CNAME" and name == _name(zone):
        raise _bad(f"RRSet of type CNAME with DNS name {name} is not permitted at apex in zone {zone}")
    for other_name, other_kind, _ in present:
        if other_name == name and other_kind != kind and "CNAME" in (kind, other_kind):
            raise _bad(
                f"RRSet of type {kind} with DNS name {name} is not permitted because a conflicting RRSet of type "
                f"{other_kind} with the same DNS name already exists in zone {zone}"
            )


def _record(model: Any) -> dict[str, Any]:
    """Return moto's record in the form of the API."""
    values = [value if isinstance(value, str) else value["Value"] for value in model.records or []]
    return {
        "Name": model.name,
        "Type": model.type,
        "SetIdentifier": model.set_identifier,
        "TTL": model.ttl,
        "ResourceRecords": [{"Value": value} for value in values],
        "AliasTarget": model.alias_target,
    }


def _key(record: Mapping[str, Any]) -> tuple[str, str, str]:
    return _name(record["Name"]), record["Type"], record.get("SetIdentifier") or ""


def _name(name: str) -> str:
    """Return a domain name as Route 53 keeps it."""
    return name.rstrip(".").lower().replace("*", "\\052") + "."


def _content(record: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what a deletion has to repeat."""
    alias = record.get("AliasTarget") or {}
    values = sorted(entry["Value"] for entry in record.get("ResourceRecords") or [])
    target = (_name(alias["DNSName"]), alias["HostedZoneId"]) if alias else None
    return int(record.get("TTL") or 0), tuple(values), target


def _bad(message: str) -> AwsError:
    return AwsError("InvalidChangeBatch", f"[{message}]")


def _zones(call: Call) -> Mapping[str, Any]:
    """Return moto's zones by id."""
    zones: Mapping[str, Any] = backends.backend("route53", call.account, "aws").zones
    return zones
