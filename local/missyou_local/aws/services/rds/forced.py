"""What AWS does to a database unasked: an upgrade of a major that it no longer supports.

Source: RDS User Guide, "Upgrading the PostgreSQL DB engine"; hashicorp/terraform-provider-aws issue 4777. The parameter
group of the old major cannot stay: RDS uses the default one of the new family.
"""

from __future__ import annotations

from missyou_local.aws import backends


def upgrade(account: str, region: str, name: str, version: str) -> None:
    """Have a database run another version from now on."""
    with backends.LOCK:
        model = backends.backend("rds", account, region).databases[name]
        model.engine_version = version
        model.db_parameter_group_name = f"default.postgres{version.partition('.')[0]}"
