"""The rules on single fields of the spec. Each message says what to write."""

from __future__ import annotations

import re
from ipaddress import IPv4Network

from missyou_operator.api import aws_rules as aws
from missyou_operator.api.rules import Rule, cel_list, cel_text, immutable, matches, no_prefix, not_among
from missyou_operator.api.words import POSTGRES_RESERVED, RDS_DATABASES, RDS_USERS

#: An AWS region: `eu-west-1`, `us-gov-east-1`, `eusc-de-east-1`.
REGION = "[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}"
STACK_NAME = "[a-z]([a-z0-9]|-[a-z0-9])+"
#: The message where metadata.name, which goes into the braces, has to stand in for spec.stackName and cannot.
NO_STACK_NAME = (
    'metadata.name "{}" cannot prefix AWS names: set spec.stackName (a-z, 0-9, single dashes, starts with a letter, '
    f"at least {aws.STACK_NAME_MIN} and at most {aws.STACK_NAME_MAX} characters)"
)
#: What the names of the stack's load balancer, security groups and bucket must not start with.
RESERVED_STACK_NAME = (
    "AWS reserves names that start with internal- (load balancers), sg- (security groups), sthree- and amzn-s3-demo- "
    "(buckets): set spec.stackName to another name"
)

REGION_NAME = matches(REGION, "must be the name of an AWS region, for example eu-west-1", longest=aws.REGION_MAX)
STACK_NAME_FORM = matches(
    STACK_NAME,
    f"must be a-z, 0-9 and single dashes, start with a letter, end with a letter or digit, and have at least "
    f"{aws.STACK_NAME_MIN} characters",
)


def reserved_stack_name(path: str) -> str:
    """Return the CEL condition that the stack's name in `path` starts no name that AWS reserves."""
    return f"{cel_list(aws.RESERVED_PREFIXES)}.all(p, !({path} + '-').startsWith(p))"


def is_free_stack_name(name: str) -> bool:
    """Return whether the stack's name starts no name that AWS reserves: `internal` does, with `internal-alb`."""
    return not f"{name}-".startswith(aws.RESERVED_PREFIXES)


STACK_NAME_FREE = Rule(cel=reserved_stack_name("self"), message=RESERVED_STACK_NAME, holds=is_free_stack_name)

# ---- credentials and image

ROLE_ARN = matches(
    "arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+",
    "must be the ARN of an IAM role, for example arn:aws:iam::123456789012:role/missyou",
)
EXTERNAL_ID = matches("[A-Za-z0-9_+=,.@:/-]+", "must have only letters, digits and + = , . @ : / _ -")
EXTERNAL_ID_NEEDS_ROLE = Rule(
    cel="!has(self.externalID) || has(self.roleARN)",
    message="externalID needs a role: set credentials.roleARN as well, or remove externalID",
    path=".externalID",
    holds=lambda credentials: credentials.role_arn or not credentials.external_id,
)

#: The operator notes the role that reaches the zone in a tag of the certificate.
ZONE_ROLE = Rule(
    cel=f"!has(self.roleARN) || (self.roleARN.size() <= {aws.TAG_VALUE_MAX} && !self.roleARN.contains(','))",
    message=f"must have no comma and at most {aws.TAG_VALUE_MAX} characters, since the operator keeps it in a tag: use "
    "a role with another name or a shorter path",
    path=".roleARN",
    holds=lambda credentials: (
        credentials.role_arn is None
        or (len(credentials.role_arn) <= aws.TAG_VALUE_MAX and "," not in credentials.role_arn)
    ),
)

_HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?/"
_PART = r"[a-z0-9]+(([.]|_|__|-+)[a-z0-9]+)*"
REPOSITORY_WITHOUT_TAG = Rule(
    cel="!self.matches('@|:[^/]*$')",
    message="repository must have no tag and no digest: move it to image.tag",
    holds=lambda value: not re.search(r"@|:[^/]*\Z", value),
)
REPOSITORY = matches(
    f"({_HOST})?{_PART}(/{_PART})*([:@][^/]*)?",
    "must be an image name like 123456789012.dkr.ecr.eu-west-1.amazonaws.com/missyou: no https://, lower-case path",
)
TAG = matches(
    "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|sha256:[0-9a-f]{64}",
    "must be a tag like v1.2.3 or a digest like sha256:<64 hex digits>",
)
IMAGE_LENGTH = Rule(
    # The API server checks the rule before it fills in the tag's default.
    cel=f"!has(self.repository) || (has(self.tag) ? self.repository.size() + self.tag.size() : "
    f"self.repository.size() + {len('latest')}) < {aws.IMAGE_MAX}",
    message=f"ECS takes at most {aws.IMAGE_MAX} characters of repository and tag together: shorten one of them",
    path=".repository",
    holds=lambda image: not image.repository or len(image.repository) + len(image.tag) < aws.IMAGE_MAX,
)

# ---- network

_LARGEST, _SMALLEST = 16, 20
#: "This network", loopback, link-local, and multicast with everything above it.
_UNUSABLE = ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3")
_IPV4 = "isCIDR(self) && cidr(self).ip().family() == 4"


def _block_rule(form: str, smallest: int = 32, largest: int = 0) -> Rule:
    """Return the rule for an IPv4 block whose prefix length is within the bounds, without host bits."""
    bounds = f" && cidr(self).prefixLength() >= {largest} && cidr(self).prefixLength() <= {smallest}"
    sized = f"{_IPV4}{bounds if (smallest, largest) != (32, 0) else ''}"

    def check(value: str) -> str | None:
        try:
            network = IPv4Network(value, strict=False)
        except ValueError:
            return form
        # Python also takes a netmask, leading zeros or nothing for the prefix length; Kubernetes and AWS do not.
        if not value.endswith(f"/{network.prefixlen}") or not largest <= network.prefixlen <= smallest:
            return form
        return None if str(network) == value else f"host bits are set: write {network}"

    return Rule(
        cel=f"{sized} && cidr(self) == cidr(self).masked()",
        message_cel=f"{sized} ? 'host bits are set: write %s'.format([string(cidr(self).masked())]) : {cel_text(form)}",
        check=check,
    )


CIDR = _block_rule(
    f"must be an IPv4 block of /{_LARGEST} to /{_SMALLEST}, for example 10.0.0.0/16", _SMALLEST, _LARGEST
)


def _is_usable(value: str) -> bool:
    try:
        network = IPv4Network(value)
    except ValueError:  # CIDR complains about what is no block at all
        return True
    return not any(network.overlaps(IPv4Network(bad)) for bad in _UNUSABLE)


CIDR_USABLE = Rule(
    cel=f"!isCIDR(self) || {cel_list(_UNUSABLE)}.all(bad, !cidr(bad).containsCIDR(self))",
    message="hosts cannot have addresses of this block: use a block of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16",
    holds=_is_usable,
)
CIDR_KEPT = immutable("cidr")

#: EC2 keeps a rule with the host bits cleared: what is written otherwise would differ from it for good. Source: EC2 API
#: reference, AuthorizeSecurityGroupIngress.
BLOCK = _block_rule("must be an IPv4 block, for example 203.0.113.0/24, or 203.0.113.7/32 for one address")
BLOCKS_DIFFER = Rule(
    cel="self.all(a, self.exists_one(b, a == b))",
    message="list each block only once",
    holds=lambda blocks: len(set(blocks)) == len(blocks),
)
SCHEME_KEPT = immutable("scheme")
ZONE_NAME = matches(REGION + "[a-z]", "must be the name of an availability zone, for example eu-west-1a")
ZONES_DIFFER = Rule(
    cel="self.size() != 2 || self[0] != self[1]",
    message="name two different zones",
    holds=lambda zones: len(set(zones)) == len(zones),
)
ZONES_IN_ONE_REGION = Rule(
    cel="self.size() != 2 || self[0].size() == 0 || self[1].size() == 0 || "
    "self[0].substring(0, self[0].size() - 1) == self[1].substring(0, self[1].size() - 1)",
    message="both zones must be in one region",
    holds=lambda zones: zones[0][:-1] == zones[1][:-1],
)

