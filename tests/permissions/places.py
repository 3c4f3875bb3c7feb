"""Which resources a request is about, by its parameters: the table behind `authorization`.

What is not in it is checked for `*`: reads of a whole account, mostly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.permissions.authorization import Seen

Params = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """A resource, `<service>:<rest of its ARN>`, an ARN, or `*`. `may_be_new`: the call creates or overwrites."""

    resource: str
    new: bool = False
    may_be_new: bool = False


Placing = Callable[[Params, "Seen"], list[Place]]


def old(resource: str) -> Place:
    return Place(resource)


def new(resource: str) -> Place:
    return Place(resource, new=True)


def upsert(resource: str) -> Place:
    return Place(resource, may_be_new=True)


def tail(value: str) -> str:
    """Give the name from a name or an ARN."""
    return value.rpartition("/")[2]


def by(*templates: str, make: str = "") -> Placing:
    """Fill templates from the parameters: those of what is there, and of what the call makes."""

    def place(params: Params, _: Seen) -> list[Place]:
        made = [new(make.format(**params))] if make else []
        return [*made, *(old(template.format(**params)) for template in templates)]

    return place


_EC2_KINDS = {
    "vpc": "vpc",
    "subnet": "subnet",
    "igw": "internet-gateway",
    "eipalloc": "elastic-ip",
    "nat": "natgateway",
    "rtb": "route-table",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "vpce": "vpc-endpoint",
}


def _ec2_tagged(params: Params, _: Seen) -> list[Place]:
    return [old(f"ec2:{_EC2_KINDS[id_.partition('-')[0]]}/{id_}") for id_ in params["Resources"]]


def _rules(params: Params, _: Seen) -> list[Place]:
    rules = [f"ec2:security-group-rule/{row['SecurityGroupRuleId']}" for row in params["SecurityGroupRules"]]
    return [old(f"ec2:security-group/{params['GroupId']}"), *map(old, rules)]


def _association(params: Params, seen: Seen) -> list[Place]:
    table, subnet = seen.association(params["AssociationId"])
    table = params.get("RouteTableId", table)
    return [old(f"ec2:{kind}/{id_}") for kind, id_ in (("route-table", table), ("subnet", subnet)) if id_]


def _endpoint(*words: str) -> Placing:
    """Give what an endpoint's call names: itself, or a new one, and tables, subnets and groups, added or removed."""
    kinds = {"RouteTableIds": "route-table", "SubnetIds": "subnet", "SecurityGroupIds": "security-group"}

    def place(params: Params, _: Seen) -> list[Place]:
        mine = old(f"ec2:vpc-endpoint/{id_}") if (id_ := params.get("VpcEndpointId")) else new("ec2:vpc-endpoint/new")
        named = [(kind, params.get(f"{word}{key}", ())) for key, kind in kinds.items() for word in words]
        around = [old(f"ec2:{kind}/{each}") for kind, ids in named for each in ids]
        return [mine, *([old(_VPC.format(**params))] if "VpcId" in params else []), *around]

    return place


def _service(params: Params, _: Seen) -> Iterator[str]:
    names = params.get("services") or [params.get("service") or params["serviceName"]]
    return (f"ecs:service/{tail(params['cluster'])}/{tail(name)}" for name in names)


def _target(params: Params, seen: Seen) -> list[Place]:
    found = seen.target(params["ResourceId"])
    return [upsert(found)] if found else [new("application-autoscaling:scalable-target/0123new")]


def _each(parameter: str, template: str = "{}") -> Placing:
    return lambda params, _: [old(template.format(tail(value))) for value in params[parameter]]


def _secret(params: Params, seen: Seen) -> list[Place]:
    return [old(seen.secret(params["SecretId"]))]


