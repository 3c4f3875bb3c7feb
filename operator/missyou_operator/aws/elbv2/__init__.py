"""Elastic Load Balancing."""

from __future__ import annotations

from missyou_operator.aws.elbv2.access_logs import AccessLogs
from missyou_operator.aws.elbv2.listener import Listener, Redirect
from missyou_operator.aws.elbv2.loadbalancer import LoadBalancer
from missyou_operator.aws.elbv2.targetgroup import TargetGroup
from missyou_operator.engine.resource import Resource

KINDS: tuple[type[Resource], ...] = (LoadBalancer, TargetGroup, Listener, Redirect, AccessLogs)