# ---- service

HEALTH_PATH = matches("/[!-~]*", "must start with / and contain no spaces, for example /health")

# ---- database

ENGINE_VERSION = matches(r"[1-9][0-9]([.](0|[1-9][0-9]?))?", 'must be a PostgreSQL version in quotes: "15.4", or "15"')
INSTANCE_CLASS = matches(
    "db[.][a-z0-9]+(-[a-z0-9]+)*[.][a-z0-9]+(-[a-z0-9]+)*", "must be an RDS instance class, for example db.t3.micro"
)
_SNAPSHOT_NAME = "([a-z]+:)?[A-Za-z](-?[A-Za-z0-9])*"
SNAPSHOT = matches(
    f"{_SNAPSHOT_NAME}|arn:aws[a-z-]*:rds:{REGION}:[0-9]{{12}}:snapshot:{_SNAPSHOT_NAME}",
    "must be the name of an RDS snapshot, for example missyou-db-before-v2, or its ARN",
)
RESTORE_TIME = matches(
    "latest|[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    "(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])",
    "must be a time with its zone, for example 2026-11-29T10:00:00Z, or latest",
)
DATABASE_NAME = matches("[a-z][a-z0-9_]*", "must be a-z, 0-9 and underscores, and start with a letter")
_TAKEN = "this name is reserved by PostgreSQL or RDS: use another, for example missyou"
DATABASE_NAME_FREE = not_among(POSTGRES_RESERVED | RDS_DATABASES, _TAKEN)
USERNAME_FREE = not_among(POSTGRES_RESERVED | RDS_USERS, _TAKEN)
NOT_KEPT_PREFIX = no_prefix(
    ("pg_", "rds_"),
    "names starting with pg_ or rds_ are reserved by PostgreSQL and RDS: use another, for example missyou",
)
DATABASE_NAME_KEPT = immutable("name")
USERNAME_KEPT = immutable("username")

# ---- secrets

SECRET_NAME = matches(
    "[a-z0-9]([a-z0-9-]*[a-z0-9])?([.][a-z0-9]([a-z0-9-]*[a-z0-9])?)*",
    "must be the name of a Secret: a-z, 0-9, dashes and dots",
)
SECRET_KEY = matches("[A-Za-z0-9._-]+", "must be a key of a Secret: letters, digits, dashes, dots and underscores")
DOMAIN_NAME = matches(
    "([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?[.])+[a-z]([a-z0-9-]{0,61}[a-z0-9])",
    "must be a host name in lower case, for example app.example.com, without a dot at the end",
)
HOSTED_ZONE = matches("[A-Z0-9]{1,32}", "must be the ID of a hosted zone, for example Z0123456789ABCDEFGHIJ")
SECRET_ARN = matches(
    "arn:aws[a-z-]*:secretsmanager:" + REGION + ":[0-9]{12}:secret:[A-Za-z0-9/_+=.@!-]{1,512}-[A-Za-z0-9]{6}",
    "must be the full ARN of a Secrets Manager secret, with the six characters that AWS adds to its name",
)
ONE_SOURCE = Rule(
    cel="has(self.secretKeyRef) != has(self.secretARN)",
    message="set exactly one of secretKeyRef and secretARN",
    holds=lambda source: (source.secret_key_ref is None) != (source.secret_arn is None),
)

# ---- monitoring

EMAIL = matches(
    "[A-Za-z0-9_%+'-]+([.][A-Za-z0-9_%+'-]+)*@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?[.])+[A-Za-z]{2,}",
    "must be an e-mail address, for example oncall@example.com",
)
EMAILS_DIFFER = Rule(
    cel="self.all(a, self.exists_one(b, a.lowerAscii() == b.lowerAscii()))",
    message="list each address only once",
    holds=lambda emails: len({email.lower() for email in emails}) == len(emails),
)
TOPIC_ARN = matches(
    "arn:aws[a-z-]*:sns:" + REGION + ":[0-9]{12}:[A-Za-z0-9_-]+",
    "must be the ARN of a standard SNS topic, for example arn:aws:sns:eu-west-1:123456789012:alarms",
)
