"""The tenants, namespaces and apps of the cluster as the watches have shown them, and what the judge says of an app."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property, reduce
from typing import Any

from missyou_operator.api import AppSpec, InvalidSpec, parse
from missyou_operator.api.conditions import Reason
from missyou_operator.api.kind import TENANT_KIND
from missyou_operator.api.tenant import InvalidTenant, parse_tenant
from missyou_operator.aws.tenant_session import external_id
from missyou_operator.cost import PriceTable, at_most, bundled
from missyou_operator.engine.errors import RefusedError
from missyou_operator.tenancy.budget import Claim, exceeding
from missyou_operator.tenancy.grant import Grant
from missyou_operator.tenancy.judge import grant_of, membership, refusals
from missyou_operator.tenancy.selection import Cluster

#: An app, as its namespace and name.
Key = tuple[str, str]
#: What an app is told: its grant, or why it has none.
_Verdict = Grant | str | None


@dataclass
class _App:
    """An app as the watch has shown it. `region`: the operator's own. `most` is estimated once it is needed."""

    body: Mapping[str, Any]
    region: str
    most: tuple[Decimal, tuple[str, ...]] | None = None

    @cached_property
    def spec(self) -> AppSpec | None:
        """What it asks for, None where that is invalid: parsed once somebody judges it."""
        try:
            return parse(self.body, self.region)
        except InvalidSpec:
            return None

    @cached_property
    def spends(self) -> Decimal:
        """What its stack costs a month, by its status."""
        cost = (self.body.get("status") or {}).get("cost") or {}
        return sum((Decimal(row["monthlyUSD"]) for row in cost.get("components", ())), Decimal(0))

    def is_for(self, body: Mapping[str, Any]) -> bool:
        """Return whether a body is of the same app, with the same spec."""
        return all(self.body["metadata"].get(key) == body["metadata"].get(key) for key in ("uid", "generation"))

    def shown(self, body: Mapping[str, Any]) -> None:
        """Take over its newest state."""
        self.body = body
        self.__dict__.pop("spends", None)


