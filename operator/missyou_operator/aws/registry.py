"""All resource types there are."""

from __future__ import annotations

from missyou_operator.aws.acm import Certificate
from missyou_operator.aws.autoscaling import ScalableTarget, ScalingPolicy
from missyou_operator.aws.cloudwatch.alarm import Alarm
from missyou_operator.aws.cloudwatch.dashboard import Dashboard
from missyou_operator.aws.ec2.endpoints import VpcEndpoint
from missyou_operator.aws.ec2.gateways import Address, InternetGateway, NatGateway
from missyou_operator.aws.ec2.routes import RouteTable
from missyou_operator.aws.ec2.security import SecurityGroup, SecurityGroupRule
from missyou_operator.aws.ec2.vpc import Subnet, Vpc
from missyou_operator.aws.ecr import Image, Repository
from missyou_operator.aws.ecs.cluster import Cluster
from missyou_operator.aws.ecs.service import Service
from missyou_operator.aws.ecs.taskdefinition import TaskDefinition
from missyou_operator.aws.elbv2.access_logs import AccessLogs
from missyou_operator.aws.elbv2.listener import Listener, Redirect
from missyou_operator.aws.elbv2.loadbalancer import LoadBalancer
from missyou_operator.aws.elbv2.targetgroup import TargetGroup
from missyou_operator.aws.iam.role import Role
from missyou_operator.aws.logs import LogGroup
from missyou_operator.aws.rds.groups import DBParameterGroup, DBSubnetGroup
from missyou_operator.aws.rds.instance import DBInstance
from missyou_operator.aws.rds.snapshot import DBSnapshot
from missyou_operator.aws.route53.records import Alias, Validation
from missyou_operator.aws.route53.zone import HostedZone
from missyou_operator.aws.s3.bucket import Bucket
from missyou_operator.aws.secretsmanager.secret import Secret, SecretVersion
from missyou_operator.aws.sns.emails import EmailSubscriptions
from missyou_operator.aws.sns.topic import GivenTopic, Topic
from missyou_operator.aws.wafv2.association import WebACLAssociation
from missyou_operator.aws.wafv2.webacl import WebACL
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
