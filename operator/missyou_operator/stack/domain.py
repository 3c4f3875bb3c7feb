"""The app's own domain: certificate, HTTPS, and the records that lead to the load balancer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from missyou_operator.api import AppSpec, Component
from missyou_operator.aws.acm import ROLE_TAG, ZONE_TAG, Certificate
from missyou_operator.aws.elbv2.listener import HTTPS, TLS_POLICY, Listener, Redirect
from missyou_operator.aws.elbv2.loadbalancer import LoadBalancer
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.aws.route53.claim import Claim, heritage
from missyou_operator.aws.route53.records import Alias, Validation
from missyou_operator.aws.route53.zone import HostedZone
from missyou_operator.engine.plan import ObservedState
from missyou_operator.stack import naming
from missyou_operator.stack.context import Context, DomainLookup
from missyou_operator.stack.load_balancer import Balancing


def hosted_zone(app: AppSpec) -> HostedZone | None:
    """Declare the hosted zone to look up, if the app has a domain. `HostedZone` explains its name."""
    if app.domain is None:
        return None
    name = f"{app.domain.name}@{app.domain.hosted_zone_id or ''}@{app.domain.credentials.role_arn or ''}"
    return HostedZone(name=name, component=Component.DOMAIN.value)


def domain_lookup(app: AppSpec, stack: StackIdentity, world: ObservedState) -> DomainLookup:
    """Return what the lookup of the hosted zone has found."""
    zone = hosted_zone(app)
    if app.domain is None or zone is None:
        return DomainLookup()
    balancers = world.get(f"{LoadBalancer.TYPE}/{stack.fill(naming.LOAD_BALANCER)}", ())
    target = str(balancers[0].attrs.get("dns_name", "")) if balancers else ""
    zones = world.get(zone.address, ())
    attrs: Mapping[str, Any] = zones[0].attrs if zones else {"id": "", "zone_name": "", "name_servers": (), "gone": ()}
    certificates = world.get(f"{Certificate.TYPE}/{app.domain.name}", ())
    # While it is not read, the zone that is found counts: if it is another one, the records say so.
    known = bool(certificates) and certificates[0].owned and not certificates[0].unread
    remembered = certificates[0].attrs["zone"] if known else ""
    if remembered and remembered != attrs["id"] and remembered not in attrs["gone"]:
        # The records stay in their zone, also while zones cannot be read, or when another fits better since.
        return DomainLookup(remembered, app.domain.name, (), target)
    return DomainLookup(attrs["id"], attrs["zone_name"], attrs["name_servers"], target)


def domain(ctx: Context, balancing: Balancing) -> Balancing:
    """Declare certificate, HTTPS and records, and return what serves then.

    Without a zone, people create the records that the status names.
    """
    spec, found, add, named = ctx.app.domain, ctx.lookups.domain, ctx.graph.add, ctx.named(Component.DOMAIN)
    zone = hosted_zone(ctx.app)
    if spec is None or zone is None:
        return balancing
    add(zone)
    role = spec.credentials.role_arn or ""
    remembered = {ZONE_TAG: found.zone, **({ROLE_TAG: role} if role else {})} if found.zone else {}
    zone_id, owner = found.zone, heritage(ctx.stack)
    # The domain of somebody else gets no certificate, and is not served.
    claim = [add(Claim(**named.untagged(spec.name), zone=zone_id, role=role, owner=owner))] if found.zone else []
    certificate = add(
        Certificate(
            **named(spec.name, tags=remembered),
            by_hand=not found.zone,
            advice=_advice(spec.name, found),
            after=tuple(each.ref() for each in claim),
        )
    )
    https = add(
        Listener(
            **named(naming.HTTPS),
            load_balancer_arn=balancing.load_balancer.ref("arn"),
            port=HTTPS,
            target_group_arn=balancing.serving,
            standby=balancing.standby,
            shifts=balancing.shifts,
            certificate_arn=certificate.ref("arn", ready=True),
            tls_policy=TLS_POLICY,
        )
    )
    shift = ctx.lookups.running.shift
    add(
        Redirect(
            **named(naming.REDIRECT),
            listener=balancing.listener.ref("arn"),
            waits=shift.held and not shift.by_https,
            after=(https.ref(ready=True),),
        )
    )
    if found.zone:
        _records(ctx, balancing, certificate, claim)
    return replace(balancing, production=https)


def _records(ctx: Context, balancing: Balancing, certificate: Certificate, claim: list[Claim]) -> None:
    """Declare the records in the zone that was found."""
    spec, found, add, named = ctx.app.domain, ctx.lookups.domain, ctx.graph.add, ctx.named(Component.DOMAIN)
    if spec is None:
        return
    zone_id, role, owner = found.zone, spec.credentials.role_arn or "", heritage(ctx.stack)
    add(
        Validation(
            **named.untagged(spec.name),
            zone=zone_id,
            role=role,
            owner=owner,
            record_name=certificate.ref("record_name"),
            record_value=certificate.ref("record_value"),
        )
    )
    add(
        Alias(
            **named.untagged(spec.name),
            zone=zone_id,
            role=role,
            target=balancing.load_balancer.ref("dns_name"),
            target_zone=balancing.load_balancer.ref("zone_id"),
            # The certificate remembers the zone: without it the record would not be found again.
            after=(certificate.ref(), *(each.ref() for each in claim)),
        )
    )


def _advice(name: str, found: DomainLookup) -> str:
    """Explain what a person can do for the domain."""
    if found.zone:
        servers = ", ".join(found.name_servers) or "not known at the moment"
        return (
            f"If this takes longer than half an hour, check that {found.zone_name} is delegated, at its registrar or "
            f"in the zone above it, to the name servers of {found.zone} ({servers}): dig +short NS {found.zone_name}"
        )
    target = found.load_balancer or "the load balancer"
    return f"no public hosted zone for {name} is within reach: point {name} at {target} with a CNAME record of your own"
