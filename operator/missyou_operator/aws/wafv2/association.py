"""The association of a web ACL with a load balancer. Source: AWS WAF API reference, AssociateWebACL.

A load balancer has at most one web ACL, and associating another silently replaces it. An association has neither tags
nor a name, so it counts as ours if its web ACL is ours. Before ours is created, the operator checks for a foreign one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import gone, if_present
from missyou_operator.aws.informer import SLOW
from missyou_operator.aws.permissions import OURS, Grant, Part, change, observe
from missyou_operator.aws.reader import Reader
from missyou_operator.aws.wafv2.webacl import ACL
from missyou_operator.engine.comparators import compare
from missyou_operator.engine.effects import Effect, Effects
from missyou_operator.engine.errors import RefusedError
from missyou_operator.engine.resource import Health, Observed, Resource
from missyou_operator.engine.values import Ref

_BALANCER = "elasticloadbalancing:loadbalancer/app/{elbv2.LoadBalancer}/*"
_WHY = 'in the caller\'s name: AWS WAF developer guide, "Actions that require additional permissions settings"'


@dataclass(frozen=True, kw_only=True)
class WebACLAssociation(Resource):
    """The association of the stack's web ACL with its load balancer, which has to be active."""

    TYPE = "wafv2.WebACLAssociation"
    COMPARED = compare("web_acl_arn", "load_balancer_arn")
    READ_AFTER = ("wafv2.WebACL", "elbv2.LoadBalancer")
    EFFECTS = Effects(
        Effect("AssociateWebACL", 60, "requests that a rule blocks are refused"),
        Effect("DisassociateWebACL", 60, "no request is refused by a rule any more"),
        update=Effect("AssociateWebACL", 60),
    )
    PERMISSIONS = (
        observe("wafv2:ListResourcesForWebACL", on=(ACL,)),
        # The load balancer's web ACL may be foreign.
        observe("wafv2:GetWebACLForResource", on=(_BALANCER, "wafv2:regional/webacl/*/*")),
        # It is read in the caller's name: API reference, GetWebACLForResource.
        observe("wafv2:GetWebACL", on=("wafv2:regional/webacl/*/*",)),
        change("wafv2:AssociateWebACL", on=(ACL,)),
        # AWS WAF does not check a load balancer's tags; Elastic Load Balancing does, below.
        Grant(Part.CHANGE, ("wafv2:AssociateWebACL", "wafv2:DisassociateWebACL"), (_BALANCER,)),
        Grant(Part.OBSERVE, ("elasticloadbalancing:GetLoadBalancerWebACL",), (_BALANCER,), implied=f"read {_WHY}"),
        Grant(
            Part.CHANGE,
            ("elasticloadbalancing:CreateWebACLAssociation", "elasticloadbalancing:DeleteWebACLAssociation"),
            (_BALANCER,),
            (OURS,),
            implied=f"made and ended {_WHY}",
        ),
        Grant(Part.CHANGE, ("elasticloadbalancing:SetWebAcl",), implied=f"made and ended {_WHY}"),
    )

    web_acl_arn: str | Ref
    load_balancer_arn: str | Ref

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read whether the stack's web ACL is associated with its load balancer. Other associations are ignored."""
        found = []
        balancers = {observed.id: observed for observed in reader.found("elbv2.LoadBalancer")}
        for acl in reader.found("wafv2.WebACL") if balancers else ():
            arn = acl.attrs["arn"]
            which = {"WebACLArn": arn, "ResourceType": "APPLICATION_LOAD_BALANCER"}
            answer = reader.detail(SLOW, "wafv2", "list_resources_for_web_acl", **which)
            for balancer in [balancers[item] for item in answer.get("ResourceArns") or () if item in balancers]:
                attrs = {"web_acl_arn": arn, "load_balancer_arn": balancer.id}
                # Its owner is that of the web ACL.
                id_ = f"{acl.id} on {balancer.name}"
                found.append(Observed(cls, balancer.name, id_, attrs, acl.tags, component=acl.component))
        return found

    def create(self, cloud: Cloud) -> Observed:
        """Associate them, unless the load balancer has a foreign web ACL."""
        waf = cloud.client("wafv2")
        # AWS answers without a WebACL where there is none; its reference also lists WAFNonexistentItemException.
        answer = if_present(lambda: waf.get_web_acl_for_resource(ResourceArn=self.load_balancer_arn))
        present = (answer or {}).get("WebACL")
        if present and present["ARN"] != self.web_acl_arn:
            raise RefusedError(
                Reason.OWNED_ELSEWHERE,
                f"load balancer {self.name} has the web ACL {present['ARN']}, which is not the stack's. The operator "
                "leaves it alone: disassociate it, or set spec.waf.enabled to false",
            )
        waf.associate_web_acl(WebACLArn=self.web_acl_arn, ResourceArn=self.load_balancer_arn)
        acl = str(self.web_acl_arn).rpartition("/")[2]
        return self.as_created(f"{acl} on {self.name}")

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:  # noqa: ARG002
        """Associate the desired web ACL in place of the other, without a gap."""
        return self.create(cloud)

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """End the association. Requests then pass unchecked."""
        arn = observed.attrs["load_balancer_arn"]
        return gone(lambda: cloud.client("wafv2").disassociate_web_acl(ResourceArn=arn))
