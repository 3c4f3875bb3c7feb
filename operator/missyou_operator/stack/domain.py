"""The app's own name: certificate, HTTPS, and the records that lead to the load balancer (dns.tf)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from missyou_operator.api import AppSpec, Component
from missyou_operator.aws.acm import ROLE_TAG, ZONE_TAG, Certificate
from missyou_operator.aws.elbv2.listener import HTTPS, TLS_POLICY, Listener, Redirect
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.aws.route53.records import Alias, Validation
from missyou_operator.aws.route53.zone import HostedZone
from missyou_operator.engine.plan import ObservedState
from missyou_operator.stack.context import Context, DomainLookup
from missyou_operator.stack.load_balancer import Balancing


def domain_lookup(app: AppSpec, stack: StackIdentity, world: ObservedState) -> DomainLookup:
    """Give what has been found for `spec.domain`."""
    if app.domain is None:
        return DomainLookup()
    balancers = world.get(f"elbv2.LoadBalancer/{stack.name}-alb", ())
    target = str(balancers[0].attrs.get("dns_name", "")) if balancers else ""
    zones = world.get(f"{HostedZone.TYPE}/{_zone_wanted(app)}", ())
    attrs: Mapping[str, Any] = zones[0].attrs if zones else {"id": "", "zone_name": "", "name_servers": (), "gone": ()}
    certificates = world.get(f"{Certificate.TYPE}/{app.domain.name}", ())
    remembered = certificates[0].attrs["zone"] if certificates and certificates[0].owned else ""
    if remembered and remembered != attrs["id"] and remembered not in attrs["gone"]:
        # Where the records are, they stay: also while zones cannot be read, or when one fits better since.
        return DomainLookup(remembered, app.domain.name, (), target)
    return DomainLookup(attrs["id"], attrs["zone_name"], attrs["name_servers"], target)


def domain(ctx: Context, balancing: Balancing) -> None:
    """Declare them, if the app has a name. Without a zone of ours, people create the records that the status names."""
    spec, facts, add = ctx.app.domain, ctx.facts.domain, ctx.graph.add
    if spec is None:
        return
    add(HostedZone(name=_zone_wanted(ctx.app), component=Component.DOMAIN.value))
    role = spec.credentials.role_arn or ""
    named = ctx.named(Component.DOMAIN, full=spec.name)
    remembered = {ZONE_TAG: facts.zone, ROLE_TAG: role}
    named["tags"] = {**named["tags"], **{key: value for key, value in remembered.items() if facts.zone and value}}
    certificate = add(Certificate(**named, by_hand=not facts.zone, advice=_advice(spec.name, facts)))
    https = add(
        Listener(
            **ctx.named(Component.DOMAIN, "https"),
            load_balancer_arn=balancing.load_balancer.ref("arn"),
            port=HTTPS,
            target_group_arn=balancing.target_group.ref("arn"),
            certificate_arn=certificate.ref("arn", ready=True),
            tls_policy=TLS_POLICY,
        )
    )
    add(
        Redirect(
            **ctx.named(Component.DOMAIN, "http-redirect"),
            listener=balancing.listener.ref("arn"),
            after=(https.ref(ready=True),),
        )
    )
    if not facts.zone:
        return
    add(
        Validation(
            name=spec.name,
            component=Component.DOMAIN.value,
            zone=facts.zone,
            role=role,
            record_name=certificate.ref("record_name"),
            record_value=certificate.ref("record_value"),
        )
    )
    add(
        Alias(
            name=spec.name,
            component=Component.DOMAIN.value,
            zone=facts.zone,
            role=role,
            target=balancing.load_balancer.ref("dns_name"),
            target_zone=balancing.load_balancer.ref("zone_id"),
            # The certificate remembers the zone: without it the record would not be found again.
            after=(certificate.ref(),),
        )
    )


def _zone_wanted(app: AppSpec) -> str:
    """Name what is looked for: see `HostedZone`."""
    if app.domain is None:
        return ""
    return f"{app.domain.name}@{app.domain.hosted_zone_id or ''}@{app.domain.credentials.role_arn or ''}"


def _advice(name: str, facts: DomainLookup) -> str:
    """Say what a person can do for the domain."""
    if facts.zone:
        servers = ", ".join(facts.name_servers) or "not known at the moment"
        return (
            f"If that lasts for more than half an hour: is {facts.zone_name} delegated, at its registrar or in the "
            f"zone above it, to the name servers of {facts.zone} ({servers})?"
        )
    target = facts.load_balancer or "the load balancer"
    return f"no public hosted zone for {name} is within reach: lead {name} to {target} by a CNAME of your own"
