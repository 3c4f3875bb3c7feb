"""Each compared setting of a stack, changed by somebody who is not the operator: one call of AWS's API each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .app import App

Change = Callable[["Hands"], object]


class Hands:
    """Clients of a stranger, and the ids of a stack's things."""

    def __init__(self, app: App) -> None:
        self.app, self.stack, self.client = app, app.stack, app.client

    def ec2_id(self, kind: str, name: str) -> str:
        """Return the id of one of EC2's things by its name: `Subnets`, `SecurityGroups`, …"""
        operation, key = _EC2[kind]
        rows = getattr(self.client("ec2"), operation)()[kind]
        [row] = [row for row in rows if {"Key": "Name", "Value": f"{self.stack}-{name}"} in row.get("Tags", ())]
        return str(row[key])

    @property
    def balancer(self) -> str:
        [row] = self.client("elbv2").describe_load_balancers()["LoadBalancers"]
        return str(row["LoadBalancerArn"])

    @property
    def targets(self) -> str:
        [row] = self.client("elbv2").describe_target_groups()["TargetGroups"]
        return str(row["TargetGroupArn"])

    def listener(self, port: int) -> str:
        rows = self.client("elbv2").describe_listeners(LoadBalancerArn=self.balancer)["Listeners"]
        [row] = [row for row in rows if row["Port"] == port]
        return str(row["ListenerArn"])

    @property
    def service(self) -> Mapping[str, str]:
        return {"cluster": f"{self.stack}-cluster", "service": f"{self.stack}-service"}

    @property
    def topic(self) -> str:
        return f"arn:aws:sns:us-east-1:123456789012:{self.stack}-alarms"

    @property
    def role(self) -> str:
        return f"{self.stack}-us-east-1-task"


_EC2 = {
    "Vpcs": ("describe_vpcs", "VpcId"),
    "Subnets": ("describe_subnets", "SubnetId"),
    "SecurityGroups": ("describe_security_groups", "GroupId"),
    "RouteTables": ("describe_route_tables", "RouteTableId"),
    "VpcEndpoints": ("describe_vpc_endpoints", "VpcEndpointId"),
    "InternetGateways": ("describe_internet_gateways", "InternetGatewayId"),
}
EVERYBODY = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "*", "Resource": "*"}
OTHER_POLICY = json.dumps({"Version": "2012-10-17", "Statement": [EVERYBODY]})

ANYBODY_ASSUMES = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
    }
)


def target_group(**arguments: Any) -> Change:
    return lambda hands: hands.client("elbv2").modify_target_group(TargetGroupArn=hands.targets, **arguments)


def target_attribute(key: str, value: str) -> Change:
    return lambda hands: hands.client("elbv2").modify_target_group_attributes(
        TargetGroupArn=hands.targets, Attributes=[{"Key": key, "Value": value}]
    )


def balancer_attribute(key: str, value: str) -> Change:
    return lambda hands: hands.client("elbv2").modify_load_balancer_attributes(
        LoadBalancerArn=hands.balancer, Attributes=[{"Key": key, "Value": value}]
    )


def listener(port: int, **arguments: Any) -> Change:
    return lambda hands: hands.client("elbv2").modify_listener(ListenerArn=hands.listener(port), **arguments)


def database(**arguments: Any) -> Change:
    return lambda hands: hands.client("rds").modify_db_instance(
        DBInstanceIdentifier=f"{hands.stack}-db", ApplyImmediately=True, **arguments
    )


def service(**arguments: Any) -> Change:
    return lambda hands: hands.client("ecs").update_service(**hands.service, **arguments)


def service_network(**arguments: Any) -> Change:
    def change(hands: Hands) -> None:
        ecs, names = hands.client("ecs"), hands.service
        [row] = ecs.describe_services(cluster=names["cluster"], services=[names["service"]])["services"]
        inner = {**row["networkConfiguration"]["awsvpcConfiguration"], **_called(arguments, hands)}
        ecs.update_service(**names, networkConfiguration={"awsvpcConfiguration": inner})

    return change


def _called(arguments: Mapping[str, Any], hands: Hands) -> dict[str, Any]:
    return {key: value(hands) if callable(value) else value for key, value in arguments.items()}


