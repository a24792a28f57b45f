"""Makes things in AWS as its provider does, one function for each resource type that moto has."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import boto3

from components.catalogue.identities import TAG

Inputs = dict[str, Any]
Made = tuple[Inputs, str]
"""The inputs that a state would tell, and the import id that is to be found."""
REGION, ACCOUNT = "us-east-1", "123456789012"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole", "Sid": "a"}
        ],
    }
)
POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)
MAKERS: dict[str, Callable[[Hand], Made]] = {}


@dataclass(frozen=True)
class Hand:
    """Who makes things: an account of moto, and the tag that each carries."""

    session: boto3.Session
    value: str

    def client(self, service: str) -> Any:
        return self.session.client(cast("Any", service), region_name=REGION)

    @property
    def map(self) -> Mapping[str, str]:
        """The tag as a mapping."""
        return {TAG: self.value, "Name": "it"}

    @property
    def pairs(self) -> Sequence[Mapping[str, str]]:
        """The tag as a list of pairs."""
        return [{"Key": key, "Value": value} for key, value in self.map.items()]

    def of(self, kind: str) -> Sequence[Mapping[str, Any]]:
        """The tag as EC2 wants it when something is created."""
        return [{"ResourceType": kind, "Tags": self.pairs}]

    def other(self) -> Hand:
        """The same account, and another resource's tag."""
        return Hand(self.session, f"{self.value}-other")


def makes(type_: str) -> Callable[[Callable[[Hand], Made]], Callable[[Hand], Made]]:
    """Register the maker of a type."""

    def keep(maker: Callable[[Hand], Made]) -> Callable[[Hand], Made]:
        MAKERS[type_] = maker
        return maker

    return keep


@makes("aws:ec2/vpc:Vpc")
def vpc(hand: Hand) -> Made:
    made = hand.client("ec2").create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=hand.of("vpc"))["Vpc"]
    return {"cidrBlock": "10.0.0.0/16"}, made["VpcId"]


@makes("aws:ec2/subnet:Subnet")
def subnet(hand: Hand) -> Made:
    _, id_ = vpc(hand.other())
    made = hand.client("ec2").create_subnet(VpcId=id_, CidrBlock="10.0.1.0/24", TagSpecifications=hand.of("subnet"))
    return {"vpcId": id_}, made["Subnet"]["SubnetId"]


@makes("aws:ec2/internetGateway:InternetGateway")
def internet_gateway(hand: Hand) -> Made:
    made = hand.client("ec2").create_internet_gateway(TagSpecifications=hand.of("internet-gateway"))
    return {}, made["InternetGateway"]["InternetGatewayId"]


@makes("aws:ec2/eip:Eip")
def address(hand: Hand) -> Made:
    made = hand.client("ec2").allocate_address(Domain="vpc", TagSpecifications=hand.of("elastic-ip"))
    return {"domain": "vpc"}, made["AllocationId"]


@makes("aws:ec2/natGateway:NatGateway")
def nat_gateway(hand: Hand) -> Made:
    inside, outside = subnet(hand.other())[1], address(hand.other())[1]
    another = address(hand.other())[1]
    ec2 = hand.client("ec2")
    gone = ec2.create_nat_gateway(SubnetId=inside, AllocationId=another, TagSpecifications=hand.of("natgateway"))
    ec2.delete_nat_gateway(NatGatewayId=gone["NatGateway"]["NatGatewayId"])
    made = ec2.create_nat_gateway(SubnetId=inside, AllocationId=outside, TagSpecifications=hand.of("natgateway"))
    return {"subnetId": inside}, made["NatGateway"]["NatGatewayId"]


@makes("aws:ec2/routeTable:RouteTable")
def route_table(hand: Hand) -> Made:
    _, id_ = vpc(hand.other())
    made = hand.client("ec2").create_route_table(VpcId=id_, TagSpecifications=hand.of("route-table"))
    return {"vpcId": id_}, made["RouteTable"]["RouteTableId"]


