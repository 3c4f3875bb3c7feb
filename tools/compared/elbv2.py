"""The answers of Elastic Load Balancing, Route 53 and ACM."""

from __future__ import annotations

from tools.compared.account import Answer

_FIXED = "cannot change after the creation"
_TOLD = "AWS's own account of it"
_OTHER_KINDS = "of network and gateway load balancers, or of functions as targets"
_LOGS = "logs that a person lets AWS write to a bucket of theirs"

ANSWERS: tuple[Answer, ...] = (
    Answer(
        type="elbv2.LoadBalancer",
        service="elbv2",
        operation="DescribeLoadBalancers",
        path="LoadBalancers[]",
        compared={
            "scheme": "Scheme",
            "subnet_ids": "AvailabilityZones",
            "security_group_ids": "SecurityGroups",
            "addresses": "IpAddressType",
        },
        read="LoadBalancerArn LoadBalancerName DNSName CanonicalHostedZoneId State",
        aws={_FIXED: "CreatedTime VpcId Type"},
        others={
            _OTHER_KINDS: "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic EnablePrefixForIpv6SourceNat",
            "of Outposts": "CustomerOwnedIpv4Pool",
            "addresses from a pool of the company's": "IpamPools",
        },
    ),
    Answer(
        type="elbv2.LoadBalancer",
        service="elbv2",
        operation="DescribeLoadBalancerAttributes",
        keys="LoadBalancerAttribute.Key",
        compared={
            "deletion_protection": "deletion_protection.enabled",
            "drop_invalid_headers": "routing.http.drop_invalid_header_fields.enabled",
            "attributes": (
                "client_keep_alive.seconds idle_timeout.timeout_seconds routing.http.desync_mitigation_mode "
                "routing.http.preserve_host_header.enabled routing.http.xff_client_port.enabled "
                "routing.http.xff_header_processing.mode routing.http2.enabled waf.fail_open.enabled"
            ),
        },
        aws={"cannot be changed for this kind of load balancer": "load_balancing.cross_zone.enabled"},
        others={
            "compared as elbv2.AccessLogs; logs to a bucket of somebody else are theirs": (
                "access_logs.s3.enabled access_logs.s3.bucket access_logs.s3.prefix"
            ),
            _LOGS: (
                "connection_logs.s3.enabled connection_logs.s3.bucket connection_logs.s3.prefix "
                "health_check_logs.s3.enabled health_check_logs.s3.bucket health_check_logs.s3.prefix"
            ),
            "lets a person move traffic out of a zone in an emergency": "zonal_shift.config.enabled",
            "two more headers, which the app does not read": "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
            "the network has no IPv6 ranges": "ipv6.deny_all_igw_traffic",
            _OTHER_KINDS: "dns_record.client_routing_policy secondary_ips.auto_assigned.per_subnet",
        },
    ),
    Answer(
        type="elbv2.TargetGroup",
        service="elbv2",
        operation="DescribeTargetGroups",
        path="TargetGroups[]",
        compared={
            "vpc_id": "VpcId",
            "health_enabled": "HealthCheckEnabled",
            "health_protocol": "HealthCheckProtocol",
            "health_port": "HealthCheckPort",
            "health_path": "HealthCheckPath",
            "health_interval": "HealthCheckIntervalSeconds",
            "health_timeout": "HealthCheckTimeoutSeconds",
            "healthy_threshold": "HealthyThresholdCount",
            "unhealthy_threshold": "UnhealthyThresholdCount",
            "matcher": "Matcher.HttpCode",
        },
        read="TargetGroupArn TargetGroupName",
        aws={
            _FIXED: "Protocol ProtocolVersion TargetType IpAddressType TargetControlPort",
            "only a default: ECS registers each target with the port of its container": "Port",
            "the listener that forwards to it, which is compared itself": "LoadBalancerArns",
        },
        others={"of the protocol gRPC": "Matcher.GrpcCode"},
    ),
    Answer(
        type="elbv2.TargetGroup",
        service="elbv2",
        operation="DescribeTargetGroupAttributes",
        keys="TargetGroupAttribute.Key",
        compared={
            "attributes": (
                "deregistration_delay.timeout_seconds load_balancing.algorithm.anomaly_mitigation "
                "load_balancing.algorithm.type load_balancing.cross_zone.enabled slow_start.duration_seconds "
                "stickiness.enabled target_group_health.dns_failover.minimum_healthy_targets.count "
                "target_group_health.dns_failover.minimum_healthy_targets.percentage "
                "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count "
                "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage"
            )
        },
        others={
            "nothing while stickiness is off": (
                "stickiness.type stickiness.app_cookie.cookie_name stickiness.app_cookie.duration_seconds "
                "stickiness.lb_cookie.duration_seconds"
            ),
            _OTHER_KINDS: (
                "lambda.multi_value_headers.enabled deregistration_delay.connection_termination.enabled "
                "preserve_client_ip.enabled proxy_protocol_v2.enabled "
                "target_health_state.unhealthy.connection_termination.enabled "
                "target_health_state.unhealthy.draining_interval_seconds target_failover.on_deregistration "
                "target_failover.on_unhealthy send_tcp_reset.on_unhealthy.enabled "
                "send_tcp_reset.on_deregistration.enabled"
            ),
        },
    ),
    Answer(
        type="elbv2.Listener",
        service="elbv2",
        operation="DescribeListeners",
        path="Listeners[]",
        compared={
            "load_balancer_arn": "LoadBalancerArn",
            "port": "Port",
            "certificate_arn": "Certificates Protocol",
            "tls_policy": "SslPolicy",
            "mutual_tls": "MutualAuthentication.Mode",
            "standby": "DefaultActions.ForwardConfig",
            "target_group_arn": (
                "DefaultActions.Type DefaultActions.TargetGroupArn DefaultActions.ForwardConfig "
                "DefaultActions.AuthenticateOidcConfig DefaultActions.AuthenticateCognitoConfig "
                "DefaultActions.FixedResponseConfig DefaultActions.RedirectConfig DefaultActions.JwtValidationConfig"
            ),
        },
        read="ListenerArn",
        aws={"means nothing where there is one action": "DefaultActions.Order"},
        others={
            "nothing while mutual authentication is off": (
                "MutualAuthentication.TrustStoreArn MutualAuthentication.IgnoreClientCertificateExpiry "
                "MutualAuthentication.TrustStoreAssociationStatus MutualAuthentication.AdvertiseTrustStoreCaNames"
            ),
            _OTHER_KINDS: "AlpnPolicy",
        },
    ),
    Answer(
        type="route53.Alias",
        service="route53",
        operation="ListResourceRecordSets",
        path="ResourceRecordSets[]",
        compared={
            "target": "AliasTarget.DNSName",
            "target_zone": "AliasTarget.HostedZoneId",
            "by_health": "AliasTarget.EvaluateTargetHealth",
            "routing": (
                "CidrRoutingConfig Failover GeoLocation GeoProximityLocation HealthCheckId MultiValueAnswer Region "
                "SetIdentifier Weight"
            ),
        },
        read="Name Type ResourceRecords",
        others={
            "an alias has none; another one of the owner's record harms nothing": "TTL",
            "of traffic policies, which AWS writes itself": "TrafficPolicyInstanceId",
        },
    ),
    Answer(
        type="acm.Certificate",
        service="acm",
        operation="DescribeCertificate",
        path="Certificate",
        read="CertificateArn DomainName DomainValidationOptions Status FailureReason",
        aws={
            _FIXED: (
                "SubjectAlternativeNames ManagedBy Serial Subject Issuer CreatedAt IssuedAt ImportedAt "
                "NotBefore NotAfter KeyAlgorithm SignatureAlgorithm Type KeyUsages ExtendedKeyUsages "
                "CertificateAuthorityArn CertificateKeyPairOrigin AcmeEndpointArn AcmeAccountId"
            ),
            _TOLD: "RevokedAt RevocationReason InUseBy RenewalSummary RenewalEligibility UpdateSummary",
        },
        others={"whether the certificate is in public logs, and may be exported": "Options"},
    ),
)
