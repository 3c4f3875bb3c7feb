"""The listeners of the load balancer: HTTP, HTTPS, and the redirect from the one to the other.

Sources: Elastic Load Balancing v2 API reference; Application Load Balancers guide, "HTTPS listeners".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Cloud, pages
from missyou_operator.aws.elbv2.effects import LISTENER, REDIRECT
from missyou_operator.aws.elbv2.rows import duplicate_as_wait, retag, with_tags
from missyou_operator.aws.errors import code_of, gone
from missyou_operator.aws.identity import tag_list
from missyou_operator.aws.informer import FRESH, SLOW
from missyou_operator.aws.permissions import OURS, TAGGED_BY_REQUEST, Grant, Part, change, observe, tag_new
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.comparators import as_set, compare
from missyou_operator.engine.errors import NotYetError
from missyou_operator.engine.resource import READY, Health, Observed, Resource
from missyou_operator.engine.values import Ref

_RULES = ("elbv2", "describe_rules", "Rules")

#: TLS 1.3 and 1.2 with forward secrecy. AWS recommends it, but the API's default is another: ALB guide, "Security
#: policies".
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
HTTP, HTTPS = 80, 443
_BALANCER = "elasticloadbalancing:loadbalancer/app/{elbv2.LoadBalancer}/*"
_LISTENER = "elasticloadbalancing:listener/app/{elbv2.LoadBalancer}/*"
#: The mode of mutual authentication in which a client needs no certificate: API reference, MutualAuthentication.
_NO_CLIENT_CERTIFICATES = "off"
#: The fields that a redirect stands in for.
_FORWARDED = frozenset({"target_group_arn", "standby"})
#: AWS fills in what a redirect leaves out: host, path and query stay.
_REDIRECT = {
    "Type": "redirect",
    "RedirectConfig": {"Protocol": "HTTPS", "Port": str(HTTPS), "StatusCode": "HTTP_301"},
}


@dataclass(frozen=True, kw_only=True)
class Listener(Resource):
    """A listener that forwards to one target group. Its load balancer and port identify it.

    The groups in `standby` get no requests (their weight is 0), but their targets are checked: ECS only starts tasks in
    a group that a listener knows. Source: ALB guide, "Actions for listener rules". Once ECS `shifts` the requests
    between the groups, their weights are its own: whatever they are, the listener is as desired, and a change of
    something else leaves them as they are. ECS names the listener by the ARN of its default `rule`, which only
    DescribeRules shows, and which is read where there are several groups.

    With a certificate it serves HTTPS by `tls_policy`. `may_redirect` also accepts a redirect to HTTPS, which a
    `Redirect` sets.
    """

    TYPE: ClassVar[str] = "elbv2.Listener"
    COMPARED = compare(
        "load_balancer_arn",
        "port",
        "target_group_arn",
        "certificate_arn",
        "tls_policy",
        "mutual_tls",
        standby=as_set,
    )
    FORCES_REPLACEMENT: ClassVar[frozenset[str]] = frozenset({"load_balancer_arn"})
    IDENTITY = "id"
    # Requests in flight finish while the tasks drain.
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("ecs.Service",)
    READ_AFTER: ClassVar[tuple[str, ...]] = ("elbv2.LoadBalancer", "elbv2.TargetGroup")
    EFFECTS = LISTENER
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeTags"),
        observe("elasticloadbalancing:DescribeRules"),
        # Its resource is the load balancer that it is added to.
        Grant(Part.MAKE, ("elasticloadbalancing:CreateListener",), (_BALANCER,), (OURS, TAGGED_BY_REQUEST)),
        tag_new("elasticloadbalancing:AddTags", "CreateListener", on=(_LISTENER,)),
        change(
            "elasticloadbalancing:ModifyListener",
            "elasticloadbalancing:DeleteListener",
            "elasticloadbalancing:AddTags",
            "elasticloadbalancing:RemoveTags",
            on=(_LISTENER,),
        ),
    )

    load_balancer_arn: str | Ref
    port: int
    target_group_arn: str | Ref
    certificate_arn: str | Ref = ""
    tls_policy: str = ""
    may_redirect: bool = False
    standby: tuple[str | Ref, ...] = ()
    shifts: bool = False

    @property
    def mutual_tls(self) -> str:
        """Whether clients have to show a certificate."""
        return _NO_CLIENT_CERTIFICATES

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read the listeners of the stack's load balancer; untagged ones are ours too."""
        rows: list[Mapping[str, Any]] = []
        # Of several groups, ECS shifts requests from one to the other; to a single one they are led by us alone.
        rhythm = FRESH if len(reader.found("elbv2.TargetGroup")) > 1 else SLOW
        for balancer in reader.found("elbv2.LoadBalancer"):
            rows += reader.detail_rows(rhythm, "elbv2", "describe_listeners", "Listeners", LoadBalancerArn=balancer.id)
        secure = next((row["ListenerArn"] for row in rows if row["Port"] == HTTPS), "")
        return [cls._observed(reader, row, secure) for row in with_tags(reader, rows, "ListenerArn")]

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any], secure: str) -> Observed:
        arn, port, actions = row["ListenerArn"], row["Port"], row.get("DefaultActions") or ()
        names = dict(zip((HTTP, HTTPS), reader.names(cls.TYPE), strict=True))
        name = names.get(port, f"{reader.stack.name}-listener-{port}")
        certificates = [entry["CertificateArn"] for entry in row.get("Certificates") or ()]
        redirects = _redirects(actions)
        weights = weights_in(actions)
        serving, standby = forwards_to(weights)
        attrs = {
            "id": arn,
            "arn": arn,
            "load_balancer_arn": row["LoadBalancerArn"],
            "port": port,
            "target_group_arn": serving,
            "standby": standby,
            "weights": weights,
            "rule": _default(reader.detail_rows(SLOW, *_RULES, ListenerArn=arn)) if len(weights) > 1 else "",
            "certificate_arn": certificates[0] if certificates else "",
            "tls_policy": (row.get("SslPolicy") or "") if certificates else "",
            "redirects": redirects,
            "mutual_tls": (row.get("MutualAuthentication") or {}).get("Mode") or _NO_CLIENT_CERTIFICATES,
            # The redirect's target, which must not be deleted while this one redirects to it.
            "leads_to": secure if redirects else "",
        }
        return reader.observed(cls, name, arn, attrs, row["Tags"], adopt=True)

    def matches(self, name: str, observed: Observed) -> bool:
        """Accept a redirect if `may_redirect` allows it."""
        redirects = name in _FORWARDED and self.may_redirect and observed.attrs.get("redirects")
        shifted = name in _FORWARDED and self.shifts and observed.attrs["weights"].keys() == {*self._groups}
        return bool(redirects or shifted) or super().matches(name, observed)

    @property
    def _groups(self) -> tuple[str | Ref, ...]:
        return (self.target_group_arn, *self.standby)

    def create(self, cloud: Cloud) -> Observed:
        """Create it; the load balancer may still be provisioning."""
        with duplicate_as_wait(self.address), _new_certificate_as_wait():
            row = cloud.client("elbv2").create_listener(
                LoadBalancerArn=self.load_balancer_arn,
                Port=self.port,
                DefaultActions=self._actions({}),
                Tags=tag_list(self.tags),
                **self._protocol(),
            )["Listeners"][0]
        rule = default_rule(cloud.client("elbv2"), row["ListenerArn"]) if self.standby else ""
        return self.as_created(row["ListenerArn"], arn=row["ListenerArn"], weights=self._weights({}), rule=rule)

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Change it in place, in one call: a new certificate is served from one request to the next."""
        mutual = {"MutualAuthentication": {"Mode": self.mutual_tls}} if "mutual_tls" in changed else {}
        keeps_redirect = self.may_redirect and observed.attrs.get("redirects") and not changed & _FORWARDED
        rule = {"rule": default_rule(cloud.client("elbv2"), observed.id)} if "standby" in changed else {}
        if changed - {"tags"}:
            with _new_certificate_as_wait():
                cloud.client("elbv2").modify_listener(
                    ListenerArn=observed.id,
                    Port=self.port,
                    **({"DefaultActions": [_REDIRECT]} if keeps_redirect else self._forward(cloud, changed, observed)),
                    **self._protocol(),
                    **mutual,
                )
        if "tags" in changed:
            retag(cloud, self, observed)
        if keeps_redirect:
            return self.as_desired(observed)
        weights = self._weights(observed.attrs["weights"])
        return self.as_desired(observed, redirects=False, leads_to="", weights=weights, **rule)

    def _protocol(self) -> dict[str, Any]:
        if not self.certificate_arn:
            return {"Protocol": "HTTP"}
        certificate = {"CertificateArn": self.certificate_arn}
        return {"Protocol": "HTTPS", "SslPolicy": self.tls_policy, "Certificates": [certificate]}

    def _forward(self, cloud: Cloud, changed: frozenset[str], observed: Observed) -> dict[str, Any]:
        """Return the actions to set; none where ECS has set them, since they may be others by now."""
        if not self.shifts:
            return {"DefaultActions": self._actions({})}
        if not changed & _FORWARDED:
            return {}
        [row] = cloud.client("elbv2").describe_listeners(ListenerArns=[observed.id])["Listeners"]
        return {"DefaultActions": self._actions(weights_in(row.get("DefaultActions") or ()))}

    def _actions(self, present: Mapping[str, int]) -> list[dict[str, Any]]:
        if not self.standby:
            return [{"Type": "forward", "TargetGroupArn": self.target_group_arn}]
        groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in self._weights(present).items()]
        return [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]

    def _weights(self, present: Mapping[str, int]) -> dict[str, int]:
        weights = {str(self.target_group_arn): 1, **dict.fromkeys(map(str, self.standby), 0)}
        kept = {arn: present[arn] for arn in weights if arn in present} if self.shifts else {}
        return {**weights, **kept} if any(kept.values()) else weights

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it."""
        return gone(lambda: cloud.client("elbv2").delete_listener(ListenerArn=observed.id))