_VPC, _TABLE, _GROUP = "ec2:vpc/{VpcId}", "ec2:route-table/{RouteTableId}", "ec2:security-group/{GroupId}"
_GATEWAY, _SUBNET = "ec2:internet-gateway/{InternetGatewayId}", "ec2:subnet/{SubnetId}"
_RULE = "ec2:security-group-rule/new"
EC2: dict[str, Placing] = {
    "CreateVpc": by(make="ec2:vpc/new"),
    "ModifyVpcAttribute": by(_VPC),
    "DescribeVpcAttribute": by(_VPC),
    "DeleteVpc": by(_VPC),
    "CreateSubnet": by(_VPC, make="ec2:subnet/new"),
    "DeleteSubnet": by(_SUBNET),
    "CreateInternetGateway": by(make="ec2:internet-gateway/new"),
    "AttachInternetGateway": by(_GATEWAY, _VPC),
    "DetachInternetGateway": by(_GATEWAY, _VPC),
    "DeleteInternetGateway": by(_GATEWAY),
    "AllocateAddress": by(make="ec2:elastic-ip/new"),
    "ReleaseAddress": by("ec2:elastic-ip/{AllocationId}"),
    "CreateNatGateway": by(_SUBNET, "ec2:elastic-ip/{AllocationId}", make="ec2:natgateway/new"),
    "DeleteNatGateway": by("ec2:natgateway/{NatGatewayId}"),
    "CreateRouteTable": by(_VPC, make="ec2:route-table/new"),
    "DeleteRouteTable": by(_TABLE),
    "CreateRoute": by(_TABLE),
    "ReplaceRoute": by(_TABLE),
    "DeleteRoute": by(_TABLE),
    "AssociateRouteTable": by(_TABLE, _SUBNET),
    "DisassociateRouteTable": _association,
    "ReplaceRouteTableAssociation": _association,
    "CreateSecurityGroup": by(_VPC, make="ec2:security-group/new"),
    "DeleteSecurityGroup": by(_GROUP),
    "AuthorizeSecurityGroupIngress": by(_GROUP, make=_RULE),
    "AuthorizeSecurityGroupEgress": by(_GROUP, make=_RULE),
    "RevokeSecurityGroupIngress": by(_GROUP),
    "RevokeSecurityGroupEgress": by(_GROUP),
    "ModifySecurityGroupRules": _rules,
    "CreateVpcEndpoint": _endpoint(""),
    "ModifyVpcEndpoint": _endpoint("Add", "Remove"),
    "DeleteVpcEndpoints": lambda params, _: [old(f"ec2:vpc-endpoint/{id_}") for id_ in params["VpcEndpointIds"]],
    "CreateTags": _ec2_tagged,
}

_DATABASE, _SUBNETS = "rds:db:{DBInstanceIdentifier}", "rds:subgrp:{DBSubnetGroupName}"
_PARAMETERS = "rds:pg:{DBParameterGroupName}"
_SNAPSHOT = "rds:snapshot:{DBSnapshotIdentifier}"


def _modified(params: Params, _: Seen) -> list[Place]:
    templates = [_DATABASE, *([_PARAMETERS] if "DBParameterGroupName" in params else [])]
    return [old(template.format(**params)) for template in templates]


RDS: dict[str, Placing] = {
    "CreateDBSubnetGroup": by(make=_SUBNETS),
    "ModifyDBSubnetGroup": by(_SUBNETS),
    "DeleteDBSubnetGroup": by(_SUBNETS),
    "CreateDBParameterGroup": by(make=_PARAMETERS),
    "ModifyDBParameterGroup": by(_PARAMETERS),
    "DeleteDBParameterGroup": by(_PARAMETERS),
    "DescribeDBParameters": by(_PARAMETERS),
    "CreateDBInstance": by(_SUBNETS, _PARAMETERS, make=_DATABASE),
    "ModifyDBInstance": _modified,
    "DeleteDBInstance": by(_DATABASE),
    "CreateDBSnapshot": by(_DATABASE, make=_SNAPSHOT),
    "RestoreDBInstanceFromDBSnapshot": by(_SNAPSHOT, _SUBNETS, _PARAMETERS, make=_DATABASE),
    "DescribeDBSnapshots": by("rds:snapshot:*"),
    "AddTagsToResource": by("{ResourceName}"),
    "ListTagsForResource": by("{ResourceName}"),
    "DescribeDBInstances": by("rds:db:*"),
    "DescribeDBSubnetGroups": by("rds:subgrp:*"),
    "DescribeDBParameterGroups": by("rds:pg:*"),
}