@dataclass(slots=True)
class Tenants:
    """Thread-safe. `cluster` is its UID, `region` that of apps that name none.

    Each change returns the apps whose grant it changes, so that they can be woken.
    """

    uid: str = ""
    region: str = ""
    prices: PriceTable = field(default_factory=bundled)
    required: bool = False
    _cluster: Cluster = field(init=False)
    _listed: set[str] = field(init=False, default_factory=set)
    _apps: dict[Key, _App] = field(init=False, default_factory=dict)
    _limits: Mapping[str, str] | None = field(init=False, default=None)
    _lock: threading.RLock = field(init=False, default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self._cluster = Cluster(required=self.required)

    @property
    def judges(self) -> bool:
        """Whether anything is refused for want of a grant."""
        return self._cluster.judges

    def grant(self, body: Mapping[str, Any], app: AppSpec) -> Grant | None:
        """Return what an app may use, None where there are no tenants. Error: RefusedError if its spec names more."""
        with self._lock:
            if not self._cluster.judges:
                return None
            self._remember(body)
            verdict = self._verdict(body, app)
        if isinstance(verdict, str):
            raise RefusedError(Reason.NOT_GRANTED, verdict, 600.0)
        return verdict

    def grant_to_delete(self, body: Mapping[str, Any]) -> Grant | None:
        """Return what the deletion of an app may use, whatever its spec asks for.

        Error: RefusedError if its namespace belongs to no tenant: nobody's identity may be used then.
        """
        with self._lock:
            cluster, namespace = self._cluster, body["metadata"]["namespace"]
            if not cluster.judges:
                return None
            if (problem := membership(cluster, namespace)) is None:
                return grant_of(cluster, namespace)
        raise RefusedError(
            Reason.NOT_GRANTED,
            f"the stack is not deleted, and nothing of it is touched, since no identity may be used for that: "
            f"{problem}. The deletion then goes on by itself; or set spec.deletionPolicy to Retain to leave the stack",
            600.0,
        )

    def limit(self, namespace: str) -> str:
        """Return which limit the costs of a namespace's stacks count against, "" where there is none."""
        with self._lock:
            tenants = self._cluster.tenants
            limits = {name: tenants[name].max_monthly_usd for name in self._cluster.tenants_of(namespace)}
        return " and ".join(
            f"spec.maxMonthlyUSD ({limit}) of {TENANT_KIND}/{name}"
            for name, limit in limits.items()
            if limit is not None
        )

    @property
    def complete(self) -> bool:
        """Whether tenants and namespaces were both listed once."""
        return self._listed == {"tenants", "namespaces"}

    def lives(self, namespace: str, uid: str) -> bool:
        """Return whether a namespace has an app with a UID."""
        with self._lock:
            apps = [app.body["metadata"] for key, app in self._apps.items() if key[0] == namespace]
        return any(meta.get("uid") == uid for meta in apps)

    def set_tenants(self, bodies: Iterable[Mapping[str, Any]]) -> list[Key]:
        """Take over all tenants of the cluster."""
        self._listed.add("tenants")
        empty = Cluster(required=self.required)
        return self._change(lambda cluster: reduce(_with_tenant, bodies, replace(empty, namespaces=cluster.namespaces)))

    def tenant_seen(self, body: Mapping[str, Any], there: bool) -> list[Key]:
        """Take over one tenant, or that it is no longer there."""
        return self._change(lambda cluster: _with_tenant(cluster, body, there=there))

    def set_namespaces(self, bodies: Iterable[Mapping[str, Any]]) -> list[Key]:
        """Take over the labels of all namespaces."""
        self._listed.add("namespaces")
        labels = {body["metadata"]["name"]: _labels(body) for body in bodies}
        return self._change(lambda cluster: replace(cluster, namespaces=labels))

    def namespace_seen(self, body: Mapping[str, Any], there: bool) -> list[Key]:
        """Take over the labels of one namespace, or that it is no longer there."""
        name, known = body["metadata"]["name"], self._cluster.namespaces
        if there and known.get(name) == _labels(body):
            return []
        others = {other: labels for other, labels in known.items() if other != name}
        return self._change(
            lambda cluster: replace(cluster, namespaces=others | ({name: _labels(body)} if there else {}))
        )

    def app_seen(self, body: Mapping[str, Any]) -> list[Key]:
        """Take over an app as the watch shows it."""
        with self._lock:
            key = _key(body)
            known = self._apps.get(key)
            if known is not None and known.is_for(body):
                known.shown(body)
                return []
            return self._apps_changed(lambda: self._remember(body), key)

    def app_gone(self, key: Key) -> list[Key]:
        """Forget an app that no longer exists."""
        with self._lock:
            return self._apps_changed(lambda: self._apps.pop(key, None), key)

    def _remember(self, body: Mapping[str, Any]) -> None:
        known = self._apps.get(_key(body))
        if known is None or not known.is_for(body):
            self._apps[_key(body)] = _App(body, self.region)
            self._limits = None

    def _apps_changed(self, change: Callable[[], object], key: Key) -> list[Key]:
        """Change an app, and return the others that have more room for it, or less."""
        name = self._cluster.tenant_of(key[0])
        limited = name and self._cluster.tenants[name].max_monthly_usd is not None
        before = self._limited() if limited else {}
        change()
        self._limits = None
        after = self._limited() if limited else {}
        if before == after:
            return []
        return [other for other in self._apps if other != key and before.get(_text(other)) != after.get(_text(other))]

    def _change(self, change: Callable[[Cluster], Cluster]) -> list[Key]:
        with self._lock:
            before = {key: self._of(app) for key, app in self._apps.items()}
            self._cluster, self._limits = change(self._cluster), None
            return [key for key, app in self._apps.items() if self._of(app) != before[key]]

    def _of(self, app: _App) -> tuple[_Verdict, Grant | str | None, str]:
        """Return what an app is told, what its deletion is, and which limit a stack that it leaves would escape."""
        namespace = app.body["metadata"]["namespace"]
        if not self._cluster.judges:
            return None, None, ""
        problem = membership(self._cluster, namespace)
        deletion = str(problem) if problem else grant_of(self._cluster, namespace)
        verdict = deletion if app.spec is None else self._verdict(app.body, app.spec)
        return verdict, deletion, self.limit(namespace)

    def _verdict(self, body: Mapping[str, Any], app: AppSpec) -> Grant | str:
        if found := self._refusals(body, app):
            return "; ".join(map(str, found))
        if why := self._limited().get(_text(_key(body))):
            return why
        return grant_of(self._cluster, body["metadata"]["namespace"])

    def _refusals(self, body: Mapping[str, Any], app: AppSpec) -> tuple[object, ...]:
        return refusals(self._cluster, app, body, external_id(self.uid, body["metadata"]["namespace"]), self.region)

    def _limited(self) -> Mapping[str, str]:
        """Return the apps for which the limit of their tenant has no room, and why."""
        if self._limits is None:
            found: dict[str, str] = {}
            for name, tenant in self._cluster.tenants.items():
                if tenant.max_monthly_usd is not None:
                    mine = [app for key, app in self._apps.items() if self._cluster.tenant_of(key[0]) == name]
                    found |= exceeding([self._claim(app) for app in mine], name, tenant.max_monthly_usd)
            self._limits = found
        return self._limits

    def _claim(self, app: _App) -> Claim:
        meta = app.body["metadata"]
        key, created = _text(_key(app.body)), str(meta.get("creationTimestamp") or "")
        if app.spec is None:
            return Claim(key, created, app.spends, spends=app.spends, refused=True)
        if app.most is None:
            found = at_most(app.spec, self.prices)
            app.most = found.known, found.not_priced
        most, unpriced = app.most
        return Claim(key, created, most, unpriced, app.spends, bool(self._refusals(app.body, app.spec)))


def _with_tenant(cluster: Cluster, body: Mapping[str, Any], *, there: bool = True) -> Cluster:
    name = body["metadata"]["name"]
    good = {other: tenant for other, tenant in cluster.tenants.items() if other != name}
    bad = {other: why for other, why in cluster.unreadable.items() if other != name}
    if there:
        try:
            good[name] = parse_tenant(body)
        except InvalidTenant as error:
            bad[name] = str(error)
    return replace(cluster, tenants=good, unreadable=bad)


def _labels(body: Mapping[str, Any]) -> Mapping[str, str]:
    return dict(body["metadata"].get("labels") or {})


def _key(body: Mapping[str, Any]) -> Key:
    return body["metadata"]["namespace"], body["metadata"]["name"]


def _text(key: Key) -> str:
    return "/".join(key)
