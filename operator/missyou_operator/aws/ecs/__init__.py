"""ECS."""

from __future__ import annotations

from missyou_operator.aws.ecs.cluster import Cluster
from missyou_operator.aws.ecs.service import Service
from missyou_operator.aws.ecs.taskdefinition import TaskDefinition
from missyou_operator.engine.resource import Resource

KINDS: tuple[type[Resource], ...] = (Cluster, TaskDefinition, Service)