ECS: dict[str, Placing] = {
    "CreateCluster": by(make="ecs:cluster/{clusterName}"),
    "DeleteCluster": by("{cluster}"),
    "DescribeClusters": _each("clusters", "ecs:cluster/{}"),
    "CreateService": lambda params, seen: [new(place) for place in _service(params, seen)],
    **dict.fromkeys(
        ("UpdateService", "DeleteService", "DescribeServices"),
        lambda params, seen: [old(place) for place in _service(params, seen)],
    ),
    "RegisterTaskDefinition": by(make="ecs:task-definition/{family}:1"),
    "TagResource": by("{resourceArn}"),
    "DescribeTasks": lambda params, _: [old(value) for value in params["tasks"]],
}

_BALANCER, _LISTENER, _TARGETS = "{LoadBalancerArn}", "{ListenerArn}", "{TargetGroupArn}"
ELB: dict[str, Placing] = {
    "CreateLoadBalancer": by(make="elasticloadbalancing:loadbalancer/app/{Name}/new"),
    **dict.fromkeys(
        ("SetSubnets", "SetSecurityGroups", "ModifyLoadBalancerAttributes", "DeleteLoadBalancer", "CreateListener"),
        by(_BALANCER),
    ),
    **dict.fromkeys(("ModifyListener", "DeleteListener"), by(_LISTENER)),
    "CreateTargetGroup": by(make="elasticloadbalancing:targetgroup/{Name}/new"),
    **dict.fromkeys(("ModifyTargetGroup", "ModifyTargetGroupAttributes", "DeleteTargetGroup"), by(_TARGETS)),
    "AddTags": lambda params, _: [old(value) for value in params["ResourceArns"]],
}

_ROLE = "iam:role/{RoleName}"
IAM: dict[str, Placing] = {
    "CreateRole": by(make=_ROLE),
    **dict.fromkeys(
        ("UpdateAssumeRolePolicy", "PutRolePolicy", "DeleteRolePolicy", "DetachRolePolicy", "DeleteRole", "TagRole"),
        by(_ROLE),
    ),
}

SECRETS: dict[str, Placing] = {
    "CreateSecret": by(make="secretsmanager:secret:{Name}-AbCdEf"),
    **dict.fromkeys(
        (
            "DescribeSecret",
            "GetSecretValue",
            "PutSecretValue",
            "UpdateSecret",
            "UpdateSecretVersionStage",
            "DeleteSecret",
            "RestoreSecret",
            "TagResource",
        ),
        _secret,
    ),
}

_REPOSITORY = "ecr:repository/{repositoryName}"
ECR: dict[str, Placing] = {
    "CreateRepository": by(make=_REPOSITORY),
    "DescribeRepositories": by("ecr:repository/*"),
    **dict.fromkeys(("TagResource", "ListTagsForResource"), by("{resourceArn}")),
    **dict.fromkeys(
        (
            "DeleteRepository",
            "PutLifecyclePolicy",
            "GetLifecyclePolicy",
            "PutImageScanningConfiguration",
            "ListImages",
            "DescribeImages",
        ),
        by(_REPOSITORY),
    ),
}

_LOG_GROUP = "logs:log-group:{logGroupName}"
LOGS: dict[str, Placing] = {
    "CreateLogGroup": by(make=_LOG_GROUP),
    **dict.fromkeys(("PutRetentionPolicy", "DeleteLogGroup"), by(_LOG_GROUP)),
    **dict.fromkeys(("TagResource", "ListTagsForResource"), by("{resourceArn}")),
    "GetLogEvents": by(f"{_LOG_GROUP}:log-stream:{{logStreamName}}"),
}

ALARMS: dict[str, Placing] = {
    "DescribeAlarms": by("cloudwatch:alarm:*"),
    "PutMetricAlarm": lambda params, _: [upsert(f"cloudwatch:alarm:{params['AlarmName']}")],
    "DeleteAlarms": _each("AlarmNames", "cloudwatch:alarm:{}"),
    "PutDashboard": lambda params, _: [upsert(f"cloudwatch:dashboard/{params['DashboardName']}")],
    "GetDashboard": by("cloudwatch:dashboard/{DashboardName}"),
    "DeleteDashboards": _each("DashboardNames", "cloudwatch:dashboard/{}"),
    **dict.fromkeys(("TagResource", "ListTagsForResource"), by("{ResourceARN}")),
}