def alarm(name: str, **arguments: Any) -> Change:
    """Put an alarm anew, as it is but for some arguments."""

    def change(hands: Hands) -> None:
        cloudwatch = hands.client("cloudwatch")
        [row] = cloudwatch.describe_alarms(AlarmNames=[f"{hands.stack}-{name}"])["MetricAlarms"]
        known = cloudwatch.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
        kept = {key: value for key, value in row.items() if key in known and value not in ("", [], None)}
        cloudwatch.put_metric_alarm(**{**kept, **_called(arguments, hands)})

    return change


def math(change: Callable[[list[dict[str, Any]]], None]) -> Change:
    """Put the alarm with an expression anew, its queries changed."""

    def run(hands: Hands) -> None:
        [row] = hands.client("cloudwatch").describe_alarms(AlarmNames=[f"{hands.stack}-alb-5xx"])["MetricAlarms"]
        queries = json.loads(json.dumps(row["Metrics"]))
        change(queries)
        alarm("alb-5xx", Metrics=queries)(hands)

    return run


def _other_expression(queries: list[dict[str, Any]]) -> None:
    for query in queries:
        if query.get("Expression"):
            query["Expression"] = f"0 * ({query['Expression']})"


def _other_dimensions(queries: list[dict[str, Any]]) -> None:
    next(query for query in queries if query.get("MetricStat"))["MetricStat"]["Metric"]["Dimensions"] = [
        {"Name": "LoadBalancer", "Value": "app/other/1"}
    ]


def _other_operand(queries: list[dict[str, Any]]) -> None:
    next(query for query in queries if query.get("MetricStat"))["MetricStat"]["Metric"]["MetricName"] = "RequestCount2"


def endpoint(service_: str, **arguments: Any) -> Change:
    return lambda hands: hands.client("ec2").modify_vpc_endpoint(
        VpcEndpointId=hands.ec2_id("VpcEndpoints", service_), **_called(arguments, hands)
    )


def subnet(name: str) -> Callable[[Hands], str]:
    return lambda hands: hands.ec2_id("Subnets", name)


def group(name: str) -> Callable[[Hands], str]:
    return lambda hands: hands.ec2_id("SecurityGroups", name)


def several(*values: Callable[[Hands], str]) -> Callable[[Hands], list[str]]:
    return lambda hands: [value(hands) for value in values]


def scalable_target(**arguments: Any) -> Change:
    return lambda hands: hands.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId=f"service/{hands.stack}-cluster/{hands.stack}-service",
        ScalableDimension="ecs:service:DesiredCount",
        **arguments,
    )


def scaling_policy(**arguments: Any) -> Change:
    def change(hands: Hands) -> None:
        scaling = hands.client("application-autoscaling")
        rows = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
        [row] = [row for row in rows if row["PolicyName"] == f"{hands.stack}-cpu"]
        kept = {key: row[key] for key in ("PolicyName", "ServiceNamespace", "ResourceId", "ScalableDimension")}
        config = {**row["TargetTrackingScalingPolicyConfiguration"], **arguments}
        scaling.put_scaling_policy(
            **kept, PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration=config
        )

    return change


def secret(**arguments: Any) -> Change:
    return lambda hands: hands.client("secretsmanager").update_secret(
        SecretId=f"{hands.stack}/google_api_key", **arguments
    )


def rotated(hands: Hands) -> None:
    hands.client("secretsmanager").rotate_secret(
        SecretId=f"{hands.stack}/db_credentials",
        RotationLambdaARN="arn:aws:lambda:us-east-1:123456789012:function:rotate",
        RotationRules={"AutomaticallyAfterDays": 30},
        RotateImmediately=False,
    )


def record(**changes: Any) -> Change:
    def change(hands: Hands) -> None:
        route53 = hands.client("route53")
        [zone] = [row["Id"] for row in route53.list_hosted_zones()["HostedZones"] if row["Name"] == "example.com."]
        rows = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        [row] = [row for row in rows if row["Type"] == "A"]
        alias = {**row["AliasTarget"], **{key: value for key, value in changes.items() if key in row["AliasTarget"]}}
        other = {key: value for key, value in changes.items() if key not in row["AliasTarget"]}
        batch = [("DELETE", row), ("CREATE", {**row, "AliasTarget": alias, **other})]
        route53.change_resource_record_sets(
            HostedZoneId=zone,
            ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": each} for action, each in batch]},
        )

    return change


