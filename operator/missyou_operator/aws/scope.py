"""The limits of a policy: which stacks, of which account and region, it is for. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from missyou_operator.aws.tenant_session import NAMESPACE_TAG

#: Prefixes of resources whose ARNs have no region, and of those whose ARNs have no account either.
_WITHOUT_REGION, _WITHOUT_ACCOUNT = ("iam:", "route53:", "s3:", "cloudwatch:dashboard/"), ("route53:", "s3:")
#: Any region's name, such as us-gov-west-1, inside a longer name.
_ANY_REGION = "??-*-?"

#: The values of our tag for stacks of the namespace that a session is tagged with.
_SESSIONS_STACKS = f"${{aws:PrincipalTag/{NAMESPACE_TAG}}}/*"


@dataclass(frozen=True, slots=True)
class Scope:
    """The limits of the policy. Each field may be a pattern with `*` and `?`; the default is the widest.

    `stack` is the prefix of names (`spec.stackName`), `cluster` the UID of the kube-system namespace, which our tags
    carry. Tags protect foreign resources; `stack` helps where AWS checks no tags. `zones` are IDs of hosted zones,
    `snapshots` names of snapshots that are not ours. `boundary` is the ARN of the permissions boundary that each role
    must have, "" for none; `assume` are ARNs of other roles to take. `tenant`: the policy is for a tenant's role, and
    its sessions reach the stacks of the namespace only that they are tagged with.
    """

    partition: str = "aws"
    region: str = "*"
    account: str = "*"
    stack: str = "*"
    cluster: str = "*"
    zones: tuple[str, ...] = ("*",)
    snapshots: tuple[str, ...] = ("*",)
    boundary: str = ""
    assume: tuple[str, ...] = ()
    tenant: bool = False

    def fill(self, text: str) -> str:
        """Replace the placeholders in a resource or a condition's value."""
        return text.format(
            stack=self.stack,
            region=_ANY_REGION if self.region == "*" else self.region,
            account=self.account,
            cluster=self.cluster,
            boundary=self.boundary,
            tenant=_SESSIONS_STACKS,
        )

    def arn(self, resource: str) -> str:
        """Return the ARN of a grant's resource. `rds@*:…` may lie in another region than the stack."""
        if resource == "*":
            return resource
        service, _, rest = resource.partition(":")
        service, _, other = service.partition("@")
        region = other or ("" if resource.startswith(_WITHOUT_REGION) else self.region)
        account = "" if resource.startswith(_WITHOUT_ACCOUNT) else self.account
        return f"arn:{self.partition}:{service}:{region}:{account}:{self.fill(rest)}"
