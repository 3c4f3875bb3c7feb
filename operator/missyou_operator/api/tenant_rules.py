"""The rules on the fields of a MissYouTenant. Each message says what to write."""

from __future__ import annotations

from itertools import pairwise

from missyou_operator.api.field_rules import REGION
from missyou_operator.api.rules import Rule, matches

VALUES_FIT_OPERATOR = Rule(
    cel="(has(self.values) && self.values.size() > 0) == (self.operator in ['In', 'NotIn'])",
    message="In and NotIn need values, Exists and DoesNotExist take none",
    holds=lambda requirement: bool(requirement.values) == (requirement.operator in {"In", "NotIn"}),
)
NAMESPACE = matches("[a-z0-9]([a-z0-9-]*[a-z0-9])?", "must be the name of a namespace")
STACK_PREFIX = matches(
    "[a-z]([a-z0-9]|-[a-z0-9])*-?", "must be a-z, 0-9 and single dashes, and start with a letter, for example team-a"
)
SECRETS = matches(
    rf"arn:aws[a-z-]*:secretsmanager:({REGION}|[*]):[0-9]{{12}}:secret:[A-Za-z0-9/_+=.@!*-]{{1,512}}",
    "must be the ARN of a secret, in which * may stand for a part of the name, for example "
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:team-a/*",
)
DOMAIN = matches(
    "([*][.])?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?[.])+[a-z]([a-z0-9-]{0,61}[a-z0-9])",
    "must be a domain in lower case, for example example.com, or *.example.com for the names below it",
)
_SNAPSHOT = "([a-z]+:)?[A-Za-z*][A-Za-z0-9*-]*"
SNAPSHOTS = matches(
    rf"{_SNAPSHOT}|arn:aws[a-z-]*:rds:({REGION}|[*]):[0-9]{{12}}:(snapshot|auto-backup):{_SNAPSHOT}",
    "must be the name of an RDS snapshot or its ARN, in which * may stand for a part of the name, for example team-a-*",
)
IMAGES = matches(
    "[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[a-z0-9*][a-z0-9._*-]*)+",
    "must be an image name with its registry and without a tag, for example ghcr.io/team-a/*",
)
#: `team*` would also grant what belongs to `teamwork`.
STAR_AT_BORDER = Rule(
    cel="!self.matches('[A-Za-z0-9*][*]|[*][A-Za-z0-9*]')",
    message="a * must stand alone between separators: write team-* or team/*, not team*",
    holds=lambda value: not _touches(value),
)
SELECTS_SOMETHING = Rule(
    cel="(has(self.namespaces) && self.namespaces.size() > 0) || has(self.namespaceSelector)",
    message="a tenant needs namespaces: list their names in namespaces, or set namespaceSelector",
    holds=lambda tenant: bool(tenant.namespaces) or tenant.namespace_selector is not None,
)


def _touches(value: str) -> bool:
    """Return whether a * has a letter, a digit or another * beside it."""
    beside = (pair for pair in pairwise(value) if "*" in pair)
    return any(all(one == "*" or (one.isascii() and one.isalnum()) for one in pair) for pair in beside)
