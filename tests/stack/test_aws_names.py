"""No spec that is accepted makes a name, tag or description that AWS refuses.

Specs at the limits of what `parse` accepts are built, and each resource is held against AWS's rule for it: what
botocore's model of the creating operation states, and what only AWS's pages say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import botocore.session
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from missyou_operator.api import InvalidSpec, aws_rules, parse
from missyou_operator.api.env_rules import SECRETS_MAX
from missyou_operator.aws.ecs.taskdefinition import TaskDefinition
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.aws.registry import KINDS
from missyou_operator.aws.route53.claim import heritage
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.resource import Resource
from missyou_operator.stack import Lookups, build
from missyou_operator.stack.context import DomainLookup

MODELS = botocore.session.get_session()
ACCOUNT, CLUSTER = "123456789012", "f" * 8 + "-ffff-ffff-ffff-" + "f" * 12
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Name:
    """AWS's rule for a resource's name: the parameter that botocore's model describes, and what AWS's pages add."""

    operation: str
    parameter: str
    pattern: str = ".+"
    source: str = "the parameter's documentation in botocore's model"


_RDS = "[a-zA-Z](-?[a-zA-Z0-9])*"
NAMES: dict[str, Name] = {
    "acm.Certificate": Name("acm:RequestCertificate", "DomainName", ".{1,64}"),
    "autoscaling.ScalingPolicy": Name("application-autoscaling:PutScalingPolicy", "PolicyName"),
    "cloudwatch.Alarm": Name("cloudwatch:PutMetricAlarm", "AlarmName", "[ -~]+"),
    "cloudwatch.Dashboard": Name("cloudwatch:PutDashboard", "DashboardName", "[A-Za-z0-9_-]{1,255}"),
    "ec2.SecurityGroup": Name(
        "ec2:CreateSecurityGroup", "GroupName", r"(?i:(?!sg-|default$))[a-zA-Z0-9 ._:/()#-]{1,255}"
    ),
    "ecr.Repository": Name("ecr:CreateRepository", "repositoryName", "[a-z].*"),
    "ecs.Cluster": Name("ecs:CreateCluster", "clusterName", "[A-Za-z0-9_-]{1,255}"),
    "ecs.Service": Name("ecs:CreateService", "serviceName", "[A-Za-z0-9_-]{1,255}"),
    "ecs.TaskDefinition": Name("ecs:RegisterTaskDefinition", "family", "[A-Za-z0-9_-]{1,255}"),
    "elbv2.LoadBalancer": Name(
        "elasticloadbalancingv2:CreateLoadBalancer", "Name", "(?!internal-|-)[A-Za-z0-9-]{1,32}(?<!-)"
    ),
    "elbv2.TargetGroup": Name("elasticloadbalancingv2:CreateTargetGroup", "Name", "(?!-)[A-Za-z0-9-]{1,32}(?<!-)"),
    "iam.Role": Name("iam:CreateRole", "RoleName"),
    "logs.LogGroup": Name("logs:CreateLogGroup", "logGroupName", "(?!aws/).+"),
    "rds.DBInstance": Name("rds:CreateDBInstance", "DBInstanceIdentifier", f"(?=.{{1,63}}$){_RDS}"),
    "rds.DBParameterGroup": Name("rds:CreateDBParameterGroup", "DBParameterGroupName", f"(?=.{{1,255}}$){_RDS}"),
    "rds.DBSnapshot": Name("rds:CreateDBSnapshot", "DBSnapshotIdentifier", f"(?=.{{1,255}}$){_RDS}"),
    "rds.DBSubnetGroup": Name(
        "rds:CreateDBSubnetGroup", "DBSubnetGroupName", "(?!default$)[a-zA-Z][a-zA-Z0-9._ -]{0,254}"
    ),
    "route53.Alias": Name(
        "route53:ChangeResourceRecordSets",
        "ChangeBatch.Changes.ResourceRecordSet.Name",
        r"(?=.{1,245}$)([a-z0-9-]{1,63}[.])+[a-z0-9-]{1,63}",
        "Route 53 developer guide, DNS domain name format: 255 octets, with the prefix of the owner's record",
    ),
    "s3.Bucket": Name(
        "s3:CreateBucket",
        "Bucket",
        "(?!xn--|sthree-|amzn-s3-demo-)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?<!-s3alias)(?<!--ol-s3)(?<!--x-s3)(?<!--table-s3)",
        "S3 user guide, General purpose bucket naming rules",
    ),
    "secretsmanager.Secret": Name("secretsmanager:CreateSecret", "Name", r"(?!.*-.{6}$)[A-Za-z0-9/_+=.@-]+"),
    "sns.Topic": Name("sns:CreateTopic", "Name", "[A-Za-z0-9_-]{1,256}"),
    "wafv2.WebACL": Name("wafv2:CreateWebACL", "Name"),
}
#: Types without a name of their own in AWS: those with a Name tag only, parts of others, and what is only looked up.
NAMELESS = {
    *("ec2.Vpc", "ec2.Subnet", "ec2.InternetGateway", "ec2.Address", "ec2.NatGateway", "ec2.RouteTable"),
    *(
        "ec2.VpcEndpoint",
        "ec2.FlowLog",
        "ec2.SecurityGroupRule",
        "autoscaling.ScalableTarget",
        "elbv2.AccessLogs",
        "elbv2.Listener",
    ),
    *("elbv2.Redirect", "ecr.Image", "route53.HostedZone", "route53.Claim", "route53.Validation"),
    *("rds.BackupCopy", "secretsmanager.SecretVersion", "secretsmanager.StagedPassword"),
    *("sns.EmailSubscriptions", "sns.GivenTopic", "wafv2.WebACLAssociation", "kubernetes.Secret"),
}
DESCRIPTIONS = {
    "cloudwatch.Alarm": "cloudwatch:PutMetricAlarm AlarmDescription",
    "iam.Role": "iam:CreateRole Description",
    "secretsmanager.Secret": "secretsmanager:CreateSecret Description",
}


def shape(operation: str, path: str) -> Any:
    """Return botocore's shape of a parameter; lists on the way are entered."""
    service, _, name = operation.partition(":")
    service = {"elasticloadbalancingv2": "elbv2"}.get(service, service)
    found = MODELS.get_service_model(service).operation_model(name).input_shape
    for part in path.split("."):
        found = found.members[part]
        while found.type_name == "list":
            found = found.member
    return found