def web_acl(**changes: Any) -> Change:
    def change(hands: Hands) -> None:
        waf = hands.client("wafv2")
        [row] = [row for row in waf.list_web_acls(Scope="REGIONAL")["WebACLs"] if row["Name"] == f"{hands.stack}-waf"]
        answer = waf.get_web_acl(Name=row["Name"], Id=row["Id"], Scope="REGIONAL")
        kept = {key: answer["WebACL"][key] for key in ("DefaultAction", "VisibilityConfig", "Rules")}
        waf.update_web_acl(
            Name=row["Name"],
            Id=row["Id"],
            Scope="REGIONAL",
            LockToken=answer["LockToken"],
            **{**kept, **{key: value(kept[key]) for key, value in changes.items()}},
        )

    return change


def bucket(operation: str, **arguments: Any) -> Change:
    def change(hands: Hands) -> None:
        name = f"{hands.stack}-alb-logs-123456789012-us-east-1"
        getattr(hands.client("s3"), operation)(Bucket=name, **arguments)

    return change


def default_route(name: str, action: str) -> Change:
    def change(hands: Hands) -> None:
        route = {"RouteTableId": hands.ec2_id("RouteTables", name), "DestinationCidrBlock": "0.0.0.0/0"}
        if action == "create_route":
            route["GatewayId"] = hands.ec2_id("InternetGateways", "igw")
        getattr(hands.client("ec2"), action)(**route)

    return change


def moved_subnet(hands: Hands) -> None:
    ec2, id_ = hands.client("ec2"), hands.ec2_id("Subnets", "app-a")
    [table] = ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [id_]}])["RouteTables"]
    [association] = [row["RouteTableAssociationId"] for row in table["Associations"] if row.get("SubnetId") == id_]
    ec2.replace_route_table_association(AssociationId=association, RouteTableId=hands.ec2_id("RouteTables", "public"))


def other_words(hands: Hands) -> None:
    ec2, id_ = hands.client("ec2"), hands.ec2_id("SecurityGroups", "alb")
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [id_]}])["SecurityGroupRules"]
    row = next(row for row in rules if "CidrIpv4" in row and not row["IsEgress"])
    rule = {key: row[key] for key in ("IpProtocol", "FromPort", "ToPort", "CidrIpv4")}
    changed = {"SecurityGroupRuleId": row["SecurityGroupRuleId"], "SecurityGroupRule": {**rule, "Description": "x"}}
    ec2.modify_security_group_rules(GroupId=id_, SecurityGroupRules=[changed])


def stranger_on_the_topic(hands: Hands) -> None:
    sns = hands.client("sns")
    sns.subscribe(TopicArn=hands.topic, Protocol="email", Endpoint="stranger@example.com")
    mail = json.loads(hands.app.aws.control.answer("GET", "/_control/mail", b"").body)[-1]
    sns.confirm_subscription(TopicArn=hands.topic, Token=mail["token"])


def _without_last(rules: list[Any]) -> list[Any]:
    return rules[:-1]


