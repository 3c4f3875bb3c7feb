"""What must be known before a stack can be built: Terraform's data sources, declared from the spec alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from missyou_operator.api import AppSpec
from missyou_operator.aws.acm import Certificate
from missyou_operator.aws.clock import utc_now
from missyou_operator.aws.ec2.flow_logs import FlowLog
from missyou_operator.aws.ec2.vpc import Subnet
from missyou_operator.aws.ecr import Repository
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.aws.rds.snapshot import DBSnapshot
from missyou_operator.aws.s3.bucket import Bucket
from missyou_operator.aws.secretsmanager.secret import Secret
from missyou_operator.engine.external import External
from missyou_operator.engine.plan import ObservedState
from missyou_operator.engine.resource import Health, Observed
from missyou_operator.stack import naming
from missyou_operator.stack.backups import SnapshotRequest, snapshot_name
from missyou_operator.stack.context import Lookups
from missyou_operator.stack.database import database_lookup, running_database
from missyou_operator.stack.domain import domain_lookup, hosted_zone
from missyou_operator.stack.notifications import given_topic
from missyou_operator.stack.registry import image, image_lookup
from missyou_operator.stack.rotation import RotationRequest
from missyou_operator.stack.running import running_version
from missyou_operator.stack.secrets import KubernetesSecret, kubernetes_secrets, taken_over


@dataclass(frozen=True, slots=True)
class DataSources:
    """What one stack looks up: `externals` and `names` say what to read, `answers` makes of it what was found."""

    app: AppSpec
    stack: StackIdentity
    request: SnapshotRequest
    rotation: RotationRequest = field(default_factory=RotationRequest)
    boundary: str | None = None

    @property
    def kubernetes_secrets(self) -> tuple[KubernetesSecret, ...]:
        """The keys of Kubernetes Secrets to read; the pass reads them, since `aws/` cannot."""
        return tuple(kubernetes_secrets(self.app).values())

    @property
    def externals(self) -> tuple[External, ...]:
        """Everything that the stack uses and does not own; the readers of these types find it by its name."""
        found = (hosted_zone(self.app), given_topic(self.app), image(self.app, self.stack))
        return (*filter(None, found), *self.kubernetes_secrets)

    @property
    def names(self) -> Mapping[str, Sequence[str]]:
        """The desired names, by type, for the readers that need them.

        Externals and the snapshot are found by their names alone. The list of secrets lags, so each desired one that it
        lacks is asked for. Repository and bucket are searched for data only where they are not desired. The tasks' log
        is read only where it may be quoted, a flow log only where there may be one.
        """
        app, own = self.app, {Secret.TYPE: [naming.CREDENTIALS, *kubernetes_secrets(self.app)]}
        if not app.image.repository:
            own[Repository.TYPE] = [naming.REPOSITORY]
        if app.load_balancer.access_logs.enabled:
            own[Bucket.TYPE] = [naming.LOG_BUCKET]
        if app.network.flow_logs.enabled:
            own[FlowLog.TYPE] = [naming.FLOW_LOG]
        if app.monitoring.quote_logs:
            own["ecs.Log"] = [naming.APP_LOG]
        names = {type_: [self.stack.fill(pattern) for pattern in patterns] for type_, patterns in own.items()}
        if app.domain is not None:
            names[Certificate.TYPE] = [app.domain.name]
        if self.request.value:
            names[DBSnapshot.TYPE] = [snapshot_name(self.stack, self.request.value)]
        for external in self.externals:
            names.setdefault(external.TYPE, []).append(external.name)
        return names

    def taken_over(self, world: ObservedState, unusable: Mapping[str, Health]) -> dict[str, tuple[Observed, ...]]:
        """Return observations of the `unusable` Kubernetes Secrets whose values the stack's own secrets still hold."""
        return {
            key.address: (taken_over(key, unusable[key.address]),)
            for pattern, key in kubernetes_secrets(self.app).items()
            for own in world.get(f"{Secret.TYPE}/{self.stack.fill(pattern)}", ())
            if own.owned and key.address in unusable
        }

    def zones_in_use(self, world: ObservedState) -> tuple[str, ...]:
        """Return the zone of the subnets of each letter, "" where there are none yet."""
        return tuple(next(self._zones(world, letter), "") for letter in naming.LETTERS)

    def _zones(self, world: ObservedState, letter: str) -> Iterator[str]:
        # The database's subnets count first: they are the hardest to leave.
        for tier in reversed(naming.TIERS):
            for subnet in world.get(f"{Subnet.TYPE}/{self.stack.fill(naming.SUBNETS[tier, letter])}", ()):
                yield subnet.attrs["zone"]

    def running_version(self, world: ObservedState) -> str:
        """Return the version that the database runs, "" where there is none."""
        running = running_database(self.stack, world)
        return running.attrs.get("running_version") or "" if running else ""

    def answers(self, world: ObservedState, zones: tuple[str, str], major: int) -> Lookups:
        """Return what was found, for `build`. `major` is that of PostgreSQL which runs or can run: see `aws.rds`."""
        domain = domain_lookup(self.app, self.stack, world)
        snapshot, in_use = self.request.wanted(self.stack, world), image_lookup(self.app, self.stack, world)
        instance = running_database(self.stack, world)
        return Lookups(
            zones,
            domain,
            snapshot,
            in_use,
            database=database_lookup(self.app, instance, major),
            password=self.rotation.lookup(self.app, self.stack, world, instance, utc_now()),
            running=running_version(self.app, self.stack, world),
            boundary=self.boundary,
        )
