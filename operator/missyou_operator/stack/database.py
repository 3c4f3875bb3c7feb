"""PostgreSQL on RDS."""

from __future__ import annotations

from dataclasses import dataclass

from missyou_operator.api.components import Component
from missyou_operator.aws.logs import LogGroup
from missyou_operator.aws.rds.groups import DBParameterGroup, DBSubnetGroup
from missyou_operator.aws.rds.instance import DBInstance
from missyou_operator.aws.secretsmanager.secret import Secret, SecretVersion
from missyou_operator.stack import naming
from missyou_operator.stack.context import Context
from missyou_operator.stack.network import Network
from missyou_operator.stack.security_groups import SecurityGroups


@dataclass(frozen=True, slots=True)
class Database:
    """What the other modules refer to. `url` is the version of the secret that holds a complete DATABASE_URL."""

    instance: DBInstance
    url: SecretVersion


def database(ctx: Context, net: Network, groups: SecurityGroups, credentials: Secret, log_group: LogGroup) -> Database:
    """Declare the instance, its groups, and the credentials that its endpoint completes."""
    spec, add, named = ctx.app.database, ctx.graph.add, ctx.named(Component.DATABASE)
    major = spec.engine_version.split(".")[0]
    subnets = add(
        DBSubnetGroup(
            **named(naming.DATABASE),
            subnet_ids=tuple(subnet.ref() for subnet in net.database),
            description=f"Database subnets of {ctx.stack.app}",
        )
    )
    parameters = add(
        DBParameterGroup(
            **named(naming.PARAMETERS, major), family=f"postgres{major}", parameters={"rds.force_ssl": "1"}
        )
    )
    instance = add(
        DBInstance(
            **named(naming.DATABASE),
            engine_version=spec.engine_version,
            instance_class=spec.instance_class,
            storage_gib=spec.storage_gib,
            max_storage_gib=spec.max_storage_gib,
            multi_az=spec.multi_az,
            backup_retention_days=spec.backup_retention_days,
            performance_insights=spec.performance_insights,
            deletion_protection=spec.deletion_protection,
            backup_window=spec.backup_window,
            maintenance_window=spec.maintenance_window,
            restore_from=spec.restore_from_snapshot or "",
            database_name=spec.name,
            username=spec.username,
            credentials=credentials.ref("arn"),
            subnet_group=subnets.ref(),
            parameter_group=parameters.ref(),
            security_group_ids=(groups.rds.ref(),),
            # RDS would create its log group itself, untagged and never expiring.
            after=(log_group.ref(),),
        )
    )
    url = add(
        SecretVersion(
            **ctx.named(Component.SECRETS).untagged(naming.CREDENTIALS),
            secret=credentials.ref("arn"),
            host=instance.ref("endpoint", ready=True),
            port=instance.ref("port"),
            username=spec.username,
            database=spec.name,
            salt=ctx.stack.token("secret"),
        )
    )
    return Database(instance, url)
