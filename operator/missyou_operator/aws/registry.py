"""All resource types there are."""

from __future__ import annotations

from missyou_operator.aws.acm import Certificate
from missyou_operator.aws.autoscaling import ScalableTarget, ScalingPolicy
from missyou_operator.aws.cloudwatch import Alarm
from missyou_operator.aws.cloudwatch_dashboard import Dashboard
from missyou_operator.aws.ec2_endpoints import VpcEndpoint
from missyou_operator.aws.ec2_gateways import Address, InternetGateway, NatGateway
from missyou_operator.aws.ec2_routes import RouteTable
from missyou_operator.aws.ec2_security import SecurityGroup, SecurityGroupRule
from missyou_operator.aws.ec2_vpc import Subnet, Vpc
from missyou_operator.aws.ecr import Image, Repository
from missyou_operator.aws.ecs_cluster import Cluster
from missyou_operator.aws.ecs_service import Service
from missyou_operator.aws.ecs_taskdefinition import TaskDefinition
from missyou_operator.aws.elbv2_access_logs import AccessLogs
from missyou_operator.aws.elbv2_listener import Listener, Redirect
from missyou_operator.aws.elbv2_loadbalancer import LoadBalancer
from missyou_operator.aws.elbv2_targetgroup import TargetGroup
from missyou_operator.aws.iam import Role
from missyou_operator.aws.logs import LogGroup
from missyou_operator.aws.rds_groups import DBParameterGroup, DBSubnetGroup
from missyou_operator.aws.rds_instance import DBInstance
from missyou_operator.aws.rds_snapshot import DBSnapshot
from missyou_operator.aws.route53 import HostedZone
from missyou_operator.aws.route53_records import Alias, Validation
from missyou_operator.aws.s3_bucket import Bucket
from missyou_operator.aws.secretsmanager import Secret, SecretVersion
from missyou_operator.aws.sns import GivenTopic, Topic
from missyou_operator.aws.sns_emails import EmailSubscriptions
from missyou_operator.aws.wafv2 import WebACL
from missyou_operator.aws.wafv2_association import WebACLAssociation
from missyou_operator.engine.resource import Resource

KINDS: tuple[type[Resource], ...] = (
    Vpc,
    Subnet,
    InternetGateway,
    Address,
    NatGateway,
    RouteTable,
    VpcEndpoint,
    SecurityGroup,
    SecurityGroupRule,
    DBSubnetGroup,
    DBParameterGroup,
    DBInstance,
    DBSnapshot,
    Secret,
    SecretVersion,
    Repository,
    Image,
    LoadBalancer,
    TargetGroup,
    Listener,
    Redirect,
    HostedZone,
    Certificate,
    Validation,
    Alias,
    Cluster,
    Role,
    TaskDefinition,
    Service,
    ScalableTarget,
    ScalingPolicy,
    LogGroup,
    Topic,
    GivenTopic,
    EmailSubscriptions,
    Alarm,
    Dashboard,
    WebACL,
    WebACLAssociation,
    Bucket,
    AccessLogs,
)