@makes("aws:ec2/route:Route")
def route(hand: Hand) -> Made:
    _, table = route_table(hand)
    _, gateway = internet_gateway(hand)
    hand.client("ec2").create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    return {"routeTableId": table, "destinationCidrBlock": "0.0.0.0/0"}, f"{table}_0.0.0.0/0"


@makes("aws:ec2/routeTableAssociation:RouteTableAssociation")
def association(hand: Hand) -> Made:
    (_, inside), (_, table) = subnet(hand), route_table(hand)
    hand.client("ec2").associate_route_table(SubnetId=inside, RouteTableId=table)
    return {"subnetId": inside, "routeTableId": table}, f"{inside}/{table}"


@makes("aws:ec2/securityGroup:SecurityGroup")
def security_group(hand: Hand) -> Made:
    _, id_ = vpc(hand.other())
    made = hand.client("ec2").create_security_group(
        GroupName="it", Description="it", VpcId=id_, TagSpecifications=hand.of("security-group")
    )
    return {"vpcId": id_}, made["GroupId"]


def _rule(hand: Hand, call: str) -> Made:
    _, group = security_group(hand.other())
    permission = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    made = getattr(hand.client("ec2"), call)(
        GroupId=group, IpPermissions=[permission], TagSpecifications=hand.of("security-group-rule")
    )
    return {"securityGroupId": group}, made["SecurityGroupRules"][0]["SecurityGroupRuleId"]


