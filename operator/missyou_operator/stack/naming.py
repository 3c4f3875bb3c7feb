"""What each thing of a stack is called, said once.

Declarations, readers (`Cloud.names`), the IAM policy, outputs and the dashboard take names from here. No name depends
on the spec, so a stack is found also when its spec is gone. `StackIdentity.fill` puts in `{stack}`, `{region}` and
`{account}`; a `*` stands for what the spec chooses. A `Name` may be replaced by that of a resource which existed before
the stack: `spec.existing.names`, which is immutable, has it under the name's key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from fnmatch import fnmatchcase

from missyou_operator.api.base import wire_name
from missyou_operator.aws.identity import Name, Names

#: Tiers of subnets, and the letters of the zones: each tier has a subnet in each zone.
TIERS, LETTERS = ("public", "app", "db"), ("a", "b")

VPC, INTERNET_GATEWAY = Name("{stack}-vpc", "vpc"), Name("{stack}-igw", "internetGateway")
_TIER_KEYS = {"public": "publicSubnet", "app": "appSubnet", "db": "databaseSubnet"}
SUBNETS = {
    (tier, letter): Name(f"{{stack}}-{tier}-{letter}", f"{_TIER_KEYS[tier]}{letter.upper()}")
    for tier in TIERS
    for letter in LETTERS
}
#: By letter: the NAT gateways, their addresses, and the route tables of the app subnets.
NAT_GATEWAYS = {letter: Name(f"{{stack}}-nat-{letter}", f"natGateway{letter.upper()}") for letter in LETTERS}
ADDRESSES = {letter: Name(f"{{stack}}-nat-{letter}", f"address{letter.upper()}") for letter in LETTERS}
APP_ROUTES = {letter: Name(f"{{stack}}-app-{letter}", f"appRoutes{letter.upper()}") for letter in LETTERS}
PUBLIC_ROUTES, DATABASE_ROUTES = Name("{stack}-public", "publicRoutes"), Name("{stack}-db", "databaseRoutes")
LOAD_BALANCER_GROUP = Name("{stack}-alb", "loadBalancerSecurityGroup")
TASKS_GROUP = Name("{stack}-ecs", "tasksSecurityGroup")
DATABASE_GROUP, ENDPOINTS_GROUP = Name("{stack}-rds", "databaseSecurityGroup"), "{stack}-endpoints"
#: One for each AWS service that endpoints lead to, with dashes for its dots.
ENDPOINT = Name("{stack}-*", "endpoint-*")

#: The VPC's flow log, and the role that writes it. IAM knows no regions: its names tell them apart.
FLOW_LOG = "{stack}-{region}-flow-logs"
#: Beside the tasks' own log group: one list shows both.
FLOW_LOG_GROUP = "/ecs/{stack}/vpc-flow"

DATABASE, DATABASE_SUBNETS = Name("{stack}-db", "database"), Name("{stack}-db", "databaseSubnetGroup")
#: One for each major version, and one for each requested snapshot.
PARAMETERS, SNAPSHOT = Name("{stack}-postgres*", "parameterGroup-*"), "{stack}-db-*"
CREDENTIALS = Name("{stack}/db_credentials", "credentials")
GOOGLE_API_KEY, FIREBASE_KEY = "{stack}/google_api_key", "{stack}/firebase_key"
#: One for each variable of `service.envFrom`.
VARIABLES = "{stack}/env/*"

REPOSITORY = Name("{stack}", "repository")
CLUSTER, SERVICE = Name("{stack}-cluster", "cluster"), Name("{stack}-service", "service")
TASK_DEFINITION = Name("{stack}", "taskDefinition")
#: The only container of a task.
CONTAINER = Name("app", "container")
SCALING = "{stack}-scaling"
CPU_SCALING, MEMORY_SCALING = Name("{stack}-cpu", "cpuScaling"), Name("{stack}-memory", "memoryScaling")
EXECUTION_ROLE = Name("{stack}-{region}-execution", "executionRole")
TASK_ROLE = Name("{stack}-{region}-task", "taskRole")
#: The role by which ECS shifts requests between two target groups.
BALANCING_ROLE = Name("{stack}-{region}-lb", "balancingRole")

LOAD_BALANCER = Name("{stack}-alb", "loadBalancer")
#: One for each combination of settings that cannot change: see `targetgroup.fingerprint`.
TARGET_GROUP = Name("{stack}-tg-*", "targetGroup-*")
HTTP, HTTPS, REDIRECT = "{stack}-http", "{stack}-https", "{stack}-http-redirect"
#: Bucket names are shared by everybody in a partition.
LOG_BUCKET = "{stack}-alb-logs-{account}-{region}"
WEB_ACL = "{stack}-waf"

#: RDS chooses the name of the second one.
APP_LOG = Name("/ecs/{stack}", "appLog")
DATABASE_LOG = Name("/aws/rds/instance/{stack}-db/postgresql", "databaseLog")
#: The topic's policy names all alarms by one pattern.
TOPIC, ALARMS = "{stack}-alarms", "{stack}-*"
#: Dashboards are global to an account.
DASHBOARD = "{stack}-{region}"


class AlarmName(StrEnum):
    """The alarms, by what they watch."""

    HEALTHY_TASKS = "{stack}-alb-healthy"
    FAILING_REQUESTS = "{stack}-alb-5xx"
    UNHEALTHY_TASKS = "{stack}-alb-unhealthy"
    SERVICE_CPU = "{stack}-ecs-cpu"
    DATABASE_CPU = "{stack}-rds-cpu"
    DATABASE_STORAGE = "{stack}-rds-storage"
    DATABASE_CONNECTIONS = "{stack}-rds-connections"
    DATABASE_MEMORY = "{stack}-rds-memory"

    @property
    def key(self) -> str:
        """The key in `spec.existing.names`: serviceCPUAlarm, databaseStorageAlarm."""
        return f"{wire_name(self.name.lower())}Alarm"


#: All secrets of a stack, for policies: Secrets Manager appends six characters to a name.
SECRETS = Name("{stack}/*", "credentials")

#: The alarms that tell of a bad version: a deployment during which one of them goes off is rolled back.
ROLLBACK_ALARMS = (AlarmName.FAILING_REQUESTS, AlarmName.UNHEALTHY_TASKS)

#: The names by resource type, for the types that are read or permitted by name. (EC2's are found by their tags; their
#: names tell apart the stacks of apps that have the same name.)
NAMES: Names = {
    "ec2.Vpc": (VPC,),
    "ec2.InternetGateway": (INTERNET_GATEWAY,),
    "ec2.Subnet": tuple(SUBNETS.values()),
    "ec2.Address": tuple(ADDRESSES.values()),
    "ec2.NatGateway": tuple(NAT_GATEWAYS.values()),
    "ec2.RouteTable": (PUBLIC_ROUTES, DATABASE_ROUTES, *APP_ROUTES.values()),
    "ec2.SecurityGroup": (LOAD_BALANCER_GROUP, TASKS_GROUP, DATABASE_GROUP, ENDPOINTS_GROUP),
    "ec2.VpcEndpoint": (ENDPOINT,),
    "ec2.FlowLog": (FLOW_LOG,),
    "rds.DBSubnetGroup": (DATABASE_SUBNETS,),
    "rds.DBParameterGroup": (PARAMETERS,),
    "rds.DBInstance": (DATABASE,),
    "rds.DBSnapshot": (SNAPSHOT,),
    "secretsmanager.Secret": (CREDENTIALS, GOOGLE_API_KEY, FIREBASE_KEY, VARIABLES),
    "secretsmanager.SecretVersion": (CREDENTIALS,),
    "secretsmanager.StagedPassword": (CREDENTIALS,),
    # No resource type: what a policy allows of secrets.
    "secretsmanager.AnySecret": (SECRETS,),
    "ecr.Repository": (REPOSITORY,),
    "elbv2.LoadBalancer": (LOAD_BALANCER,),
    "elbv2.TargetGroup": (TARGET_GROUP,),
    # In the order of their ports.
    "elbv2.Listener": (HTTP, HTTPS),
    "s3.Bucket": (LOG_BUCKET,),
    "wafv2.WebACL": (WEB_ACL,),
    "ecs.Cluster": (CLUSTER,),
    "ecs.TaskDefinition": (TASK_DEFINITION,),
    "ecs.Service": (SERVICE,),
    "iam.Role": (EXECUTION_ROLE, TASK_ROLE, BALANCING_ROLE, FLOW_LOG),
    # No resource type: the container whose log streams a diagnosis quotes.
    "ecs.Container": (CONTAINER,),
    "autoscaling.ScalableTarget": (SCALING,),
    "logs.LogGroup": (APP_LOG, DATABASE_LOG, FLOW_LOG_GROUP),
    # No resource type: the log group that tasks write to, and that a diagnosis quotes where it may.
    "ecs.Log": (APP_LOG,),
    # Nor this one: of the log groups, the one that holds flow logs.
    "ec2.FlowLogGroup": (FLOW_LOG_GROUP,),
    "sns.Topic": (TOPIC,),
    "cloudwatch.Alarm": tuple(AlarmName),
    "cloudwatch.Dashboard": (DASHBOARD,),
}


def names_with(existing: Mapping[str, str]) -> Names:
    """Return `NAMES` with the names of what existed before, by the keys of their patterns, for a policy."""
    return {
        type_: (*patterns, *(name for pattern in patterns for name in _before(pattern, existing)))
        for type_, patterns in NAMES.items()
    }


#: How ARNs end in a name, by its pattern, where that pattern ends in a `*` and the name does not. Secrets are
#: looked up by their names, too.
_ENDINGS: Mapping[str, tuple[str, ...]] = {TARGET_GROUP: ("{}/*",), SECRETS: ("{}", "{}-??????")}


def _before(pattern: str, existing: Mapping[str, str]) -> Iterator[str]:
    keys = getattr(pattern, "key", "")
    for key, name in existing.items():
        if fnmatchcase(key, keys):
            yield from (ending.format(name) for ending in _ENDINGS.get(pattern, ("{}",)))
