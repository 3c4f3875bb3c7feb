"""The application load balancer. Source: Elastic Load Balancing v2 API reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.elbv2.access_logs import logs_to
from missyou_operator.aws.elbv2.effects import LOAD_BALANCER
from missyou_operator.aws.elbv2.rows import attribute_map, differing, duplicate_as_wait, known, retag, with_tags, word
from missyou_operator.aws.errors import gone
from missyou_operator.aws.identity import tag_list
from missyou_operator.aws.informer import SLOW, Source
from missyou_operator.aws.listing import Named
from missyou_operator.aws.permissions import Grant, Part, change, linked_role, make, observe, tag_new
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.comparators import as_set, compare
from missyou_operator.engine.resource import READY, Health, Observed, failed, pending
from missyou_operator.engine.values import Ref

_PROTECTION = "deletion_protection.enabled"
_DROP_HEADERS = "routing.http.drop_invalid_header_fields.enabled"
_CROSS_ZONE = "load_balancing.cross_zone.enabled"
#: Attributes that decide how requests reach the app, with AWS's defaults: API reference, LoadBalancerAttribute.
_REQUESTS = {
    "client_keep_alive.seconds": "3600",
    "idle_timeout.timeout_seconds": "60",
    "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
}
_NAME = "elasticloadbalancing:loadbalancer/app/{elbv2.LoadBalancer}/*"


@dataclass(frozen=True, kw_only=True)
class LoadBalancer(Named):
    """An application load balancer.

    `scheme` is `internet-facing` or `internal`, and cannot change. Its cross-zone balancing is always on and cannot be
    set. `drop_invalid_headers` prevents request smuggling.
    """

    TYPE: ClassVar[str] = "elbv2.LoadBalancer"
    IDENTITY = "id"
    LISTING = Source("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerName")
    COMPARED = compare(
        "scheme",
        "deletion_protection",
        "drop_invalid_headers",
        "addresses",
        "attributes",
        subnet_ids=as_set,
        security_group_ids=as_set,
    )
    FORCES_REPLACEMENT: ClassVar[frozenset[str]] = frozenset({"scheme"})
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("elbv2.Listener", "ecs.Service")
    READ_AFTER: ClassVar[tuple[str, ...]] = ("ec2.Vpc",)
    EFFECTS = LOAD_BALANCER
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeLoadBalancerAttributes"),
        observe("elasticloadbalancing:DescribeTags"),
        make("elasticloadbalancing:CreateLoadBalancer", on=(_NAME,)),
        tag_new("elasticloadbalancing:AddTags", "CreateLoadBalancer", on=(_NAME,)),
        change(
            "elasticloadbalancing:SetSubnets",
            "elasticloadbalancing:SetSecurityGroups",
            "elasticloadbalancing:SetIpAddressType",
            "elasticloadbalancing:ModifyLoadBalancerAttributes",
            "elasticloadbalancing:DeleteLoadBalancer",
            "elasticloadbalancing:AddTags",
            "elasticloadbalancing:RemoveTags",
            on=(_NAME,),
        ),
        Grant(
            Part.OBSERVE,
            ("ec2:DescribeAccountAttributes", "ec2:GetSecurityGroupsForVpc"),
            implied="CreateLoadBalancer reads the network in the caller's name: "
            "github.com/kubernetes-sigs/aws-load-balancer-controller, docs/install/iam_policy.json and issue 3917",
        ),
        linked_role("elasticloadbalancing.amazonaws.com", 'Elastic Load Balancing user guide, "Service-linked role"'),
    )

    scheme: str
    subnet_ids: tuple[str | Ref, ...]
    security_group_ids: tuple[str | Ref, ...]
    deletion_protection: bool
    drop_invalid_headers: bool = True

    @property
    def addresses(self) -> str:
        """The kind of its addresses: the network has no IPv6 ranges."""
        return "ipv4"

    @property
    def attributes(self) -> Mapping[str, str]:
        """The attributes that have no field of their own, as AWS spells them."""
        return _REQUESTS

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read it by its name among all of the account (a query by name fails if there is none).

        Without a VPC there is none of ours; a foreign namesake shows as soon as the VPC exists.
        """
        return [cls._observed(reader, row) for row in with_tags(reader, cls._rows(reader), "LoadBalancerArn")]

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        arn = row["LoadBalancerArn"]
        answer = reader.detail(SLOW, "elbv2", "describe_load_balancer_attributes", LoadBalancerArn=arn)
        state = row.get("State") or {}
        attributes = attribute_map(answer.get("Attributes"))
        attrs = {
            **_references(row),
            "scheme": row.get("Scheme", "internet-facing"),
            "subnet_ids": tuple(sorted(zone["SubnetId"] for zone in row.get("AvailabilityZones") or ())),
            "security_group_ids": tuple(sorted(row.get("SecurityGroups") or ())),
            "addresses": row.get("IpAddressType", "ipv4"),
            "attributes": known(attributes, _REQUESTS),
            **_settings(attributes),
            "logs_to": logs_to(attributes),
            "why": state.get("Reason", ""),
        }
        return reader.observed(cls, row["LoadBalancerName"], arn, attrs, row["Tags"], state.get("Code", "active"))

    def health(self, observed: Observed) -> Health:
        """Return pending while AWS sets it up, which takes 135 to 187 s."""
        if observed.state == "provisioning":
            return pending("Provisioning", f"AWS is setting up load balancer {self.name}", 150.0)
        if observed.state == "failed":
            why = observed.attrs.get("why") or "AWS gives no reason"
            delete = f"aws elbv2 delete-load-balancer --load-balancer-arn {observed.id}"
            return failed(
                "CreationFailed", f"load balancer {self.name} failed: {why}. Delete it to have it replaced: {delete}"
            )
        return READY

    def create(self, cloud: Cloud) -> Observed:
        """Create it, and set the attributes that the creating call does not take."""
        elb = cloud.client("elbv2")
        with duplicate_as_wait(self.address):
            row = elb.create_load_balancer(
                Name=self.name,
                Type="application",
                Scheme=self.scheme,
                IpAddressType=self.addresses,
                Subnets=list(self.subnet_ids),
                SecurityGroups=list(self.security_group_ids),
                Tags=tag_list(self.tags),
            )["LoadBalancers"][0]
        self._set_attributes(cloud, row["LoadBalancerArn"], {})
        state = (row.get("State") or {}).get("Code", "provisioning")
        return self.as_created(row["LoadBalancerArn"], state).with_attrs(**_references(row), cross_zone=True)

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Change it in place; each list is replaced as a whole."""
        elb = cloud.client("elbv2")
        if "subnet_ids" in changed:
            elb.set_subnets(LoadBalancerArn=observed.id, Subnets=list(self.subnet_ids))
        if "security_group_ids" in changed:
            elb.set_security_groups(LoadBalancerArn=observed.id, SecurityGroups=list(self.security_group_ids))
        if "addresses" in changed:
            elb.set_ip_address_type(LoadBalancerArn=observed.id, IpAddressType=self.addresses)
        if changed & {"deletion_protection", "drop_invalid_headers", "attributes"}:
            self._set_attributes(cloud, observed.id, differing(self.attributes, observed.attrs["attributes"]))
        if "tags" in changed:
            retag(cloud, self, observed)
        return self.as_desired(observed)

    def _set_attributes(self, cloud: Cloud, arn: str, more: Mapping[str, str]) -> None:
        own = {_PROTECTION: word(self.deletion_protection), _DROP_HEADERS: word(self.drop_invalid_headers)}
        attributes = tag_list({**own, **more})
        cloud.client("elbv2").modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=attributes)

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Disable its deletion protection and delete it.

        It is gone at once; its network interfaces stay for minutes and block subnets and security groups.
        """
        elb = cloud.client("elbv2")

        def delete() -> None:
            if observed.attrs["deletion_protection"]:
                off = tag_list({_PROTECTION: "false"})
                elb.modify_load_balancer_attributes(LoadBalancerArn=observed.id, Attributes=off)
            elb.delete_load_balancer(LoadBalancerArn=observed.id)

        return gone(delete)


def _references(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a load balancer that others refer to."""
    arn = row["LoadBalancerArn"]
    return {
        "id": arn,
        "arn": arn,
        "arn_suffix": arn.partition(":loadbalancer/")[2],
        "dns_name": row.get("DNSName", ""),
        "zone_id": row.get("CanonicalHostedZoneId", ""),
        "state": (row.get("State") or {}).get("Code", ""),
    }


def _settings(attributes: Mapping[str, str]) -> dict[str, bool]:
    """Return a load balancer's attributes as fields, with AWS's defaults for those that it omits."""
    return {
        "deletion_protection": attributes.get(_PROTECTION) == "true",
        "drop_invalid_headers": attributes.get(_DROP_HEADERS) == "true",
        "cross_zone": attributes.get(_CROSS_ZONE, "true") == "true",
    }
