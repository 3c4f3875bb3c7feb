"""What passes work with, and how a pass gets its handles on AWS and on Kubernetes Secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from missyou_operator.api import AppSpec, InvalidSpec, parse
from missyou_operator.api.annotations import PLACE, annotation
from missyou_operator.aws.clock import seconds, utc_now
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import classify
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.aws.observe import observe
from missyou_operator.aws.session import Account, Accounts
from missyou_operator.controller import place
from missyou_operator.controller.takeover import takes_over
from missyou_operator.cost import PriceTable, bundled
from missyou_operator.engine.errors import FlakyError
from missyou_operator.engine.outcome import Runtime
from missyou_operator.engine.resource import Health, Observed
from missyou_operator.engine.schedule import Workers
from missyou_operator.engine.values import Sensitive
from missyou_operator.stack.naming import NAMES
from missyou_operator.stack.secrets import KubernetesSecret

#: Seconds after a start of the operator in which AWS may not show what the one before has made at the last moment
#: (EC2 lags behind by up to 10 s).
_SETTLING = 10.0
#: Returns the data of a Kubernetes Secret by namespace and name, or None where there is none; a value that is not text
#: is None. Error: PermissionError with the name of the user that was refused.
SecretReader = Callable[[str, str], Mapping[str, str | None] | None]


@dataclass(frozen=True, slots=True)
class Environment:
    """What passes work with.

    `cluster` is the UID of the Kubernetes cluster, `pool` the workers for calls to AWS, `region` that of apps that name
    none, `resync` the seconds between two full observations, `started` when this process began.
    """

    accounts: Accounts
    cluster: str
    read_secret: SecretReader
    pool: Workers
    region: str
    resync: float
    started: datetime = field(default_factory=utc_now)
    prices: PriceTable = field(default_factory=bundled)
    #: Whether the deletion of a production app's data has to be confirmed.
    confirm_deletion: bool = True
    #: Stores where a stack lives, in an annotation of a MissYouApp: by namespace, name and value.
    record_place: Callable[[str, str, str], None] = lambda *_: None

    def just_started(self, body: Mapping[str, Any]) -> bool:
        """Return whether AWS may not show yet what the process before this one made for an app at the last moment.

        An app that is younger than this process cannot have been begun by another.
        """
        created = body["metadata"].get("creationTimestamp")
        if (utc_now() - self.started).total_seconds() > _SETTLING or not created:
            return False
        # Kubernetes cuts the fraction of the second off: an app of the very second of the start is younger, too.
        return datetime.fromisoformat(created) + timedelta(seconds=1) <= self.started

    def moves(self, body: Mapping[str, Any]) -> bool:
        """Return whether an app's stack, which has nothing in AWS yet, moves to another account or region.

        Error: RefusedError if it has something where it lives.
        """
        return place.check(body, self.accounts, self.region, lambda account: self._occupied(body, account))

    def _occupied(self, body: Mapping[str, Any], account: Account) -> bool:
        cloud = self._cloud(body, None, account)
        found = observe(cloud, Runtime(cloud, self.pool, classify), desired_names={}, since=seconds())
        return bool(found.unreadable) or any(row.owned for rows in found.world.values() for row in rows)

    def cloud(self, body: Mapping[str, Any], app: AppSpec | None) -> Cloud:
        """Return the handle on an app's stack in AWS. `app` is None in a deletion, whose spec may be invalid.

        Where the stack lives is recorded before anything is created. Error: RefusedError if a stack that is to be
        deleted cannot be reached.
        """
        if app is None:
            return self._cloud(body, app, place.account_of(body, self.accounts, self.region))
        here, account = place.meant(body, self.accounts, self.region)
        if annotation(body, PLACE) != here.text():
            self._record(body, here)
        return self._cloud(body, app, account)

    def _record(self, body: Mapping[str, Any], here: place.Place) -> None:
        try:
            self.record_place(body["metadata"]["namespace"], body["metadata"]["name"], here.text())
        except FlakyError:
            # An object without room for annotations is reconciled all the same, as long as its status has the place.
            if not place.in_status(body):
                raise

    def _cloud(self, body: Mapping[str, Any], app: AppSpec | None, account: Account) -> Cloud:
        meta, spec = body["metadata"], body.get("spec") or {}
        number, partition = account.identity()
        stack = StackIdentity(
            name=app.stack_name if app else spec.get("stackName") or meta["name"],
            app=f"{meta['namespace']}/{meta['name']}",
            cluster=self.cluster,
            account=number,
            region=account.session.region_name,
            uid=meta["uid"],
            partition=partition,
            # A deletion deletes what is this app's by now, and nothing else.
            takes_over=app is not None and takes_over(body),
        )
        zone = (spec.get("domain") or {}).get("credentials") or {}

        def assume(role: str) -> Account:
            return self.accounts.get(stack.region, role, zone.get("externalID", ""))

        final_snapshot = app is not None or _final_snapshot(body, self.region)
        return Cloud(account, stack, account.inventory, NAMES, final_snapshot=final_snapshot, assume=assume)

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
            except PermissionError as refusal:
                data, why = None, key.forbidden(namespace, str(refusal))
            if why is not None:
                unusable[key.address] = why
            elif data and (value := data[key.key]):
                found[key.address] = (Observed(KubernetesSecret, key.name, key.name, {"value": Sensitive(value)}),)
        return found, unusable


def _final_snapshot(body: Mapping[str, Any], region: str) -> bool:
    """Return whether a last snapshot is wanted. A spec that cannot be read gets one: nothing is lost by default."""
    try:
        return parse(body, region).database.final_snapshot
    except InvalidSpec:
        return True
