"""The whole stack: the modules in the order in which they refer to one another."""

from __future__ import annotations

from missyou_operator.api import AppSpec
from missyou_operator.aws.identity import Stack
from missyou_operator.engine.graph import Graph
from missyou_operator.stack.alarms import alarms
from missyou_operator.stack.backups import backups
from missyou_operator.stack.context import Context, Facts
from missyou_operator.stack.dashboard import dashboard
from missyou_operator.stack.database import database
from missyou_operator.stack.domain import domain
from missyou_operator.stack.endpoints import endpoints
from missyou_operator.stack.firewall import firewall
from missyou_operator.stack.load_balancer import load_balancer
from missyou_operator.stack.monitoring import log_groups
from missyou_operator.stack.network import network
from missyou_operator.stack.notifications import notifications
from missyou_operator.stack.registry import registry
from missyou_operator.stack.secrets import api_secrets, database_credentials
from missyou_operator.stack.security_groups import security_groups
from missyou_operator.stack.service import service


def build(app: AppSpec, stack: Stack, facts: Facts) -> Graph:
    """Give the graph of all resources that a spec asks for. Pure: the same input gives the same graph."""
    site = Context(app, stack, facts)
    net = network(site)
    groups = security_groups(site, net)
    endpoints(site, net, groups)
    logs = log_groups(site)
    credentials = database_credentials(site)
    db = database(site, net, groups, credentials, logs.database)
    backups(site, db)
    images = registry(site)
    secrets = api_secrets(site)
    balancing = load_balancer(site, net, groups)
    domain(site, balancing)
    service(site, net, groups, images, db, secrets, balancing, logs.app)
    firewall(site, balancing)
    dashboard(site, balancing, alarms(site, balancing, notifications(site)))
    return site.graph
