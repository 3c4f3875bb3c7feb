"""ECS services: creation, change and deletion, with AWS's refusals. `rollout` advances them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from missyou_local.aws.call import Call, Regional, Result, advances, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.ec2 import interfaces
from missyou_local.aws.services.ecs import deploying
from missyou_local.aws.services.ecs import rollout as ecs_rollout
from missyou_local.aws.services.ecs.definitions import find_definition
from missyou_local.aws.services.ecs.model import Service
from missyou_local.aws.services.ecs.strategies import PARTS, check_strategy
from missyou_local.aws.services.elbv2.load_balancers import users_of

Services = dict[tuple[str, str], Service]
SERVICES: Regional[Services] = Regional(dict)
"""(cluster, service) -> service, the INACTIVE ones included: they stay describable."""

_NO_DEPLOYMENT = ("healthCheckGracePeriodSeconds", "propagateTags", "enableECSManagedTags", "enableExecuteCommand")
_DEPLOYMENT = ("networkConfiguration", "loadBalancers", "platformVersion", "serviceRegistries")


@advances("ecs", "elbv2", "ec2", "application-autoscaling")
def advance(call: Call) -> None:
    """Bring every service up to the clock."""
    for service in SERVICES.of(call).values():
        if service.status != "INACTIVE":
            ecs_rollout.advance(call, service)
    interfaces.advance(call)


def cluster_name(call: Call) -> str:
    """Return the name of the ACTIVE cluster that the call names. Raises AwsError `ClusterNotFoundException`."""
    name = str(call.params.get("cluster", "default")).rpartition("/")[2]
    cluster = call.moto("ecs").clusters.get(name)
    if cluster is None or cluster.status != "ACTIVE":
        raise AwsError("ClusterNotFoundException", "Cluster not found.")
    return name


def find_active(call: Call, resource_id: str) -> Service | None:
    """Return the ACTIVE service of an Auto Scaling resource id, `service/<cluster>/<name>`."""
    _, cluster, name = resource_id.split("/")
    service = SERVICES.of(call).get((cluster, name))
    return service if service is not None and service.status == "ACTIVE" else None


def scale(call: Call, service: Service, desired: int) -> None:
    """Set the desired count, which makes no new deployment."""
    service.desired = desired
    ecs_rollout.steer(call, service, call.now)
    ecs_rollout.advance(call, service)


@handles("ecs:CreateService")
def create_service(call: Call) -> Result:
    """Create a service and begin its first deployment."""
    params = call.params
    cluster, name = cluster_name(call), params["serviceName"]
    present = SERVICES.of(call).get((cluster, name))
    if present is not None and present.status == "DRAINING":
        raise _invalid("Unable to Start a service that is still Draining.")
    if present is not None and present.status == "ACTIVE":
        if params.get("clientToken") and params["clientToken"] == present.token:
            return {"service": present.describe()}
        raise _invalid("Creation of service was not idempotent.")
    definition = find_definition(call, params.get("taskDefinition", ""))
    settings = _settings(params, call.account)
    _check_network(definition, params)
    _check_balancers(call, definition, settings)
    check_strategy(call, settings)
    # With its defaults: moto expects security groups, which are optional.
    call.forward({**params, "networkConfiguration": settings["networkConfiguration"]})
    model = call.moto("ecs").services[f"{cluster}:{name}"]
    service = Service(
        name=name,
        arn=model.arn,
        cluster=cluster,
        cluster_arn=model.cluster_arn,
        created=call.now,
        desired=int(params.get("desiredCount", 0)),
        definition=definition.arn,
        settings=settings,
        token=params.get("clientToken"),
    )
    SERVICES.of(call)[cluster, name] = service
    deploying.deploy(call, service, call.now, definition.arn)
    ecs_rollout.steer(call, service, call.now)
    return {"service": {**service.describe(), "tags": list(params.get("tags", []))}}


def _settings(params: Mapping[str, Any], account: str) -> dict[str, Any]:
    """Return what a creation sets, in the form of DescribeServices and with AWS's defaults."""
    settings: dict[str, Any] = {
        "launchType": params.get("launchType", "FARGATE"),
        "platformVersion": params.get("platformVersion", "LATEST"),
        "loadBalancers": list(params.get("loadBalancers", [])),
        "serviceRegistries": list(params.get("serviceRegistries", [])),
        "networkConfiguration": _network(params.get("networkConfiguration")),
        "deploymentConfiguration": _deployment_configuration({}, params.get("deploymentConfiguration", {})),
        "deploymentController": params.get("deploymentController", {"type": "ECS"}),
        "propagateTags": params.get("propagateTags", "NONE"),
        "enableECSManagedTags": params.get("enableECSManagedTags", False),
        "enableExecuteCommand": params.get("enableExecuteCommand", False),
        "availabilityZoneRebalancing": params.get("availabilityZoneRebalancing", "ENABLED"),
        "roleArn": f"arn:aws:iam::{account}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
    }
    if settings["loadBalancers"]:
        settings["healthCheckGracePeriodSeconds"] = params.get("healthCheckGracePeriodSeconds", 0)
    elif "healthCheckGracePeriodSeconds" in params:
        raise _invalid("Health check grace period is only valid for services configured to use load balancers")
    return settings


