"""The web application firewall in front of the load balancer."""

from __future__ import annotations

from missyou_operator.aws.wafv2.association import WebACLAssociation
from missyou_operator.aws.wafv2.webacl import WebACL
from missyou_operator.stack import naming
from missyou_operator.stack.context import Component, Context
from missyou_operator.stack.load_balancer import Balancing

#: AWS's rule groups for a web app with a SQL database. With the rate limit they take 1,127 capacity units, of the 1,500
#: that a web ACL's price includes. Source: WAF developer guide, "AWS Managed Rules rule groups list".
GROUPS = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesSQLiRuleSet",
)


def firewall(ctx: Context, balancing: Balancing) -> None:
    """Declare the web ACL and its association, if the spec enables them."""
    add, named = ctx.graph.add, ctx.named(Component.WAF)
    if not ctx.app.waf.enabled:
        return
    acl = add(WebACL(**named(naming.WEB_ACL), groups=GROUPS, rate_limit=ctx.app.waf.rate_limit))
    add(
        WebACLAssociation(
            **named.untagged(naming.LOAD_BALANCER),
            web_acl_arn=acl.ref("arn"),
            # AWS WAF does not find a load balancer that is still being set up.
            load_balancer_arn=balancing.load_balancer.ref("arn", ready=True),
        )
    )
