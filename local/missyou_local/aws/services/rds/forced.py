"""What happens to a database unasked: AWS upgrades a major that it no longer supports, or the storage is used up.

Source: RDS User Guide, "Upgrading the PostgreSQL DB engine"; hashicorp/terraform-provider-aws issue 4777. The parameter
group of the old major cannot stay: RDS uses the default one of the new family.
"""

from __future__ import annotations

from missyou_local.aws import backends
from missyou_local.aws.services.rds.model import DATABASES


def upgrade(account: str, region: str, name: str, version: str) -> None:
    """Have a database run another version from now on."""
    with backends.LOCK:
        model = backends.backend("rds", account, region).databases[name]
        model.engine_version = version
        model.db_parameter_group_name = f"default.postgres{version.partition('.')[0]}"


def enter(account: str, region: str, name: str, state: str) -> None:
    """Bring a database into a state that it leaves by a change only, such as `storage-full`.

    Source: RDS User Guide, "Viewing Amazon RDS DB instance status".
    """
    with backends.LOCK:
        database = DATABASES.at(account, region)[name]
        database.busy, database.until = state, float("inf")