def _network(given: Mapping[str, Any] | None) -> dict[str, Any]:
    inner = {"assignPublicIp": "DISABLED", "securityGroups": [], **(given or {}).get("awsvpcConfiguration", {})}
    return {"awsvpcConfiguration": inner}


def _deployment_configuration(present: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    defaults = {
        "deploymentCircuitBreaker": {"enable": False, "rollback": False},
        "maximumPercent": 200,
        "minimumHealthyPercent": 100,
        "strategy": "ROLLING",
        "bakeTimeInMinutes": 0,
    }
    merged = {**defaults, **present, **given}
    of_others = {key for strategy, key in PARTS.items() if strategy != merged["strategy"]} - given.keys()
    return {key: value for key, value in merged.items() if key not in of_others}


def _check_network(definition: Any, params: Mapping[str, Any]) -> None:
    inner = (params.get("networkConfiguration") or {}).get("awsvpcConfiguration", {})
    if definition.network_mode == "awsvpc" and not inner.get("subnets"):
        raise _invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.")


def _check_balancers(call: Call, definition: Any, settings: Mapping[str, Any]) -> None:
    """Refuse target groups that cannot serve, and containers and ports that the task definition has not."""
    elb = call.moto("elbv2")
    for entry in settings["loadBalancers"]:
        alternate = entry.get("advancedConfiguration", {}).get("alternateTargetGroupArn")
        for arn in (entry.get("targetGroupArn"), *((alternate,) if alternate else ())):
            group = elb.target_groups.get(arn)
            if group is None:
                raise _invalid(f"The specified target group does not exist: {arn} (ErrorCode: TargetGroupNotFound)")
            if not users_of(elb, arn):
                raise _invalid(f"The target group with targetGroupArn {arn} does not have an associated load balancer.")
            if group.target_type != "ip":
                raise _invalid(
                    f"The provided target group {arn} has target type {group.target_type}, which is incompatible with "
                    "the awsvpc network mode specified in the task definition."
                )
        containers = {container["name"]: container for container in definition.container_definitions}
        container, port = entry.get("containerName"), entry.get("containerPort")
        if container not in containers:
            raise _invalid(f"The container {container} does not exist in the task definition.")
        if port not in [mapping["containerPort"] for mapping in containers[container]["portMappings"]]:
            raise _invalid(f"The container {container} did not have a container port {port} defined.")


@handles("ecs:UpdateService")
def update_service(call: Call) -> Result:
    """Change a service. A change of its tasks begins a new deployment; a new desired count does not."""
    params = call.params
    service = _service(call)
    if service.status != "ACTIVE":
        raise AwsError("ServiceNotActiveException", "Service was not ACTIVE.")
    definition = find_definition(call, params.get("taskDefinition", service.definition))
    settings = dict(service.settings)
    settings.update({key: params[key] for key in (*_NO_DEPLOYMENT, *_DEPLOYMENT) if key in params})
    if "networkConfiguration" in params:
        settings["networkConfiguration"] = _network(params["networkConfiguration"])
    if "capacityProviderStrategy" in params:
        settings["capacityProviderStrategy"] = list(params["capacityProviderStrategy"])
    if "deploymentConfiguration" in params:
        present = settings["deploymentConfiguration"]
        settings["deploymentConfiguration"] = _deployment_configuration(present, params["deploymentConfiguration"])
    if "loadBalancers" in params or "taskDefinition" in params:
        _check_balancers(call, definition, settings)
    if "loadBalancers" in params or "deploymentConfiguration" in params:
        check_strategy(call, settings)
    redeploys = (
        params.get("forceNewDeployment", False)
        or definition.arn != service.definition
        or any(settings[key] != service.settings[key] for key in _DEPLOYMENT)
    )
    service.settings = settings
    service.desired = int(params.get("desiredCount", service.desired))
    if redeploys:
        deploying.deploy(call, service, call.now, definition.arn)
    ecs_rollout.steer(call, service, call.now)
    return {"service": service.describe()}


@handles("ecs:DeleteService")
def delete_service(call: Call) -> Result:
    """Drain a service; it is INACTIVE once its tasks have stopped."""
    service = _service(call)
    if service.status == "ACTIVE":
        if service.desired > 0 and not call.params.get("force"):
            raise _invalid("The service cannot be stopped while it is scaled above 0.")
        call.forward({**call.params, "force": True})
        service.status, service.desired = "DRAINING", 0
        shown = service.describe()
        ecs_rollout.steer(call, service, call.now)
        return {"service": shown}
    return {"service": service.describe()}


def _service(call: Call) -> Service:
    name = call.params["service"].rpartition("/")[2]
    service = SERVICES.of(call).get((cluster_name(call), name))
    if service is None or service.status == "INACTIVE":
        raise AwsError("ServiceNotFoundException", "Service not found.")
    return service


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)
