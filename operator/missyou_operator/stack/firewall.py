"""The web application firewall in front of the load balancer."""

from __future__ import annotations

from missyou_operator.api.components import Component
from missyou_operator.aws.wafv2.association import WebACLAssociation
from missyou_operator.aws.wafv2.webacl import WebACL
from missyou_operator.stack.context import Context
from missyou_operator.stack.load_balancer import Balancing

#: What a web app with a SQL database wants of AWS's rule groups; together with the rate limit 1,127 capacity units,
#: within the 1,500 that a web ACL's price includes. Source: WAF developer guide, "AWS Managed Rules rule groups list".
GROUPS = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesSQLiRuleSet",
)


def firewall(ctx: Context, balancing: Balancing) -> None:
    """Declare the web ACL and its association, if they are wanted."""
    if not ctx.app.waf.enabled:
        return
    acl = ctx.graph.add(WebACL(**ctx.named(Component.WAF, "waf"), groups=GROUPS, rate_limit=ctx.app.waf.rate_limit))
    balancer = balancing.load_balancer
    ctx.graph.add(
        WebACLAssociation(
            name=balancer.name,
            component=Component.WAF.value,
            web_acl_arn=acl.ref("arn"),
            # AWS WAF does not find one that is still being set up.
            load_balancer_arn=balancer.ref("arn", ready=True),
        )
    )