_OTHER_TOPIC = ["arn:aws:sns:us-east-1:123456789012:pager"]
_TARGET_ATTRIBUTES = {
    "deregistration_delay.timeout_seconds": "300",
    "load_balancing.algorithm.type": "least_outstanding_requests",
    "load_balancing.cross_zone.enabled": "false",
    "slow_start.duration_seconds": "900",
    "stickiness.enabled": "true",
    "target_group_health.dns_failover.minimum_healthy_targets.count": "2",
    "target_group_health.dns_failover.minimum_healthy_targets.percentage": "50",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "2",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "50",
}
_BALANCER_ATTRIBUTES = {
    "client_keep_alive.seconds": "60",
    "idle_timeout.timeout_seconds": "1",
    "routing.http.desync_mitigation_mode": "monitor",
    "routing.http.preserve_host_header.enabled": "true",
    "routing.http.xff_client_port.enabled": "true",
    "routing.http.xff_header_processing.mode": "remove",
    "routing.http2.enabled": "false",
    "waf.fail_open.enabled": "true",
}
#: (type, compared field) -> calls that change it, each to something else.
SETTINGS: Mapping[tuple[str, str], tuple[Change, ...]] = {
    ("ec2.Vpc", "dns_hostnames"): (
        lambda hands: hands.client("ec2").modify_vpc_attribute(
            VpcId=hands.ec2_id("Vpcs", "vpc"), EnableDnsHostnames={"Value": False}
        ),
    ),
    ("ec2.Vpc", "dns_support"): (
        lambda hands: hands.client("ec2").modify_vpc_attribute(
            VpcId=hands.ec2_id("Vpcs", "vpc"), EnableDnsSupport={"Value": False}
        ),
    ),
    ("ec2.RouteTable", "default_target"): (
        default_route("app-a", "delete_route"),
        default_route("db", "create_route"),
    ),
    ("ec2.RouteTable", "subnet_ids"): (moved_subnet,),
    ("ec2.VpcEndpoint", "policy"): (
        endpoint("s3", PolicyDocument=OTHER_POLICY.replace("Allow", "Deny")),
        endpoint("logs", PolicyDocument=OTHER_POLICY.replace("Allow", "Deny")),
    ),
    ("ec2.VpcEndpoint", "private_dns"): (endpoint("logs", PrivateDnsEnabled=False),),
    ("ec2.VpcEndpoint", "route_table_ids"): (
        endpoint("s3", RemoveRouteTableIds=lambda hands: [hands.ec2_id("RouteTables", "app-a")]),
    ),
    ("ec2.VpcEndpoint", "subnet_ids"): (endpoint("logs", RemoveSubnetIds=several(subnet("app-a"))),),
    ("ec2.VpcEndpoint", "security_group_ids"): (endpoint("logs", AddSecurityGroupIds=several(group("alb"))),),
    ("ec2.SecurityGroupRule", "description"): (other_words,),
    ("rds.DBSubnetGroup", "description"): (
        lambda hands: hands.client("rds").modify_db_subnet_group(
            DBSubnetGroupName=f"{hands.stack}-db",
            DBSubnetGroupDescription="x",
            SubnetIds=[hands.ec2_id("Subnets", f"db-{letter}") for letter in "ab"],
        ),
    ),
    ("rds.DBSubnetGroup", "subnet_ids"): (
        lambda hands: hands.client("rds").modify_db_subnet_group(
            DBSubnetGroupName=f"{hands.stack}-db",
            SubnetIds=[hands.ec2_id("Subnets", name) for name in ("db-a", "db-b", "app-a")],
        ),
    ),
    ("rds.DBParameterGroup", "parameters"): (
        lambda hands: hands.client("rds").modify_db_parameter_group(
            DBParameterGroupName=f"{hands.stack}-postgres15",
            Parameters=[{"ParameterName": "rds.force_ssl", "ParameterValue": "0", "ApplyMethod": "immediate"}],
        ),
    ),
    ("rds.DBInstance", "auto_minor_upgrades"): (database(AutoMinorVersionUpgrade=False),),
    ("rds.DBInstance", "backup_retention_days"): (database(BackupRetentionPeriod=1),),
    ("rds.DBInstance", "copy_tags_to_snapshots"): (database(CopyTagsToSnapshot=False),),
    ("rds.DBInstance", "deletion_protection"): (database(DeletionProtection=True),),
    ("rds.DBInstance", "iam_logins"): (database(EnableIAMDatabaseAuthentication=True),),
    ("rds.DBInstance", "instance_class"): (database(DBInstanceClass="db.t3.small"),),
    ("rds.DBInstance", "log_exports"): (
        database(CloudwatchLogsExportConfiguration={"DisableLogTypes": ["postgresql"]}),
    ),
    ("rds.DBInstance", "max_storage_gib"): (database(MaxAllocatedStorage=900),),
    ("rds.DBInstance", "monitoring_seconds"): (
        lambda hands: database(MonitoringInterval=1, MonitoringRoleArn=f"arn:aws:iam::123456789012:role/{hands.role}")(
            hands
        ),
    ),
    ("rds.DBInstance", "multi_az"): (database(MultiAZ=False),),
    ("rds.DBInstance", "performance_insights"): (database(EnablePerformanceInsights=False),),
    ("rds.DBInstance", "publicly_accessible"): (database(PubliclyAccessible=True),),
    ("rds.DBInstance", "security_group_ids"): (
        lambda hands: database(VpcSecurityGroupIds=[hands.ec2_id("SecurityGroups", "alb")])(hands),
    ),
    ("secretsmanager.Secret", "description"): (secret(Description="x"),),
    ("secretsmanager.Secret", "key"): (secret(KmsKeyId="alias/mine"),),
    ("secretsmanager.Secret", "rotation"): (rotated,),
    ("secretsmanager.Secret", "value"): (secret(SecretString="x"),),
    ("ecr.Repository", "keep_images"): (
        lambda hands: hands.client("ecr").delete_lifecycle_policy(repositoryName=hands.stack),
    ),
    ("ecr.Repository", "keep_tags"): (
        lambda hands: hands.client("ecr").delete_lifecycle_policy(repositoryName=hands.stack),
    ),
    ("ecr.Repository", "scan_on_push"): (
        lambda hands: hands.client("ecr").put_image_scanning_configuration(
            repositoryName=hands.stack, imageScanningConfiguration={"scanOnPush": False}
        ),
    ),
    ("ecr.Repository", "immutable_tags"): (
        lambda hands: hands.client("ecr").put_image_tag_mutability(
            repositoryName=hands.stack, imageTagMutability="MUTABLE"
        ),
    ),
    ("elbv2.LoadBalancer", "addresses"): (
        lambda hands: hands.client("elbv2").set_ip_address_type(
            LoadBalancerArn=hands.balancer, IpAddressType="dualstack"
        ),
    ),
    ("elbv2.LoadBalancer", "attributes"): tuple(
        balancer_attribute(key, value) for key, value in _BALANCER_ATTRIBUTES.items()
    ),
    ("elbv2.LoadBalancer", "deletion_protection"): (balancer_attribute("deletion_protection.enabled", "true"),),
    ("elbv2.LoadBalancer", "drop_invalid_headers"): (
        balancer_attribute("routing.http.drop_invalid_header_fields.enabled", "false"),
    ),
    ("elbv2.LoadBalancer", "security_group_ids"): (
        lambda hands: hands.client("elbv2").set_security_groups(
            LoadBalancerArn=hands.balancer, SecurityGroups=[hands.ec2_id("SecurityGroups", "ecs")]
        ),
    ),
    ("elbv2.LoadBalancer", "subnet_ids"): (
        lambda hands: hands.client("elbv2").set_subnets(
            LoadBalancerArn=hands.balancer, Subnets=[hands.ec2_id("Subnets", f"app-{letter}") for letter in "ab"]
        ),
    ),
    ("elbv2.TargetGroup", "attributes"): tuple(
        target_attribute(key, value) for key, value in _TARGET_ATTRIBUTES.items()
    ),
    ("elbv2.TargetGroup", "health_interval"): (target_group(HealthCheckIntervalSeconds=300),),
    ("elbv2.TargetGroup", "health_path"): (target_group(HealthCheckPath="/else"),),
    ("elbv2.TargetGroup", "health_port"): (target_group(HealthCheckPort="9999"),),
    ("elbv2.TargetGroup", "health_protocol"): (target_group(HealthCheckProtocol="HTTPS"),),
    ("elbv2.TargetGroup", "health_timeout"): (target_group(HealthCheckTimeoutSeconds=20),),
    ("elbv2.TargetGroup", "healthy_threshold"): (target_group(HealthyThresholdCount=10),),
    ("elbv2.TargetGroup", "matcher"): (target_group(Matcher={"HttpCode": "200-499"}),),
    ("elbv2.TargetGroup", "unhealthy_threshold"): (target_group(UnhealthyThresholdCount=2),),
    ("elbv2.Listener", "mutual_tls"): (listener(443, MutualAuthentication={"Mode": "passthrough"}),),
    ("elbv2.Listener", "target_group_arn"): (
        listener(443, DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}]),
    ),
    ("elbv2.Listener", "tls_policy"): (listener(443, SslPolicy="ELBSecurityPolicy-2016-08"),),
    ("elbv2.AccessLogs", "prefix"): (balancer_attribute("access_logs.s3.prefix", "else"),),
    ("route53.Alias", "by_health"): (record(EvaluateTargetHealth=True),),
    ("route53.Alias", "routing"): (record(SetIdentifier="half", Weight=50),),
    ("route53.Alias", "target"): (record(DNSName="else.us-east-1.elb.amazonaws.com."),),
    ("ecs.Service", "alarms"): (
        service(deploymentConfiguration={"alarms": {"alarmNames": [], "enable": False, "rollback": False}}),
        service(deploymentConfiguration={"alarms": {"alarmNames": ["mine"], "enable": True, "rollback": True}}),
    ),
    ("ecs.Service", "circuit_breaker"): (
        service(deploymentConfiguration={"deploymentCircuitBreaker": {"enable": False, "rollback": False}}),
    ),
    ("ecs.Service", "grace_seconds"): (service(healthCheckGracePeriodSeconds=0),),
    ("ecs.Service", "security_group_ids"): (service_network(securityGroups=several(group("alb"))),),
    ("ecs.Service", "settings"): (
        service_network(assignPublicIp="ENABLED"),
        service(enableECSManagedTags=False),
        service(enableExecuteCommand=True),
        service(capacityProviderStrategy=[{"capacityProvider": "FARGATE_SPOT", "weight": 1}]),
        service(deploymentConfiguration={"maximumPercent": 150, "minimumHealthyPercent": 100}),
        service(deploymentConfiguration={"maximumPercent": 200, "minimumHealthyPercent": 0}),
        service(platformVersion="1.3.0"),
        service(propagateTags="NONE"),
    ),
    ("ecs.Service", "subnet_ids"): (service_network(subnets=several(subnet("public-a"))),),
    # In a wave without changes of the scalable target: registering that moves the count at once.
    ("ecs.Service", "min_tasks"): (service(desiredCount=0),),
    ("iam.Role", "policy"): (
        lambda hands: hands.client("iam").attach_role_policy(
            RoleName=hands.role, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"
        ),
        lambda hands: hands.client("iam").put_role_policy(
            RoleName=hands.role, PolicyName="mine", PolicyDocument=OTHER_POLICY
        ),
        lambda hands: hands.client("iam").delete_role_policy(
            RoleName=f"{hands.stack}-us-east-1-execution", PolicyName="missyou"
        ),
    ),
    ("iam.Role", "trust"): (
        lambda hands: hands.client("iam").update_assume_role_policy(
            RoleName=hands.role, PolicyDocument=ANYBODY_ASSUMES
        ),
    ),
    ("autoscaling.ScalableTarget", "maximum"): (scalable_target(MaxCapacity=3),),
    ("autoscaling.ScalableTarget", "minimum"): (scalable_target(MinCapacity=1),),
    ("autoscaling.ScalableTarget", "suspended"): (
        scalable_target(SuspendedState={"DynamicScalingOutSuspended": True}),
    ),
    ("autoscaling.ScalingPolicy", "metric"): (
        scaling_policy(
            PredefinedMetricSpecification={
                "PredefinedMetricType": "ALBRequestCountPerTarget",
                "ResourceLabel": "app/other/50dc6c495c0c9188/targetgroup/other/943f017f100becff",
            }
        ),
    ),
    ("autoscaling.ScalingPolicy", "scale_in_cooldown"): (scaling_policy(ScaleInCooldown=1),),
    ("autoscaling.ScalingPolicy", "scale_out_cooldown"): (scaling_policy(ScaleOutCooldown=1),),
    ("autoscaling.ScalingPolicy", "scales_in"): (scaling_policy(DisableScaleIn=True),),
    ("autoscaling.ScalingPolicy", "target"): (scaling_policy(TargetValue=10.0),),
    ("logs.LogGroup", "retention_days"): (
        lambda hands: hands.client("logs").put_retention_policy(logGroupName=f"/ecs/{hands.stack}", retentionInDays=1),
        lambda hands: hands.client("logs").delete_retention_policy(logGroupName=f"/ecs/{hands.stack}"),
    ),
    ("sns.Topic", "key"): (
        lambda hands: hands.client("sns").set_topic_attributes(
            TopicArn=hands.topic, AttributeName="KmsMasterKeyId", AttributeValue="alias/aws/sns"
        ),
    ),
    ("sns.Topic", "policy"): (
        lambda hands: hands.client("sns").set_topic_attributes(
            TopicArn=hands.topic,
            AttributeName="Policy",
            AttributeValue=OTHER_POLICY.replace('"Action": "*"', '"Action": "sns:Publish"').replace(
                '"Resource": "*"', f'"Resource": "{hands.topic}"'
            ),
        ),
    ),
    ("sns.EmailSubscriptions", "emails"): (stranger_on_the_topic,),
    ("cloudwatch.Alarm", "actions_enabled"): (
        lambda hands: hands.client("cloudwatch").disable_alarm_actions(AlarmNames=[f"{hands.stack}-rds-cpu"]),
    ),
    ("cloudwatch.Alarm", "comparison"): (alarm("rds-cpu", ComparisonOperator="LessThanThreshold"),),
    ("cloudwatch.Alarm", "datapoints"): (alarm("rds-cpu", DatapointsToAlarm=1),),
    ("cloudwatch.Alarm", "description"): (alarm("rds-cpu", AlarmDescription="x"),),
    ("cloudwatch.Alarm", "dimensions"): (
        alarm("rds-cpu", Dimensions=[{"Name": "DBInstanceIdentifier", "Value": "other"}]),
    ),
    ("cloudwatch.Alarm", "evaluation_periods"): (alarm("rds-cpu", EvaluationPeriods=9),),
    ("cloudwatch.Alarm", "expression"): (math(_other_expression),),
    ("cloudwatch.Alarm", "metric"): (alarm("rds-cpu", MetricName="DatabaseConnections"),),
    ("cloudwatch.Alarm", "namespace"): (alarm("rds-cpu", Namespace="AWS/ECS"),),
    ("cloudwatch.Alarm", "notified"): (alarm("rds-cpu", AlarmActions=_OTHER_TOPIC),),
    ("cloudwatch.Alarm", "notified_of_missing_data"): (alarm("rds-cpu", InsufficientDataActions=_OTHER_TOPIC),),
    ("cloudwatch.Alarm", "notified_of_recovery"): (alarm("rds-cpu", OKActions=_OTHER_TOPIC),),
    ("cloudwatch.Alarm", "operands"): (math(_other_operand),),
    ("cloudwatch.Alarm", "operand_dimensions"): (math(_other_dimensions),),
    ("cloudwatch.Alarm", "period"): (alarm("rds-cpu", Period=60),),
    ("cloudwatch.Alarm", "statistic"): (alarm("rds-cpu", Statistic="Maximum"),),
    ("cloudwatch.Alarm", "threshold"): (alarm("rds-cpu", Threshold=99.0),),
    ("cloudwatch.Alarm", "treat_missing"): (alarm("rds-cpu", TreatMissingData="ignore"),),
    ("cloudwatch.Alarm", "unit"): (alarm("rds-cpu", Unit="Count"),),
    ("cloudwatch.Dashboard", "body"): (
        lambda hands: hands.client("cloudwatch").put_dashboard(
            DashboardName=f"{hands.stack}-us-east-1", DashboardBody='{"widgets": []}'
        ),
    ),
    ("wafv2.WebACL", "default_action"): (web_acl(DefaultAction=lambda _: {"Block": {}}),),
    ("wafv2.WebACL", "rules"): (web_acl(Rules=_without_last),),
    ("wafv2.WebACL", "visibility"): (
        web_acl(VisibilityConfig=lambda present: {**present, "CloudWatchMetricsEnabled": False}),
    ),
    ("s3.Bucket", "encryption"): (
        bucket(
            "put_bucket_encryption",
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
            },
        ),
    ),
    ("s3.Bucket", "ownership"): (
        bucket("put_bucket_ownership_controls", OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}),
    ),
    ("s3.Bucket", "policy"): (bucket("delete_bucket_policy"),),
    ("s3.Bucket", "public_access"): (bucket("delete_public_access_block"),),
    ("s3.Bucket", "retention_days"): (bucket("delete_bucket_lifecycle"),),
}
_IDENTITY = "AWS knows no call that changes it"
_PART_OF_ANOTHER = "changing it is a change of something else, which is tried"
_REVISION = "a revision never changes; another one that the service runs is a change of the service"
#: (type, compared field) -> why nobody can change it, or why it is not tried.
UNCHANGEABLE: Mapping[tuple[str, str], str] = {
    **dict.fromkeys(
        (("ecs.Service", field) for field in ("strategy", "alternate_target_group", "listener_rule", "balancing_role")),
        "of a service that shifts requests: tests/passes/test_strategies.py",
    ),
    **dict.fromkeys(
        (("rds.BackupCopy", field) for field in ("instance", "region", "retention_days")),
        "of a stack that has a copy in another region: tests/passes/test_recovery.py",
    ),
    ("iam.Role", "permissions_boundary"): "compared where the operator has the setting: tests/passes/test_boundary.py",
    **dict.fromkeys(
        (
            ("ec2.Vpc", "cidr"),
            *(("ec2.Subnet", field) for field in ("cidr", "vpc_id", "zone")),
            *(("ec2.NatGateway", field) for field in ("allocation_id", "subnet_id")),
            ("ec2.RouteTable", "vpc_id"),
            *(("ec2.VpcEndpoint", field) for field in ("kind", "service", "vpc_id")),
            *(
                ("ec2.FlowLog", field)
                for field in ("destination", "interval", "log_group", "role_arn", "traffic", "vpc_id")
            ),
            ("ec2.SecurityGroup", "vpc_id"),
            *(("ec2.SecurityGroupRule", field) for field in ("group_id", "peer")),
            ("rds.DBParameterGroup", "family"),
            *(("rds.DBInstance", field) for field in ("database_name", "username")),
            ("elbv2.LoadBalancer", "scheme"),
            ("elbv2.TargetGroup", "vpc_id"),
            ("elbv2.Listener", "load_balancer_arn"),
            *(("route53.Claim", field) for field in ("owner", "zone")),
            *(("route53.Validation", field) for field in ("owner", "zone")),
            ("route53.Alias", "zone"),
        ),
        _IDENTITY,
    ),
    ("ec2.InternetGateway", "vpc_id"): "AWS detaches no gateway while the VPC has public addresses in use",
    ("elbv2.TargetGroup", "health_enabled"): "AWS turns checks off only for functions as targets",
    **dict.fromkeys(
        (
            ("elbv2.Listener", "certificate_arn"),
            ("elbv2.Listener", "port"),
            ("elbv2.AccessLogs", "bucket"),
            ("elbv2.AccessLogs", "load_balancer_arn"),
            ("route53.Alias", "target_zone"),
            ("rds.DBInstance", "parameter_group"),
            ("ecs.Service", "container_port"),
            ("ecs.Service", "failed_rollout"),
            ("ecs.Service", "target_groups"),
            ("elbv2.Listener", "standby"),
            ("ecs.Service", "task_definition"),
            ("wafv2.WebACLAssociation", "load_balancer_arn"),
            ("wafv2.WebACLAssociation", "web_acl_arn"),
        ),
        _PART_OF_ANOTHER,
    ),
    **dict.fromkeys(
        (("rds.DBInstance", field) for field in ("engine_version", "storage_gib", "storage_type")),
        "AWS moves it only upwards, which counts as desired, or once in six hours",
    ),
    **dict.fromkeys(
        (("rds.DBInstance", field) for field in ("backup_window", "maintenance_window")),
        "compared only where the spec sets it, which tests/passes/test_changes.py tries",
    ),
    **dict.fromkeys(
        (
            ("ecs.TaskDefinition", field)
            for field in (
                "container",
                *("cpu", "environment", "execution_role_arn", "image_repository", "image_tag", "image_digest"),
                *(
                    "hardened",
                    "read_only_root",
                    "log_group",
                    "memory",
                    "port",
                    "region",
                    "secret_versions",
                    "secrets",
                    "task_role_arn",
                ),
            )
        ),
        _REVISION,
    ),
}


def waves() -> Iterator[tuple[tuple[str, str, Change], ...]]:
    """Give the changes in waves, in each of which every type is changed once at most."""
    by_type: dict[str, list[tuple[str, str, Change]]] = {}
    for (type_, field), changes in SETTINGS.items():
        by_type.setdefault(type_, []).extend((type_, field, change) for change in changes)
    for number in range(max(map(len, by_type.values()))):
        yield tuple(cases[number] for cases in by_type.values() if number < len(cases))
