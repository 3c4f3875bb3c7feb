"""PostgreSQL on RDS."""

from __future__ import annotations

from dataclasses import dataclass

from missyou_operator.api import AppSpec
from missyou_operator.api.components import Component
from missyou_operator.aws.identity import PRODUCTION_TAG, StackIdentity
from missyou_operator.aws.logs import LogGroup
from missyou_operator.aws.rds.desired import origin_of
from missyou_operator.aws.rds.evidence import DATA_TAG, evidence
from missyou_operator.aws.rds.groups import DBParameterGroup, DBSubnetGroup
from missyou_operator.aws.rds.instance import DBInstance
from missyou_operator.aws.rds.versions import major as major_of
from missyou_operator.aws.secretsmanager.secret import Secret
from missyou_operator.aws.secretsmanager.versions import SecretVersion, StagedPassword
from missyou_operator.engine.plan import ObservedState
from missyou_operator.engine.resource import Observed
from missyou_operator.engine.values import Ref
from missyou_operator.stack import naming
from missyou_operator.stack.context import Context, DatabaseLookup
from missyou_operator.stack.network import Network
from missyou_operator.stack.registry import registry_host
from missyou_operator.stack.security_groups import SecurityGroups

#: The regions whose RDS certificate authorities come with the app. A test compares them with its file.
VERIFIED_REGIONS = frozenset(
    {
        *("af-south-1", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2"),
        *("ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ca-central-1", "eu-central-1"),
        *("eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3"),
        *("me-central-1", "me-south-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2"),
    }
)


@dataclass(frozen=True, slots=True)
class Database:
    """What the other modules refer to. `url` is the version of the secret that holds a complete DATABASE_URL."""

    instance: DBInstance
    url: SecretVersion


def running_database(stack: StackIdentity, world: ObservedState) -> Observed | None:
    """Return the stack's database, unless it is being deleted."""
    rows = world.get(f"{DBInstance.TYPE}/{stack.fill(naming.DATABASE)}", ())
    return next((row for row in rows if row.owned and row.state != "deleting"), None)


def database_lookup(app: AppSpec, observed: Observed | None, major: int) -> DatabaseLookup:
    """Return what runs. `major` is the one that it runs, or can be upgraded to if the spec wants that."""
    if observed is None:
        return DatabaseLookup()
    held = evidence(observed, origin_of(app.database.restore_from_snapshot or "", app.database.restore_to_time or ""))
    return DatabaseLookup(observed.attrs.get("instance_class") or "", major, held)


def _remembered(app: AppSpec, running: DatabaseLookup) -> dict[str, str]:
    """Return the tags of the subnet group that outlive the database, and a change of the environment."""
    held = {DATA_TAG: running.evidence} if running.evidence else {}
    return {**held, PRODUCTION_TAG: "true"} if app.environment == "Production" else held


def database(ctx: Context, net: Network, groups: SecurityGroups, credentials: Secret, log_group: LogGroup) -> Database:
    """Declare the instance, its groups, and the credentials that its endpoint completes."""
    spec, add, named = ctx.app.database, ctx.graph.add, ctx.named(Component.DATABASE)
    running, password = ctx.lookups.database, ctx.lookups.password
    major = str(running.major or major_of(spec.engine_version))
    subnets = add(
        DBSubnetGroup(
            **named(naming.DATABASE_SUBNETS, tags=_remembered(ctx.app, running)),
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
            restore_to=spec.restore_to_time or "",
            database_name=spec.name,
            username=spec.username,
            credentials=credentials.ref("arn"),
            subnet_group=subnets.ref(),
            parameter_group=parameters.ref(),
            security_group_ids=(groups.rds.ref(),),
            rotation=password.rotation,
            rotation_request=password.request,
            # RDS would create its log group itself, untagged and never expiring.
            after=(log_group.ref(), *_staged(ctx, credentials)),
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
            sslmode=spec.ssl_mode or ("verify-full" if _verifies(ctx) else "require"),
            salt=ctx.stack.salt,
            rotation=password.rotation,
            held=instance.ref("rotation", ready=True),
        )
    )
    return Database(instance, url)


def _staged(ctx: Context, credentials: Secret) -> tuple[Ref, ...]:
    """Declare the next password while a rotation is under way: whoever is refused finds it before it counts."""
    password = ctx.lookups.password
    if not password.under_way:
        return ()
    staged = ctx.graph.add(
        StagedPassword(
            **ctx.named(Component.SECRETS).untagged(naming.CREDENTIALS),
            secret=credentials.ref("arn"),
            username=ctx.app.database.username,
            rotation=password.rotation,
            salt=ctx.stack.salt,
        )
    )
    return (staged.ref(),)


def _verifies(ctx: Context) -> bool:
    """Return whether the app can verify the database's certificate.

    libpq refuses to connect without the authorities in a file: those of RDS come with the app, and nobody knows of
    other images. ECS reads the URL whenever a task starts, one of the old version included, so all that runs counts.
    """
    own = f"{registry_host(ctx.stack)}/{ctx.stack.fill(naming.REPOSITORY)}"
    images = {ctx.app.image.repository or own, *ctx.lookups.running.repositories}
    return images == {own} and ctx.stack.region in VERIFIED_REGIONS
