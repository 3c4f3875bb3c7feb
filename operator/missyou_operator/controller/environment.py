"""What passes work with, and how a pass gets its handles on AWS and on Kubernetes Secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from missyou_operator.api import AppSpec, InvalidSpec, parse
from missyou_operator.api.annotations import PLACE, annotation
from missyou_operator.api.conditions import Reason
from missyou_operator.aws.assumed import Identity
from missyou_operator.aws.boundary import boundary_in
from missyou_operator.aws.clock import utc_now
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import classify
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.aws.informer import anew
from missyou_operator.aws.observe import observe
from missyou_operator.aws.session import Account, Accounts
from missyou_operator.controller import place
from missyou_operator.controller.takeover import requested, takes_over
from missyou_operator.controller.tenants import Tenants
from missyou_operator.cost import PriceTable, bundled
from missyou_operator.engine.errors import FlakyError, RefusedError
from missyou_operator.engine.outcome import Runtime
from missyou_operator.engine.resource import Health, Observed
from missyou_operator.engine.schedule import Workers
from missyou_operator.engine.values import Sensitive
from missyou_operator.stack.naming import NAMES
from missyou_operator.stack.secrets import KubernetesSecret, NotOpaqueError
from missyou_operator.tenancy.grant import Grant

#: Seconds after a start of the operator, or the takeover of a shard, in which AWS may not show what the operator before
#: has made at the last moment (EC2 lags behind by up to 10 s).
_SETTLING = 10.0
#: Returns the data of a Kubernetes Secret by namespace and name, or None where there is none; a value that is not text
#: is None. Errors: PermissionError with the name of the user that was refused, NotOpaqueError.
SecretReader = Callable[[str, str], Mapping[str, str | None] | None]


@dataclass(frozen=True, slots=True)
class Environment:
    """What passes work with.

    `cluster` is the UID of the Kubernetes cluster, `pool` the workers for calls to AWS, `region` that of apps that name
    none, `resync` the seconds between two full observations; `acts_since` returns since when this process acts for the
    app that a pass is run for.
    """

    accounts: Accounts
    cluster: str
    read_secret: SecretReader
    pool: Workers
    region: str
    resync: float
    acts_since: Callable[[], datetime] = field(default_factory=lambda: _always(utc_now()))
    prices: PriceTable = field(default_factory=bundled)
    #: Whether the deletion of a production app's data has to be confirmed.
    confirm_deletion: bool = True
    #: Stores where a stack lives, in an annotation of a MissYouApp: by namespace, name and value.
    record_place: Callable[[str, str, str], None] = lambda *_: None
    tenants: Tenants = field(default_factory=Tenants)
    #: The ARN of the policy that limits the roles of all stacks, "" for none.
    permissions_boundary: str = ""
    #: Returns whether changes in an account and region are heard of by events, so that less has to be looked at.
    hears: Callable[[str, str], bool] = lambda *_: False

    def just_started(self, body: Mapping[str, Any]) -> bool:
        """Return whether AWS may not show yet what the process before this one made for an app at the last moment.

        An app that was created since this process works on its shard cannot have been begun by another.
        """
        created, since = body["metadata"].get("creationTimestamp"), self.acts_since()
        if (utc_now() - since).total_seconds() > _SETTLING or not created:
            return False
        # Kubernetes cuts the fraction of the second off: an app of the very second of the start is younger, too.
        return datetime.fromisoformat(created) + timedelta(seconds=1) <= since

    def moves(self, body: Mapping[str, Any], grant: Grant | None) -> bool:
        """Return whether an app's stack, which has nothing in AWS yet, moves to another account or region.

        Error: RefusedError if it has something where it lives.
        """
        ways = self._ways(body, grant)
        return place.check(body, self.accounts, self.region, ways, lambda account: self._occupied(body, account, grant))

    def _occupied(self, body: Mapping[str, Any], account: Account, grant: Grant | None) -> bool:
        cloud = self._cloud(body, None, account, grant)
        found = observe(cloud, Runtime(cloud, self.pool, classify), desired_names={}, freshness=anew)
        return bool(found.unreadable) or any(row.owned for rows in found.world.values() for row in rows)

    def cloud(self, body: Mapping[str, Any], app: AppSpec | None, grant: Grant | None) -> Cloud:
        """Return the handle on an app's stack in AWS. `app` is None in a deletion, whose spec may be invalid.

        Where the stack lives is recorded before anything is created. Error: RefusedError if a stack that is to be
        deleted cannot be reached.
        """
        ways = self._ways(body, grant)
        if app is None:
            return self._cloud(body, app, place.account_of(body, self.accounts, self.region, ways), grant)
        here, account = place.meant(body, self.accounts, self.region, ways[0])
        if annotation(body, PLACE) != here.text():
            self._record(body, here)
        return self._cloud(body, app, account, grant)

    def _record(self, body: Mapping[str, Any], here: place.Place) -> None:
        try:
            self.record_place(body["metadata"]["namespace"], body["metadata"]["name"], here.text())
        except FlakyError:
            # An object without room for annotations is reconciled all the same, as long as its status has the place.
            if not place.in_status(body):
                raise

    def _ways(self, body: Mapping[str, Any], grant: Grant | None) -> Sequence[Identity]:
        """Return the identities that may lead to an app's stack, the one that is meant first.

        With tenants, it is the tenant's alone: the annotation that records the place is anybody's to write.
        """
        if grant is not None:
            return (self._granted(body, grant.role),)
        known = place.recorded(body)
        noted = (known.role, known.external_id) if known else ("", "")
        return tuple(self._chosen(body, *given) for given in (place.credentials(body), noted, ("", "")))

    def _granted(self, body: Mapping[str, Any], role: str) -> Identity:
        meta = body["metadata"]
        return Identity.granted(role, self.cluster, meta["namespace"], meta["name"]) if role else Identity()

    @staticmethod
    def _chosen(body: Mapping[str, Any], role: str, external_id: str) -> Identity:
        meta = body["metadata"]
        return Identity.chosen(role, external_id, meta["namespace"], meta["name"]) if role else Identity()

    def _cloud(self, body: Mapping[str, Any], app: AppSpec | None, account: Account, grant: Grant | None) -> Cloud:
        meta, spec = body["metadata"], body.get("spec") or {}
        number, partition = account.identity()
        stack = StackIdentity(
            name=app.stack_name if app else spec.get("stackName") or meta["name"],
            app=f"{meta['namespace']}/{meta['name']}",
            cluster=self.cluster,
            account=number,
            region=account.region.name,
            uid=meta["uid"],
            partition=partition,
            # A deletion deletes what is this app's by now, and nothing else.
            takes_over=app is not None and takes_over(body),
            existing=app.existing.names if app else _existing_names(spec),
        )
        zone = (spec.get("domain") or {}).get("credentials") or {}

        def assume(role: str) -> Account:
            if grant is None:
                return self.accounts.get(stack.region, self._chosen(body, role, zone.get("externalID", "")))
            if role not in {grant.role, *grant.zone_roles}:
                # A tag of the certificate names it, too: a deletion has no spec that the judge could have seen.
                raise RefusedError(
                    Reason.NOT_GRANTED,
                    f"the role {role} for the hosted zone is not granted to the namespace {meta['namespace']}: ask "
                    f"whoever administers MissYouTenant/{grant.tenant} to add it to spec.zoneRoles",
                )
            return self.accounts.get(stack.region, self._granted(body, role))

        final_snapshot = app is not None or _final_snapshot(body, self.region)
        return Cloud(
            account,
            stack,
            account.inventory,
            NAMES,
            final_snapshot=final_snapshot,
            assume=assume,
            elsewhere=lambda region: self.accounts.get(region, account.acts_as),
            grant=grant,
            lives=lambda uid: self.tenants.lives(meta["namespace"], uid),
            inherits=requested(body),
        )

    def boundary_for(self, stack: StackIdentity) -> str | None:
        """Return the permissions boundary of a stack's roles: the policy of that name in the stack's own account."""
        return boundary_in(self.permissions_boundary, stack.partition, stack.account)

    def secrets(
        self, namespace: str, keys: Iterable[KubernetesSecret]
    ) -> tuple[dict[str, tuple[Observed, ...]], dict[str, Health]]:
        """Read keys of Kubernetes Secrets; return those found, and why others give no value."""
        found: dict[str, tuple[Observed, ...]] = {}
        unusable: dict[str, Health] = {}
        for key in keys:
            try:
                data = self.read_secret(namespace, key.secret)
                why = key.unusable(namespace, data)
            except NotOpaqueError as refusal:
                data, why = None, key.not_opaque(namespace, refusal.type)
            except PermissionError as refusal:
                data, why = None, key.forbidden(namespace, str(refusal))
            if why is not None:
                unusable[key.address] = why
            elif data and (value := data[key.key]):
                found[key.address] = (Observed(KubernetesSecret, key.name, key.name, {"value": Sensitive(value)}),)
        return found, unusable


def _always(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


def _existing_names(spec: Mapping[str, Any]) -> dict[str, str]:
    """Return `existing.names` of a spec that may be invalid otherwise."""
    names = (spec.get("existing") or {}).get("names") or {}
    return {key: name for key, name in names.items() if isinstance(name, str)}


def _final_snapshot(body: Mapping[str, Any], region: str) -> bool:
    """Return whether a last snapshot is wanted. A spec that cannot be read gets one: nothing is lost by default."""
    try:
        return parse(body, region).database.final_snapshot
    except InvalidSpec:
        return True