@dataclass(frozen=True, kw_only=True)
class Redirect(Resource):
    """The redirect of the HTTP listener to HTTPS, by a 301.

    It is a resource of its own, since it may be set only once HTTPS is served: until then HTTP serves, and the target
    group must never be without a listener. The listener removes it: it forwards again once it may not redirect.
    """

    TYPE: ClassVar[str] = "elbv2.Redirect"
    READ_AFTER: ClassVar[tuple[str, ...]] = ("elbv2.Listener",)
    EFFECTS = REDIRECT
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (change("elasticloadbalancing:ModifyListener", on=(_LISTENER,)),)

    listener: str | Ref
    #: Whether a deployment shifts requests by the HTTP listener, which must not redirect before that is over.
    waits: bool = False

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Return the redirects of the listeners that were read."""
        return [
            Observed(cls, f"{row.name}-redirect", f"{row.id}/redirect", {"id": row.id}, component=row.component)
            for row in reader.found("elbv2.Listener")
            if row.attrs["port"] == HTTP and row.attrs["redirects"]
        ]

    def diff(self, observed: Observed) -> tuple[()]:  # noqa: ARG002
        """Return no differences: it exists or not, and has no tags of its own."""
        return ()

    def create(self, cloud: Cloud) -> Observed:
        """Set the listener's action to the redirect. Raises NotYetError while ECS needs the listener's weights."""
        if self.waits:
            text = "HTTP leads to HTTPS as soon as the deployment is over that shifts requests by HTTP"
            raise NotYetError("RollingOut", text, 30.0)
        cloud.client("elbv2").modify_listener(ListenerArn=self.listener, DefaultActions=[_REDIRECT])
        return self.as_created(f"{self.listener}/redirect")

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:  # noqa: ARG002
        """Return it as it is: there is nothing to change."""
        return observed

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:  # noqa: ARG003
        """Do nothing: the listener forwards again, or is deleted."""
        return READY


def default_rule(elb: Any, listener: str) -> str:
    """Read the ARN of a listener's default rule."""
    _, operation, result = _RULES
    return _default(pages(elb, operation, result, ListenerArn=listener))


