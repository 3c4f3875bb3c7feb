"""The answers of ECS and of its auto scaling."""

from __future__ import annotations

from tools.compared.account import Answer

_FIXED = "cannot change after the creation"
_TOLD = "AWS's own account of it"
_REVISION = "a revision never changes, and ours is known by its hash: another one that runs is a change of the service"

ANSWERS: tuple[Answer, ...] = (
    Answer(
        type="ecs.Cluster",
        service="ecs",
        operation="DescribeClusters",
        path="clusters[]",
        compared={"tags": "tags"},
        read="clusterArn clusterName status",
        aws={
            _TOLD: (
                "registeredContainerInstancesCount runningTasksCount pendingTasksCount activeServicesCount statistics "
                "attachments attachmentsStatus"
            )
        },
        others={
            "Container Insights: accounts turn them on for all clusters, and who does pays for them": "settings",
            "defaults for services that say nothing; ours says what it runs on": (
                "capacityProviders defaultCapacityProviderStrategy serviceConnectDefaults"
            ),
            "how commands are logged that nobody can run: see ecs.Service, enableExecuteCommand": "configuration",
        },
    ),
    Answer(
        type="ecs.Service",
        service="ecs",
        operation="DescribeServices",
        path="services[]",
        compared={
            "task_definition": "taskDefinition deployments.taskDefinition",
            "subnet_ids": "networkConfiguration.awsvpcConfiguration.subnets",
            "security_group_ids": "networkConfiguration.awsvpcConfiguration.securityGroups",
            "failed_rollout": "tags",
            "target_groups": "loadBalancers.targetGroupArn",
            "alternate_target_group": "loadBalancers.advancedConfiguration",
            "listener_rule": "loadBalancers.advancedConfiguration",
            "balancing_role": "loadBalancers.advancedConfiguration",
            "strategy": (
                "deploymentConfiguration.strategy deploymentConfiguration.bakeTimeInMinutes "
                "deploymentConfiguration.canaryConfiguration deploymentConfiguration.linearConfiguration"
            ),
            "alarms": "deploymentConfiguration.alarms",
            "container_port": "loadBalancers.containerPort",
            "grace_seconds": "healthCheckGracePeriodSeconds",
            "circuit_breaker": (
                "deploymentConfiguration.deploymentCircuitBreaker.enable "
                "deploymentConfiguration.deploymentCircuitBreaker.rollback"
            ),
            "min_tasks": "desiredCount",
            "settings": (
                "launchType capacityProviderStrategy platformVersion propagateTags enableECSManagedTags "
                "enableExecuteCommand networkConfiguration.awsvpcConfiguration.assignPublicIp "
                "deploymentConfiguration.maximumPercent deploymentConfiguration.minimumHealthyPercent"
            ),
            "tags": "tags",
        },
        read="serviceArn serviceName clusterArn status runningCount pendingCount events deployments.id "
        "deployments.status deployments.rolloutState deployments.failedTasks currentServiceDeployment",
        aws={
            _FIXED: "schedulingStrategy deploymentController roleArn createdAt createdBy resourceManagementType",
            _TOLD: (
                "platformFamily taskSets currentServiceRevisions deployments.desiredCount "
                "deployments.pendingCount deployments.runningCount deployments.createdAt deployments.updatedAt "
                "deployments.capacityProviderStrategy deployments.launchType deployments.platformVersion "
                "deployments.platformFamily deployments.networkConfiguration deployments.rolloutStateReason "
                "deployments.fargateEphemeralStorage deployments.serviceConnectResources"
            ),
            "AWS's newer way to threshold the circuit breaker, whose default is right": (
                "deploymentConfiguration.deploymentCircuitBreaker.resetOnHealthyTask "
                "deploymentConfiguration.deploymentCircuitBreaker.thresholdConfiguration"
            ),
            "a default that AWS changes by itself; tasks stay spread over both zones": "availabilityZoneRebalancing",
        },
        others={
            "functions that a person lets ECS call during a deployment, and when it may be over early": (
                "deploymentConfiguration.lifecycleHooks deploymentConfiguration.earlySuccessCriteria"
            ),
            "further ways to the tasks that a person has set up": (
                "serviceRegistries deployments.serviceConnectConfiguration deployments.vpcLatticeConfigurations"
            ),
            "of classic load balancers and of EC2 instances": (
                "loadBalancers.loadBalancerName placementConstraints placementStrategy"
            ),
            "names the container, of which there is one": "loadBalancers.containerName",
            "volumes that no task definition of ours has": "deployments.volumeConfigurations",
        },
    ),
    Answer(
        type="ecs.TaskDefinition",
        service="ecs",
        operation="DescribeTaskDefinition",
        path="taskDefinition",
        compared={
            "container": "containerDefinitions.name",
            "cpu": "cpu",
            "memory": "memory",
            "execution_role_arn": "executionRoleArn",
            "task_role_arn": "taskRoleArn",
            "image_repository": "containerDefinitions.image",
            "image_tag": "containerDefinitions.image containerDefinitions.dockerLabels",
            "image_digest": "containerDefinitions.image",
            "hardened": (
                "containerDefinitions.user containerDefinitions.linuxParameters containerDefinitions.privileged"
            ),
            "read_only_root": "containerDefinitions.readonlyRootFilesystem containerDefinitions.linuxParameters",
            "port": "containerDefinitions.portMappings",
            "environment": "containerDefinitions.environment",
            "secrets": "containerDefinitions.secrets",
            "log_group": "containerDefinitions.logConfiguration",
            "region": "containerDefinitions.logConfiguration",
        },
        read="taskDefinitionArn revision status",
        aws={
            _REVISION: (
                "family networkMode runtimePlatform requiresCompatibilities volumes placementConstraints "
                "inferenceAccelerators pidMode ipcMode proxyConfiguration ephemeralStorage enableFaultInjection "
                "trustedExecutionConfiguration "
                "containerDefinitions.repositoryCredentials containerDefinitions.cpu containerDefinitions.memory "
                "containerDefinitions.memoryReservation containerDefinitions.links containerDefinitions.essential "
                "containerDefinitions.restartPolicy containerDefinitions.entryPoint containerDefinitions.command "
                "containerDefinitions.environmentFiles containerDefinitions.mountPoints "
                "containerDefinitions.volumesFrom containerDefinitions.dependsOn "
                "containerDefinitions.startTimeout containerDefinitions.stopTimeout "
                "containerDefinitions.versionConsistency containerDefinitions.hostname "
                "containerDefinitions.workingDirectory containerDefinitions.disableNetworking "
                "containerDefinitions.dnsServers containerDefinitions.dnsSearchDomains "
                "containerDefinitions.extraHosts containerDefinitions.dockerSecurityOptions "
                "containerDefinitions.interactive containerDefinitions.pseudoTerminal "
                "containerDefinitions.ulimits containerDefinitions.healthCheck "
                "containerDefinitions.systemControls containerDefinitions.resourceRequirements "
                "containerDefinitions.firelensConfiguration containerDefinitions.credentialSpecs"
            ),
            _TOLD: "requiresAttributes compatibilities registeredAt deregisteredAt deleteRequestedAt registeredBy",
        },
    ),
    Answer(
        type="ecs.TaskDefinition",
        service="ecs",
        operation="DescribeTaskDefinition",
        compared={"tags": "tags", "secret_versions": "tags"},
        read="taskDefinition",
    ),
    Answer(
        type="autoscaling.ScalableTarget",
        service="application-autoscaling",
        operation="DescribeScalableTargets",
        path="ScalableTargets[]",
        compared={"minimum": "MinCapacity", "maximum": "MaxCapacity", "suspended": "SuspendedState"},
        read="ScalableTargetARN ResourceId",
        aws={_FIXED: "ServiceNamespace ScalableDimension RoleARN CreationTime", _TOLD: "PredictedCapacity"},
    ),
    Answer(
        type="autoscaling.ScalingPolicy",
        service="application-autoscaling",
        operation="DescribeScalingPolicies",
        path="ScalingPolicies[]",
        compared={
            "metric": (
                "TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification "
                "TargetTrackingScalingPolicyConfiguration.CustomizedMetricSpecification PolicyType "
                "StepScalingPolicyConfiguration PredictiveScalingPolicyConfiguration"
            ),
            "target": "TargetTrackingScalingPolicyConfiguration.TargetValue",
            "scale_out_cooldown": "TargetTrackingScalingPolicyConfiguration.ScaleOutCooldown",
            "scale_in_cooldown": "TargetTrackingScalingPolicyConfiguration.ScaleInCooldown",
            "scales_in": "TargetTrackingScalingPolicyConfiguration.DisableScaleIn",
        },
        read="PolicyARN PolicyName ResourceId",
        aws={
            _FIXED: "ServiceNamespace ScalableDimension CreationTime",
            "AWS makes and keeps these alarms itself": "Alarms",
        },
    ),
)