def problem(text: str, operation: str, parameter: str) -> str | None:
    """Return what botocore's model has against a text."""
    rules = shape(operation, parameter).metadata
    if not rules.get("min", 0) <= len(text) <= rules.get("max", len(text)):
        return f"{text!r} has {len(text)} characters: {operation} {parameter} takes {rules}"
    # The classes that Python's re lacks, for texts in ASCII.
    pattern = rules.get("pattern", ".*").replace(r"\p{Print}", " -~" if "[" in rules.get("pattern", "") else "[ -~]")
    pattern = pattern.replace(r"\p{L}", "A-Za-z").replace(r"\p{Z}", " ").replace(r"\p{N}", "0-9")
    return None if re.fullmatch(pattern, text) else f"{text!r} does not match {pattern} of {operation} {parameter}"


def problems(graph: Graph) -> Iterator[str]:
    """List what AWS has against the names, tags and descriptions of a graph."""
    for resource in graph:
        if rule := NAMES.get(resource.TYPE):
            if found := problem(resource.name, rule.operation, rule.parameter):
                yield found
            if not re.fullmatch(rule.pattern, resource.name):
                yield f"{resource.TYPE} {resource.name!r} does not match {rule.pattern}: {rule.source}"
        elif resource.TYPE not in NAMELESS:
            yield f"{resource.TYPE} has no rule: add it to NAMES, or to NAMELESS"
        description = getattr(resource, "description", None)
        if described := DESCRIPTIONS.get(resource.TYPE):
            yield from filter(None, [problem(str(description), *described.split())])
        yield from _tags(resource)


def _tags(resource: Resource) -> Iterator[str]:
    """Check against the strictest of the services' patterns, that of IAM."""
    tags = dict(resource.tags or {})
    # The calls that make and restore a database add up to four.
    if len(tags) > (47 if resource.TYPE == "rds.DBInstance" else 50):
        yield f"{resource.address} has {len(tags)} tags"
    for key, value in tags.items():
        for text, part in ((key, "Key"), (value, "Value")):
            yield from filter(None, [problem(text, "iam:CreateRole", f"Tags.{part}")])
            if text.lower().startswith(("aws:", "rds:")) or text != text.strip():
                yield f"{text!r} in the tags of {resource.address}: RDS API reference, Tag; ALB guide, Tags"


REGIONS = sorted(
    {
        region
        for partition in MODELS.get_available_partitions()
        for region in MODELS.get_available_regions("ec2", partition)
    }
)
DOMAIN = ".".join(["d" * 10] * 5) + ".example"
TAG_TEXT = st.text(LETTERS + "AZ09 _.:/=+-@", max_size=12)


def whole(name: str, namespace: str, region: str, **spec: Any) -> tuple[dict[str, Any], StackIdentity, Graph]:
    """Build everything that a stack can have. Errors: InvalidSpec."""
    spec = {
        "region": region,
        "domain": {"name": DOMAIN},
        "loadBalancer": {"accessLogs": {"enabled": True}},
        "monitoring": {"notifications": {"emails": [f"{n}@example.com" for n in range(20)]}},
        "network": {"endpoints": {"interfaces": True}},
        "secrets": {
            "googleAPIKey": {"secretKeyRef": {"name": "s" * 253, "key": "k" * 253}},
            "firebaseServiceAccount": {"secretKeyRef": {"name": "s" * 253, "key": "k" * 253}},
        },
        "waf": {"enabled": True},
        **spec,
    }
    app = parse({"metadata": {"name": name, "namespace": namespace}, "spec": spec}, region)
    stack = StackIdentity(app.stack_name, f"{namespace}/{name}", CLUSTER, ACCOUNT, region, "app-uid")
    lookups = Lookups((f"{region}a", f"{region}b"), DomainLookup(zone="Z" * 32), "Before.V2 " * 8)
    return spec, stack, build(app, stack, lookups)