def _default(rules: Sequence[Mapping[str, Any]]) -> str:
    return next((str(row["RuleArn"]) for row in rules if row.get("IsDefault")), "")


def weights_in(actions: Sequence[Mapping[str, Any]]) -> Mapping[str, int]:
    """Return the target groups that a listener's actions forward to, with their weights; {} for any other action.

    AWS shows a simple forward in two ways at once; the weight of a single group means nothing.
    """
    if len(actions) != 1 or actions[0].get("Type") != "forward":
        return {}
    rows = (actions[0].get("ForwardConfig") or {}).get("TargetGroups") or ()
    weights = {str(row["TargetGroupArn"]): int(row.get("Weight", 1)) for row in rows}
    if single := actions[0].get("TargetGroupArn"):
        weights = {**weights, str(single): 1}
    return dict.fromkeys(weights, 1) if len(weights) == 1 else weights


def forwards_to(weights: Mapping[str, int]) -> tuple[str, tuple[str, ...]]:
    """Return the one target group that gets requests, "" if there is no such, and those that get none."""
    serving = [arn for arn, weight in weights.items() if weight]
    standby = tuple(sorted(arn for arn, weight in weights.items() if not weight))
    return (serving[0] if len(serving) == 1 else ""), standby


def _redirects(actions: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a listener's actions are our redirect."""
    if len(actions) != 1 or actions[0].get("Type") != "redirect":
        return False
    config = actions[0].get("RedirectConfig") or {}
    kept = {"Host": "#{host}", "Path": "/#{path}", "Query": "#{query}"}
    ours = {**kept, **_REDIRECT["RedirectConfig"]}  # type: ignore[dict-item]
    return {**kept, **config} == ours


@contextmanager
def _new_certificate_as_wait() -> Iterator[None]:
    """Turn the refusal of an issued certificate that load balancing does not know yet into a wait."""
    try:
        yield
    except ClientError as error:
        if code_of(error) not in {"UnsupportedCertificate", "CertificateNotFound"}:
            raise
        raise NotYetError(Reason.PROPAGATING, "load balancing does not know the certificate yet", 10.0) from error
