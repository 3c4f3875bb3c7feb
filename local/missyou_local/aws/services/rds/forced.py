"""What happens to a database unasked: upgrades by AWS, states of trouble, a standby that is lost or takes over.

Source of the upgrade: RDS User Guide, "Upgrading the PostgreSQL DB engine"; hashicorp/terraform-provider-aws issue
4777. The parameter group of the old major cannot stay: RDS uses the default one of the new family.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from missyou_local.aws import backends
from missyou_local.aws.call import Call, Regional, Result, handles
from missyou_local.aws.services.rds.model import DATABASES, Database

#: The states that a change ends.
ENDED_BY_CHANGE = frozenset(
    {"storage-full", "incompatible-parameters", "incompatible-option-group", "insufficient-capacity"}
)
ENDED_BY_START = frozenset({"incompatible-network", "inaccessible-encryption-credentials-recoverable"})
ENDED_BY_REBOOT = frozenset({"incompatible-parameters"})
#: The states in which a database can be deleted without a final snapshot only: API reference, DeleteDBInstance.
WITHOUT_FINAL_SNAPSHOT = frozenset({"failed", "incompatible-restore", "incompatible-network"})
ENDED_BY_DELETION = WITHOUT_FINAL_SNAPSHOT | {
    "incompatible-create",
    "restore-error",
    "inaccessible-encryption-credentials",
}

_events: Regional[list[dict[str, Any]]] = Regional(list)
"""Those that moto does not have."""


def upgrade(account: str, region: str, name: str, version: str) -> None:
    """Have a database run another version from now on."""
    with backends.LOCK:
        model = backends.backend("rds", account, region).databases[name]
        model.engine_version = version
        model.db_parameter_group_name = f"default.postgres{version.partition('.')[0]}"


def enter(account: str, region: str, name: str, state: str) -> None:
    """Bring a database into a state that it leaves by what a person does only, such as `storage-full`.

    Source: RDS User Guide, "Viewing Amazon RDS DB instance status".
    """
    with backends.LOCK:
        database = DATABASES.at(account, region)[name]
        database.busy, database.until = state, float("inf")


def lose_standby(account: str, region: str, name: str) -> None:
    """Have a Multi-AZ database serve without its standby, until another is built.

    Source: API reference, DBInstance, `SecondaryAvailabilityZone`: "If present, specifies the name of the secondary
    Availability Zone". No event says so: RDS User Guide, "Amazon RDS event categories and event messages".
    """
    with backends.LOCK:
        DATABASES.at(account, region)[name].without_standby = True


def fail_over(account: str, region: str, name: str, reason: str, now: float) -> None:
    """Have the standby take over: the zones change places, and the events tell it, with the reason at the end.

    Source: RDS User Guide, "Multi-AZ DB instance deployments", Failover process; RDS-EVENT-0013 and RDS-EVENT-0049.
    """
    with backends.LOCK:
        DATABASES.at(account, region)[name].failed_over ^= True
        for message in ("Multi-AZ instance failover started.", "Multi-AZ instance failover completed", reason):
            _events.at(account, region).append(
                {
                    "SourceIdentifier": name,
                    "SourceType": "db-instance",
                    "SourceArn": f"arn:aws:rds:{region}:{account}:db:{name}",
                    "EventCategories": ["failover"],
                    "Message": message,
                    "Date": datetime.fromtimestamp(now, UTC),
                }
            )


def show(call: Call, entry: dict[str, Any], database: Database) -> None:
    """Complete a description of a database: whether parameters wait for a restart, and its zones."""
    if database.parameters_pending:
        for group in entry.get("DBParameterGroups", ()):
            group["ParameterApplyStatus"] = "pending-reboot"
    zones = [subnet["SubnetAvailabilityZone"]["Name"] for subnet in entry.get("DBSubnetGroup", {}).get("Subnets", [])]
    if database.failed_over:
        zones.reverse()
    if zones:
        entry["AvailabilityZone"] = zones[0]
    entry.pop("SecondaryAvailabilityZone", None)
    if entry.get("MultiAZ") and database.busy != "creating" and not database.without_standby:
        entry["SecondaryAvailabilityZone"] = next((zone for zone in zones if zone != zones[0]), f"{call.region}b")


@handles("rds:DescribeEvents")
def describe_events(call: Call) -> Result:
    """Describe moto's events and ours of a source, of the last minutes (60 where nothing else is asked)."""
    params = call.params
    result = call.forward(params)
    since = call.now - 60 * params.get("Duration", 60)
    source, categories = params.get("SourceIdentifier"), set(params.get("EventCategories") or ())
    rows = [
        row
        for row in _events.of(call)
        if row["Date"].timestamp() >= since and source in {None, row["SourceIdentifier"]}
    ]
    found = [row for row in [*result["Events"], *rows] if not categories or categories & set(row["EventCategories"])]
    return {**result, "Events": found}