_TOPIC = "{TopicArn}"
TOPICS: dict[str, Placing] = {
    "CreateTopic": lambda params, _: [upsert(f"sns:{params['Name']}")],
    **dict.fromkeys(
        ("GetTopicAttributes", "SetTopicAttributes", "DeleteTopic", "ListSubscriptionsByTopic", "Subscribe"), by(_TOPIC)
    ),
    "Unsubscribe": lambda params, _: [old(params["SubscriptionArn"].rpartition(":")[0])],
    **dict.fromkeys(("TagResource", "ListTagsForResource"), by("{ResourceArn}")),
}

SCALING: dict[str, Placing] = {
    **dict.fromkeys(
        ("RegisterScalableTarget", "DeregisterScalableTarget", "PutScalingPolicy", "DeleteScalingPolicy"), _target
    ),
    **dict.fromkeys(("TagResource", "ListTagsForResource"), by("{ResourceARN}")),
}


_ACL = "wafv2:regional/webacl/{Name}/{Id}"
_MANAGED = [old("wafv2:regional/managedruleset/AWSManagedRulesCommonRuleSet/1")]


def _front(params: Params, seen: Seen) -> list[Place]:
    """Give the load balancer of an association, and the web ACL that is named, or found in front of it."""
    resource = params["ResourceArn"]
    acl = params.get("WebACLArn") or seen.web_acl(resource)
    return [old(resource), *([old(acl)] if acl else [])]


WAF: dict[str, Placing] = {
    "CreateWebACL": lambda params, _: [new(f"wafv2:regional/webacl/{params['Name']}/new"), *_MANAGED],
    "UpdateWebACL": lambda params, _: [old(_ACL.format(**params)), *_MANAGED],
    **dict.fromkeys(("GetWebACL", "DeleteWebACL"), by(_ACL)),
    **dict.fromkeys(("TagResource", "ListTagsForResource"), by("{ResourceARN}")),
    "ListResourcesForWebACL": by("{WebACLArn}"),
    "GetWebACLForResource": _front,
    "AssociateWebACL": _front,
    "DisassociateWebACL": by("{ResourceArn}"),
}


def _objects(params: Params, _: Seen) -> list[Place]:
    return [old(f"s3:{params['Bucket']}/{row['Key']}") for row in params["Delete"]["Objects"]]


_BUCKET = "s3:{Bucket}"
S3: dict[str, Placing] = {
    "CreateBucket": by(make=_BUCKET),
    **dict.fromkeys(
        (
            "GetBucketTagging",
            "PutBucketTagging",
            "GetBucketPolicy",
            "PutBucketPolicy",
            "GetEncryptionConfiguration",
            "PutEncryptionConfiguration",
            "GetBucketPublicAccessBlock",
            "PutBucketPublicAccessBlock",
            "GetBucketOwnershipControls",
            "PutBucketOwnershipControls",
            "GetLifecycleConfiguration",
            "PutLifecycleConfiguration",
            "ListBucketVersions",
            "ListBucketMultipartUploads",
            "DeleteBucket",
        ),
        by(_BUCKET),
    ),
    "AbortMultipartUpload": by(f"{_BUCKET}/{{Key}}"),
    "DeleteObject": _objects,
}


CERTIFICATES: dict[str, Placing] = {
    "AddTagsToCertificate": by("{CertificateArn}"),
    **dict.fromkeys(("DescribeCertificate", "ListTagsForCertificate", "DeleteCertificate"), by("{CertificateArn}")),
}

ZONES: dict[str, Placing] = {
    "GetHostedZone": lambda params, _: [old(f"route53:hostedzone/{tail(params['Id'])}")],
    **dict.fromkeys(
        ("ListResourceRecordSets", "ChangeResourceRecordSets"),
        lambda params, _: [old(f"route53:hostedzone/{tail(params['HostedZoneId'])}")],
    ),
}


def _all(tables: Iterable[tuple[str, Mapping[str, Placing]]]) -> dict[str, Placing]:
    return {f"{service}:{name}": placing for service, table in tables for name, placing in table.items()}


PLACES = _all(
    (
        ("ec2", EC2),
        ("rds", RDS),
        ("ecs", ECS),
        ("elasticloadbalancing", ELB),
        ("iam", IAM),
        ("secretsmanager", SECRETS),
        ("ecr", ECR),
        ("logs", LOGS),
        ("cloudwatch", ALARMS),
        ("sns", TOPICS),
        ("application-autoscaling", SCALING),
        ("wafv2", WAF),
        ("s3", S3),
        ("acm", CERTIFICATES),
        ("route53", ZONES),
    )
)
