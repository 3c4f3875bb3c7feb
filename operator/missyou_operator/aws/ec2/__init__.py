"""EC2."""

from __future__ import annotations

from missyou_operator.aws.ec2.endpoints import VpcEndpoint
from missyou_operator.aws.ec2.flow_logs import FlowLog
from missyou_operator.aws.ec2.gateways import Address, InternetGateway, NatGateway
from missyou_operator.aws.ec2.routes import RouteTable
from missyou_operator.aws.ec2.security import SecurityGroup, SecurityGroupRule
from missyou_operator.aws.ec2.vpc import Subnet, Vpc
from missyou_operator.engine.resource import Resource

KINDS: tuple[type[Resource], ...] = (
    Vpc,
    Subnet,
    InternetGateway,
    Address,
    NatGateway,
    RouteTable,
    VpcEndpoint,
    FlowLog,
    SecurityGroup,
    SecurityGroupRule,
)
