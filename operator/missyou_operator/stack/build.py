"""The whole stack: the modules in the order in which they refer to one another."""

from __future__ import annotations

from missyou_operator.api import AppSpec
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.engine.graph import Graph
from missyou_operator.stack.alarms import alarms
from missyou_operator.stack.backups import backups
from missyou_operator.stack.context import Context, Lookups
from missyou_operator.stack.dashboard import dashboard
from missyou_operator.stack.database import database
from missyou_operator.stack.domain import domain
from missyou_operator.stack.endpoints import endpoints
from missyou_operator.stack.firewall import firewall
from missyou_operator.stack.flow_logs import flow_logs
from missyou_operator.stack.load_balancer import load_balancer
from missyou_operator.stack.monitoring import log_groups
from missyou_operator.stack.network import network
from missyou_operator.stack.notifications import notifications
from missyou_operator.stack.registry import registry
from missyou_operator.stack.secrets import api_secrets, database_credentials
from missyou_operator.stack.security_groups import security_groups
from missyou_operator.stack.service import service


def build(app: AppSpec, stack: StackIdentity, lookups: Lookups) -> Graph:
    """Return the graph of all resources that a spec asks for. Pure: the same input gives the same graph."""
    ctx = Context(app, stack, lookups)
    net = network(ctx)
    flow_logs(ctx, net)
    groups = security_groups(ctx, net)
    endpoints(ctx, net, groups)
    logs = log_groups(ctx)
    credentials = database_credentials(ctx)
    db = database(ctx, net, groups, credentials, logs.database)
    backups(ctx, db)
    images = registry(ctx)
    secrets = api_secrets(ctx)
    balancing = load_balancer(ctx, net, groups)
    balancing = domain(ctx, balancing)
    service(ctx, net, groups, images, db, secrets, balancing, logs.app)
    firewall(ctx, balancing)
    dashboard(ctx, balancing, alarms(ctx, balancing, notifications(ctx)))
    ctx.graph.keep(address for address in lookups.running.kept if address not in ctx.graph)
    return ctx.graph