@makes("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
def ingress(hand: Hand) -> Made:
    return _rule(hand, "authorize_security_group_ingress")


@makes("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")
def egress(hand: Hand) -> Made:
    return _rule(hand, "authorize_security_group_egress")


@makes("aws:ec2/vpcEndpoint:VpcEndpoint")
def endpoint(hand: Hand) -> Made:
    _, id_ = vpc(hand.other())
    made = hand.client("ec2").create_vpc_endpoint(
        VpcId=id_, ServiceName="com.amazonaws.us-east-1.s3", TagSpecifications=hand.of("vpc-endpoint")
    )
    return {"vpcId": id_}, made["VpcEndpoint"]["VpcEndpointId"]


@makes("aws:ec2/launchTemplate:LaunchTemplate")
def launch_template(hand: Hand) -> Made:
    made = hand.client("ec2").create_launch_template(
        LaunchTemplateName="it", LaunchTemplateData={}, TagSpecifications=hand.of("launch-template")
    )
    return {}, made["LaunchTemplate"]["LaunchTemplateId"]


@makes("aws:ec2/flowLog:FlowLog")
def flow_log(hand: Hand) -> Made:
    _, id_ = vpc(hand.other())
    role = hand.client("iam").create_role(RoleName="flow", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    made = hand.client("ec2").create_flow_logs(
        ResourceIds=[id_],
        ResourceType="VPC",
        TrafficType="ALL",
        LogGroupName="it",
        DeliverLogsPermissionArn=role,
        TagSpecifications=hand.of("vpc-flow-log"),
    )
    return {"vpcId": id_}, made["FlowLogIds"][0]


@makes("aws:iam/role:Role")
def role(hand: Hand) -> Made:
    hand.client("iam").create_role(RoleName="it", AssumeRolePolicyDocument=TRUST, Tags=hand.pairs)
    return {"name": "it"}, "it"


@makes("aws:iam/rolePolicy:RolePolicy")
def role_policy(hand: Hand) -> Made:
    role(hand)
    for name in ("its", "another"):
        hand.client("iam").put_role_policy(RoleName="it", PolicyName=name, PolicyDocument=POLICY)
    return {"role": "it", "name": "its"}, "it:its"


@makes("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
def attachment(hand: Hand) -> Made:
    role(hand)
    arn = hand.client("iam").create_policy(PolicyName="it", PolicyDocument=POLICY)["Policy"]["Arn"]
    hand.client("iam").attach_role_policy(RoleName="it", PolicyArn=arn)
    return {"role": "it", "policyArn": arn}, f"it/{arn}"


@makes("aws:s3/bucket:Bucket")
def bucket(hand: Hand) -> Made:
    hand.client("s3").create_bucket(Bucket="its-bucket")
    hand.client("s3").put_bucket_tagging(Bucket="its-bucket", Tagging={"TagSet": hand.pairs})
    return {"bucket": "its-bucket"}, "its-bucket"


@makes("aws:s3/bucketVersioning:BucketVersioning")
def versioning(hand: Hand) -> Made:
    made = bucket(hand)
    hand.client("s3").put_bucket_versioning(Bucket=made[1], VersioningConfiguration={"Status": "Enabled"})
    return made


@makes("aws:s3/bucketPolicy:BucketPolicy")
def bucket_policy(hand: Hand) -> Made:
    made = bucket(hand)
    hand.client("s3").put_bucket_policy(Bucket=made[1], Policy=TRUST)
    return made


@makes("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
def public_access(hand: Hand) -> Made:
    made = bucket(hand)
    hand.client("s3").put_public_access_block(
        Bucket=made[1], PublicAccessBlockConfiguration={"BlockPublicAcls": True, "IgnorePublicAcls": True}
    )
    return made


@makes("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration")
def encryption(hand: Hand) -> Made:
    made = bucket(hand)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    hand.client("s3").put_bucket_encryption(Bucket=made[1], ServerSideEncryptionConfiguration={"Rules": [rule]})
    return made


@makes("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
def lifecycle(hand: Hand) -> Made:
    made = bucket(hand)
    rule = {"ID": "it", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    hand.client("s3").put_bucket_lifecycle_configuration(Bucket=made[1], LifecycleConfiguration={"Rules": [rule]})
    return made


@makes("aws:sqs/queue:Queue")
def queue(hand: Hand) -> Made:
    made = hand.client("sqs").create_queue(QueueName="it", tags=hand.map)
    return {"name": "it"}, made["QueueUrl"]


@makes("aws:sqs/queuePolicy:QueuePolicy")
def queue_policy(hand: Hand) -> Made:
    _, url = queue(hand)
    hand.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": TRUST})
    return {"queueUrl": url}, url


@makes("aws:cloudwatch/eventRule:EventRule")
def event_rule(hand: Hand) -> Made:
    hand.client("events").put_rule(Name="it", EventPattern='{"source": ["aws.health"]}', Tags=hand.pairs)
    return {"name": "it"}, "it"


@makes("aws:cloudwatch/eventTarget:EventTarget")
def event_target(hand: Hand) -> Made:
    event_rule(hand)
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:it"
    hand.client("events").put_targets(Rule="it", Targets=[{"Id": "its", "Arn": arn}, {"Id": "b", "Arn": f"{arn}2"}])
    return {"rule": "it", "arn": arn}, "it/its"


@makes("aws:cloudwatch/logGroup:LogGroup")
def log_group(hand: Hand) -> Made:
    hand.client("logs").create_log_group(logGroupName="/it", tags=hand.map)
    hand.client("logs").create_log_group(logGroupName="/it-longer", tags=hand.map)
    return {"name": "/it"}, "/it"


@makes("aws:kms/key:Key")
def key(hand: Hand) -> Made:
    pairs = [{"TagKey": pair["Key"], "TagValue": pair["Value"]} for pair in hand.pairs]
    gone = hand.client("kms").create_key(Tags=pairs)["KeyMetadata"]["KeyId"]
    hand.client("kms").schedule_key_deletion(KeyId=gone)
    return {}, hand.client("kms").create_key(Tags=pairs)["KeyMetadata"]["KeyId"]


@makes("aws:kms/alias:Alias")
def alias(hand: Hand) -> Made:
    hand.client("kms").create_alias(AliasName="alias/it", TargetKeyId=key(hand)[1])
    return {"name": "alias/it"}, "alias/it"


@makes("aws:ecr/repository:Repository")
def repository(hand: Hand) -> Made:
    hand.client("ecr").create_repository(repositoryName="it", tags=hand.pairs)
    return {"name": "it"}, "it"


@makes("aws:ecr/lifecyclePolicy:LifecyclePolicy")
def repository_policy(hand: Hand) -> Made:
    repository(hand)
    selection = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14}
    rule = {"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}
    hand.client("ecr").put_lifecycle_policy(repositoryName="it", lifecyclePolicyText=json.dumps({"rules": [rule]}))
    return {"repository": "it"}, "it"


@makes("aws:efs/fileSystem:FileSystem")
def file_system(hand: Hand) -> Made:
    made = hand.client("efs").create_file_system(CreationToken="it", Tags=hand.pairs)
    return {"creationToken": "it"}, made["FileSystemId"]


@makes("aws:efs/mountTarget:MountTarget")
def mount_target(hand: Hand) -> Made:
    _, id_ = file_system(hand)
    _, inside = subnet(hand)
    made = hand.client("efs").create_mount_target(FileSystemId=id_, SubnetId=inside)
    return {"fileSystemId": id_, "subnetId": inside}, made["MountTargetId"]


@makes("aws:efs/backupPolicy:BackupPolicy")
def backup_policy(hand: Hand) -> Made:
    made = hand.client("efs").create_file_system(CreationToken="it", Backup=True)
    return {"fileSystemId": made["FileSystemId"]}, made["FileSystemId"]


@makes("aws:efs/fileSystemPolicy:FileSystemPolicy")
def file_system_policy(hand: Hand) -> Made:
    _, id_ = file_system(hand)
    hand.client("efs").put_file_system_policy(FileSystemId=id_, Policy=TRUST)
    return {"fileSystemId": id_}, id_


@makes("aws:fsx/lustreFileSystem:LustreFileSystem")
def lustre(hand: Hand) -> Made:
    made = hand.client("fsx").create_file_system(
        FileSystemType="LUSTRE", StorageCapacity=1200, SubnetIds=[subnet(hand)[1]], Tags=hand.pairs
    )
    return {}, made["FileSystem"]["FileSystemId"]


@makes("aws:rds/subnetGroup:SubnetGroup")
def subnet_group(hand: Hand) -> Made:
    hand.client("rds").create_db_subnet_group(
        DBSubnetGroupName="it", DBSubnetGroupDescription="it", SubnetIds=[subnet(hand)[1]], Tags=hand.pairs
    )
    return {}, "it"


@makes("aws:rds/parameterGroup:ParameterGroup")
def parameter_group(hand: Hand) -> Made:
    hand.client("rds").create_db_parameter_group(
        DBParameterGroupName="it", DBParameterGroupFamily="postgres17", Description="it", Tags=hand.pairs
    )
    return {}, "it"


@makes("aws:rds/instance:Instance")
def instance(hand: Hand) -> Made:
    hand.client("rds").create_db_instance(
        DBInstanceIdentifier="it",
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="it",
        ManageMasterUserPassword=True,
        Tags=hand.pairs,
    )
    return {"identifier": "it"}, "it"


@makes("aws:eks/cluster:Cluster")
def cluster(hand: Hand) -> Made:
    arn = f"arn:aws:iam::{ACCOUNT}:role/it"
    hand.client("eks").create_cluster(name="it", roleArn=arn, resourcesVpcConfig={"subnetIds": []}, tags=hand.map)
    return {"name": "it"}, "it"


@makes("aws:eks/nodeGroup:NodeGroup")
def node_group(hand: Hand) -> Made:
    cluster(hand)
    arn = f"arn:aws:iam::{ACCOUNT}:role/it"
    for name, who in (("its", hand), ("another", hand.other())):
        hand.client("eks").create_nodegroup(
            clusterName="it", nodegroupName=name, subnets=[subnet(hand)[1]], nodeRole=arn, tags=who.map
        )
    return {"clusterName": "it"}, "it:its"


@makes("aws:budgets/budget:Budget")
def budget(hand: Hand) -> Made:
    limits = {"BudgetLimit": {"Amount": "10", "Unit": "USD"}, "TimeUnit": "MONTHLY", "BudgetType": "COST"}
    hand.client("budgets").create_budget(AccountId=ACCOUNT, Budget={"BudgetName": "it", **limits})
    return {"name": "it"}, f"{ACCOUNT}:it"