@settings(deadline=None, max_examples=100, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    stack=st.from_regex(r"\A[a-z0-9-]{1,24}\Z")
    | st.sampled_from(["internal", "internals", "internal-x", "sg", "sg-x", "sgx", "xn--a", "sthree", "amzn-s3-demo-x"])
    | st.sampled_from(["a", "a" * 24, "a-" * 11 + "ab", "aws", "ssm", "rds", "default", "db-"]),
    name=st.sampled_from(["shop", "n" * aws_rules.APP_NAME_MAX, "n." * 57, "internal-shop"]),
    place=st.tuples(st.sampled_from(["default", "n" * 63]), st.sampled_from([*REGIONS, "us-abcdefgh-so-1"])),
    tags=st.dictionaries(TAG_TEXT, TAG_TEXT, max_size=3)
    | st.just({f"{n:02}".rjust(aws_rules.TAG_KEY_MAX, "k"): "v" * aws_rules.TAG_VALUE_MAX for n in range(40)}),
    role=st.sampled_from(["dns", "p" * 230 + "/dns", "dns,zones", "p" * 222 + "dns"]),
)
def test_no_accepted_spec_has_names_that_aws_refuses(stack, name, place, tags, role):
    domain = {"name": DOMAIN, "credentials": {"roleARN": f"arn:aws:iam::{ACCOUNT}:role/{role}"}}
    try:
        _, identity, graph = whole(name, *place, stackName=stack, tags=tags, domain=domain)
    except InvalidSpec:
        return
    assert list(problems(graph)) == []
    # Two strings, each of at most 255 octets: Route 53 developer guide, "TXT record type".
    assert all(len(text) <= 255 for text in heritage(identity).strip('"').split('" "'))


@pytest.mark.parametrize("name", ["internal", "internal-tools", "sg", "sg-1", "sthree", "amzn-s3-demo-1", "a"])
def test_what_is_refused_at_apply_would_have_been_refused_by_aws(name):
    with pytest.raises(InvalidSpec, match=r"spec\.stackName"):
        whole(name, "default", "eu-west-1")
    spec = {"loadBalancer": {"accessLogs": {"enabled": True}}}
    app = parse({"metadata": {"name": "shop"}, "spec": spec}, "eu-west-1")
    stack = StackIdentity(name, "default/shop", CLUSTER, ACCOUNT, "eu-west-1", "app-uid")
    assert list(problems(build(app, stack, Lookups(("eu-west-1a", "eu-west-1b")))))


def test_the_longest_names_are_accepted():
    stack, name = "s" * aws_rules.STACK_NAME_MAX, "n" * aws_rules.APP_NAME_MAX
    region = "us-abcdefgh-so-1"
    assert len(region) == aws_rules.REGION_MAX
    _, identity, graph = whole(name, "n" * 63, region, stackName=stack)
    assert list(problems(graph)) == []
    assert max(len(each.name) for each in graph if each.TYPE == "s3.Bucket") == 63
    assert max(len(text) for text in heritage(identity).strip('"').split('" "')) <= 255


def test_every_type_is_known():
    assert {kind.TYPE for kind in KINDS} <= NAMES.keys() | NAMELESS


def test_the_largest_task_definition_fits():
    """With all that a spec may put beside `service.env`."""
    arn = f"arn:aws-us-gov:secretsmanager:us-abcdefgh-so-1:{ACCOUNT}:secret:{'s' * 512}-AbCdEf"
    variables = {f"V{n}": "v" * 2000 for n in range(23)}
    keys = {f"{'N' * 62}{n:02}": {"name": "secret", "key": "key"} for n in range(SECRETS_MAX)}
    spec: dict[str, Any] = {
        "stackName": "s" * 24,
        "service": {"env": variables, "envFrom": keys, "cpu": 32768, "memory": 249856, "port": 65535},
        "secrets": {"googleAPIKey": {"secretARN": arn}, "firebaseServiceAccount": {"secretARN": arn}},
        "image": {"repository": "r" * 180, "tag": "sha256:" + "0" * 64},
    }
    _, _, graph = whole("shop", "n" * 63, "us-abcdefgh-so-1", **spec)
    [definition] = [each for each in graph if isinstance(each, TaskDefinition)]
    size = len(json.dumps({key: value for key, value in definition.request().items() if key != "tags"}, default=str))
    rest = size - sum(aws_rules.VARIABLE_FRAME + len(name) + 2000 for name in variables)
    # ECS adds defaults and attributes of its own when it stores one: some 2 KiB.
    assert rest + aws_rules.VARIABLES_SIZE_MAX < aws_rules.TASK_DEFINITION_MAX - 4096
    assert size < aws_rules.TASK_DEFINITION_MAX


@settings(deadline=None)
@given(st.text(max_size=60) | st.text('\0\b\t\n\f\r\x1f "\\\x7fé\U0001f600', max_size=60))
def test_the_size_of_a_variable_is_never_underestimated(text):
    assert aws_rules.json_size(text) >= len(json.dumps(text)) - 2
