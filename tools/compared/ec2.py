"""EC2's answers."""

from __future__ import annotations

from tools.compared.account import Answer

_IPV6 = "the network has no IPv6 ranges; adding one is a person's decision, and changes nothing for IPv4"
_OTHER_PLACES = "of Outposts, Wavelength and other places where no stack lives"
_ACCOUNT_WIDE = "set for the whole account or by its administrators"
_FIXED = "cannot change after the creation"

ANSWERS: tuple[Answer, ...] = (
    Answer(
        type="ec2.Vpc",
        service="ec2",
        operation="DescribeVpcs",
        path="Vpcs[]",
        compared={"cidr": "CidrBlock", "tags": "Tags"},
        read="VpcId State",
        aws={_FIXED: "OwnerId IsDefault InstanceTenancy"},
        others={
            "further ranges are added for other uses of the VPC; ours stays": "CidrBlockAssociationSet",
            _IPV6: "Ipv6CidrBlockAssociationSet",
            "companies name their own resolvers on purpose": "DhcpOptionsId",
            _ACCOUNT_WIDE: "EncryptionControl BlockPublicAccessStates",
        },
    ),
    Answer(
        type="ec2.Vpc",
        service="ec2",
        operation="DescribeVpcAttribute",
        compared={"dns_support": "EnableDnsSupport", "dns_hostnames": "EnableDnsHostnames"},
        read="VpcId",
        others={"a metric for whoever wants it": "EnableNetworkAddressUsageMetrics"},
    ),
    Answer(
        type="ec2.Subnet",
        service="ec2",
        operation="DescribeSubnets",
        path="Subnets[]",
        compared={"vpc_id": "VpcId", "cidr": "CidrBlock", "zone": "AvailabilityZone", "tags": "Tags"},
        read="SubnetId State",
        aws={
            _FIXED: "OwnerId SubnetArn AvailabilityZoneId DefaultForAz Ipv6Native Type",
            "counted by AWS": "AvailableIpAddressCount",
        },
        others={
            "a default that nothing uses: tasks, database and load balancer each say whether they are public": (
                "MapPublicIpOnLaunch"
            ),
            "names of EC2 instances, of which a stack has none": "PrivateDnsNameOptionsOnLaunch",
            _IPV6: "AssignIpv6AddressOnCreation Ipv6CidrBlockAssociationSet EnableDns64",
            _OTHER_PLACES: "EnableLniAtDeviceIndex MapCustomerOwnedIpOnLaunch CustomerOwnedIpv4Pool OutpostArn",
            _ACCOUNT_WIDE: "BlockPublicAccessStates",
        },
    ),
    Answer(
        type="ec2.InternetGateway",
        service="ec2",
        operation="DescribeInternetGateways",
        path="InternetGateways[]",
        compared={"vpc_id": "Attachments", "tags": "Tags"},
        read="InternetGatewayId",
        aws={_FIXED: "OwnerId"},
    ),
    Answer(
        type="ec2.Address",
        service="ec2",
        operation="DescribeAddresses",
        path="Addresses[]",
        compared={"tags": "Tags"},
        read="AllocationId PublicIp ServiceManaged",
        aws={
            _FIXED: "Domain PublicIpv4Pool NetworkBorderGroup",
            "the gateway that holds it, which is compared itself": (
                "AssociationId NetworkInterfaceId NetworkInterfaceOwnerId PrivateIpAddress InstanceId SubnetId"
            ),
        },
        others={_OTHER_PLACES: "CustomerOwnedIp CustomerOwnedIpv4Pool CarrierIp"},
    ),
    Answer(
        type="ec2.NatGateway",
        service="ec2",
        operation="DescribeNatGateways",
        path="NatGateways[]",
        compared={
            "subnet_id": "SubnetId",
            "allocation_id": "NatGatewayAddresses.AllocationId NatGatewayAddresses.IsPrimary",
            "tags": "Tags",
        },
        read="NatGatewayId State CreateTime FailureCode FailureMessage NatGatewayAddresses.PublicIp",
        aws={
            _FIXED: "VpcId ConnectivityType AvailabilityMode RouteTableId AutoScalingIps AutoProvisionZones",
            "AWS's own account of it": (
                "DeleteTime ProvisionedBandwidth NatGatewayAddresses.NetworkInterfaceId NatGatewayAddresses.PrivateIp "
                "NatGatewayAddresses.AssociationId NatGatewayAddresses.FailureMessage NatGatewayAddresses.Status "
                "NatGatewayAddresses.AvailabilityZone NatGatewayAddresses.AvailabilityZoneId"
            ),
        },
        others={"put there by AWS Network Firewall": "AttachedAppliances"},
    ),
    Answer(
        type="ec2.RouteTable",
        service="ec2",
        operation="DescribeRouteTables",
        path="RouteTables[]",
        compared={"vpc_id": "VpcId", "subnet_ids": "Associations", "default_target": "Routes", "tags": "Tags"},
        read="RouteTableId",
        aws={_FIXED: "OwnerId"},
        others={"a VPN's routes come and go by themselves": "PropagatingVgws"},
    ),
    Answer(
        type="ec2.RouteTable",
        service="ec2",
        operation="DescribeRouteTables",
        path="RouteTables[].Routes[]",
        compared={
            "default_target": (
                "DestinationCidrBlock Origin State EgressOnlyInternetGatewayId GatewayId InstanceId NatGatewayId "
                "TransitGatewayId LocalGatewayId CarrierGatewayId NetworkInterfaceId VpcPeeringConnectionId "
                "CoreNetworkArn"
            )
        },
        aws={_FIXED: "InstanceOwnerId IpAddress"},
        others={
            "routes other than the default one: a peering, an endpoint, a private cloud": (
                "DestinationPrefixListId OdbNetworkArn"
            ),
            _IPV6: "DestinationIpv6CidrBlock",
        },
    ),
    Answer(
        type="ec2.VpcEndpoint",
        service="ec2",
        operation="DescribeVpcEndpoints",
        path="VpcEndpoints[]",
        compared={
            "vpc_id": "VpcId",
            "service": "ServiceName",
            "kind": "VpcEndpointType",
            "policy": "PolicyDocument",
            "private_dns": "PrivateDnsEnabled",
            "route_table_ids": "RouteTableIds",
            "subnet_ids": "SubnetIds",
            "security_group_ids": "Groups",
            "tags": "Tags",
        },
        read="VpcEndpointId State",
        aws={
            _FIXED: "OwnerId CreationTimestamp RequesterManaged ServiceRegion",
            "AWS's own account of it": (
                "NetworkInterfaceIds DnsEntries LastError FailureReason Ipv4Prefixes Ipv6Prefixes"
            ),
        },
        others={
            _IPV6: "IpAddressType DnsOptions",
            "of other kinds of endpoints": "ServiceNetworkArn ResourceConfigurationArn PayerResponsibilities",
        },
    ),
    Answer(
        type="ec2.FlowLog",
        service="ec2",
        operation="DescribeFlowLogs",
        path="FlowLogs[]",
        compared={
            "vpc_id": "ResourceId",
            "log_group": "LogGroupName",
            "role_arn": "DeliverLogsPermissionArn",
            "traffic": "TrafficType",
            "destination": "LogDestinationType",
            "interval": "MaxAggregationInterval",
            "tags": "Tags",
        },
        read="FlowLogId DeliverLogsStatus DeliverLogsErrorMessage",
        aws={
            _FIXED: "CreationTime FlowLogStatus LogFormat DeliverCrossAccountRole",
            "of other destinations, or the log group once more": "LogDestination DestinationOptions",
            "fields for the tags of what a line is about, in formats that have them": "TagFieldSpecifications",
        },
    ),
    Answer(
        type="ec2.SecurityGroup",
        service="ec2",
        operation="DescribeSecurityGroups",
        path="SecurityGroups[]",
        compared={"vpc_id": "VpcId", "tags": "Tags"},
        read="GroupId GroupName",
        aws={_FIXED: "OwnerId SecurityGroupArn Description"},
        others={"compared as ec2.SecurityGroupRule": "IpPermissions IpPermissionsEgress"},
    ),
    Answer(
        type="ec2.SecurityGroupRule",
        service="ec2",
        operation="DescribeSecurityGroupRules",
        path="SecurityGroupRules[]",
        compared={
            "group_id": "GroupId",
            "peer": "CidrIpv4 CidrIpv6 PrefixListId ReferencedGroupInfo",
            "description": "Description",
            "tags": "Tags",
        },
        read="SecurityGroupRuleId IsEgress IpProtocol FromPort ToPort",
        aws={_FIXED: "GroupOwnerId SecurityGroupRuleArn"},
    ),
)
