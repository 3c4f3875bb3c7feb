"""The judge: what a spec names that nobody has granted to its namespace. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from missyou_operator.api import AppSpec
from missyou_operator.api.kind import TENANT_KIND, TENANT_PLURAL
from missyou_operator.api.tenant import Tenant
from missyou_operator.tenancy.grant import Grant
from missyou_operator.tenancy.patterns import begins, canonical_image, covers, covers_any, lies_in
from missyou_operator.tenancy.selection import Cluster


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing that is not granted: the field that names it, and what to do."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def membership(cluster: Cluster, namespace: str) -> Refusal | None:
    """Return why a namespace belongs to no tenant, or to more than one; None where it belongs to one."""
    names = cluster.tenants_of(namespace)
    if len(names) == 1:
        return None
    if len(names) > 1:
        listed = " and ".join(f"{TENANT_KIND}/{name}" for name in names)
        return Refusal(
            "metadata.namespace",
            f"{namespace} belongs to {listed}, and nobody can tell whose grants count: ask whoever administers them to "
            f"leave it to one (kubectl get {TENANT_PLURAL})",
        )
    broken = "".join(f"; {TENANT_KIND}/{name}: {why}" for name, why in sorted(cluster.unreadable.items()))
    return Refusal(
        "metadata.namespace",
        f"{namespace} belongs to no {TENANT_KIND}, so that nothing is granted to it: ask whoever administers the "
        f"cluster to add it to spec.namespaces of one (kubectl get {TENANT_PLURAL}){broken}",
    )


def grant_of(cluster: Cluster, namespace: str) -> Grant:
    """Return what the apps of a namespace that belongs to one tenant may use."""
    name = cluster.tenant_of(namespace)
    tenant = cluster.tenants[name]
    return Grant(
        name,
        tenant.credentials.role_arn or "",
        tuple(tenant.zones),
        tuple(tenant.zone_roles),
        tuple(tenant.snapshots),
    )


def refusals(
    cluster: Cluster, app: AppSpec, body: Mapping[str, Any], external_id: str, region: str
) -> tuple[Refusal, ...]:
    """Return all that a spec names and its tenant does not grant.

    `external_id` is the one that the operator uses, `region` that of stacks that name none. The sum of what stacks cost
    is judged elsewhere.
    """
    namespace = body["metadata"]["namespace"]
    if (problem := membership(cluster, namespace)) is not None:
        return (problem,)
    name = cluster.tenant_of(namespace)
    judge = _Judge(cluster, name, cluster.tenants[name], app, body, external_id, region)
    return tuple(judge.all())


@dataclass(frozen=True, slots=True)
class _Judge:
    cluster: Cluster
    name: str
    tenant: Tenant
    app: AppSpec
    body: Mapping[str, Any]
    external_id: str
    region: str

    def all(self) -> Iterator[Refusal]:
        yield from self._stack()
        yield from self._credentials()
        yield from self._secrets()
        yield from self._domain()
        yield from self._others()

    def _not_granted(self, path: str, value: object, field: str, remedy: str = "") -> Refusal:
        what = remedy or f"add it to spec.{field}"
        asked = f"ask whoever administers {TENANT_KIND}/{self.name} to {what}"
        return Refusal(path, f"{value} is not granted to the namespace {self._namespace}: {asked}")

    @property
    def _namespace(self) -> str:
        return str(self.body["metadata"]["namespace"])

    def _stack(self) -> Iterator[Refusal]:
        stack, prefix = self.app.stack_name, self.cluster.prefix_of(self._namespace)
        path = "spec.stackName" if (self.body.get("spec") or {}).get("stackName") else "metadata.name"
        if not begins(prefix, stack):
            wanted = f"set spec.stackPrefix to a name that {stack} begins with, or begin spec.stackName with {prefix}"
            yield self._not_granted(path, stack, "stackPrefix", wanted)
        elif holder := self.cluster.holder_of(stack, self._namespace):
            longer = f"choose another stackName: names that begin with {self.cluster.prefix_of(holder)}"
            yield Refusal(path, f"{stack} is not granted to the namespace {self._namespace}: {longer} are {holder}'s")
        granted, copied = tuple(self.tenant.regions) or (self.region,), self.app.database.backup_copy_region
        if self.app.region not in granted:
            yield self._not_granted("spec.region", self.app.region, "regions")
        if copied and copied not in granted:
            yield self._not_granted("spec.database.backupCopyRegion", copied, "regions")

    def _credentials(self) -> Iterator[Refusal]:
        own, given = self.tenant.credentials.role_arn, self.app.credentials
        if given.role_arn and given.role_arn != own:
            remedy = "set spec.credentials.roleARN to it, or remove it here: the tenant's own is used"
            yield self._not_granted("spec.credentials.roleARN", given.role_arn, "credentials.roleARN", remedy)
        yield from self._external_id("spec.credentials.externalID", given.external_id)

    def _external_id(self, path: str, given: str | None) -> Iterator[Refusal]:
        if given and given != self.external_id:
            text = (
                f"external IDs are not chosen by apps: remove it, or write {self.external_id}, which the operator uses"
            )
            yield Refusal(path, f"{given} is not granted to the namespace {self._namespace}: {text}")

    def _secrets(self) -> Iterator[Refusal]:
        secrets = self.app.secrets
        for wire, source in (
            ("googleAPIKey", secrets.google_api_key),
            ("firebaseServiceAccount", secrets.firebase_service_account),
        ):
            arn = source.secret_arn if source else None
            if arn and not covers_any(self.tenant.secrets, arn):
                yield self._not_granted(f"spec.secrets.{wire}.secretARN", arn, "secrets")

    def _domain(self) -> Iterator[Refusal]:
        domain = self.app.domain
        if domain is None:
            return
        if not any(lies_in(granted, domain.name) for granted in self.tenant.domains):
            yield self._not_granted("spec.domain.name", domain.name, "domains")
        if domain.hosted_zone_id and domain.hosted_zone_id not in self.tenant.zones:
            yield self._not_granted("spec.domain.hostedZoneID", domain.hosted_zone_id, "zones")
        role = domain.credentials.role_arn
        if role and role != self.tenant.credentials.role_arn and role not in self.tenant.zone_roles:
            yield self._not_granted("spec.domain.credentials.roleARN", role, "zoneRoles")
        yield from self._external_id("spec.domain.credentials.externalID", domain.credentials.external_id)

    def _others(self) -> Iterator[Refusal]:
        app, tenant = self.app, self.tenant
        snapshot = app.database.restore_from_snapshot
        # Whose one with a name of ours is, the restoring itself looks up.
        own = snapshot is not None and begins(app.stack_name, snapshot)
        if snapshot and not own and not covers_any(tenant.snapshots, snapshot):
            yield self._not_granted("spec.database.restoreFromSnapshot", snapshot, "snapshots")
        for key, name in sorted(app.existing.names.items()):
            if not covers_any(tenant.existing_names, name):
                yield self._not_granted(f"spec.existing.names[{key}]", name, "existingNames")
        if (image := app.image.repository) and not _granted_image(tenant, image):
            yield self._not_granted("spec.image.repository", image, "images")
        topic = app.monitoring.notifications.topic_arn
        if topic and topic not in tenant.topics:
            yield self._not_granted("spec.monitoring.notifications.topicARN", topic, "topics")
        for key in sorted(set(app.tags) - set(tenant.tag_keys)):
            yield self._not_granted(f"spec.tags[{key}]", key, "tagKeys")
        scheme = ((self.body.get("spec") or {}).get("loadBalancer") or {}).get("scheme") or "internet-facing"
        if tenant.exposure == "Internal" and scheme != "internal":
            remedy = "set spec.exposure to Public, or set spec.loadBalancer.scheme to internal here"
            yield self._not_granted("spec.loadBalancer.scheme", scheme, "exposure", remedy)


def _granted_image(tenant: Tenant, repository: str) -> bool:
    image = canonical_image(repository)
    return any(covers(canonical_image(pattern), image) for pattern in tenant.images)
