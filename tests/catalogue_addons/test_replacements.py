"""The replacement table: complete for its types, true to the real CRDs, and never wrong towards harmless."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Mapping
from typing import Any

import pytest

from components.catalogue.replacements import Effect, effect, replacements, rule, rules
from tests.support.crds import find_crd
from tests.support.shared import require_shared

# Importing a package of the SDK runs its deprecated classes, which warn about themselves.
pytestmark = pytest.mark.filterwarnings("ignore:.*has been deprecated in favor of:DeprecationWarning")
AWS_PROVIDER = "pulumi:providers:aws"
AWS_TYPES = sorted(one for one in rules() if one.startswith("aws:"))
CUSTOM_TYPES = sorted(
    one for one in rules() if re.match(r"kubernetes:[a-z.]+\.(sh|org|com|x-k8s\.io)/", one) and "helm" not in one
)
NAMED = {
    *("aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:ec2/eip:Eip", "aws:ec2/natGateway:NatGateway"),
    *("aws:ec2/routeTable:RouteTable", "aws:ec2/route:Route", "aws:ec2/routeTableAssociation:RouteTableAssociation"),
    *("aws:ec2/internetGateway:InternetGateway", "aws:ec2/securityGroup:SecurityGroup", "aws:ec2/flowLog:FlowLog"),
    *("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "aws:ec2/vpcEndpoint:VpcEndpoint"),
    *("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "aws:ec2/launchTemplate:LaunchTemplate"),
    *("aws:ec2/vpcPeeringConnection:VpcPeeringConnection", "aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup"),
    *("aws:eks/addon:Addon", "aws:eks/accessEntry:AccessEntry", "aws:ec2/placementGroup:PlacementGroup"),
    *("aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "aws:iam/role:Role", "aws:iam/policy:Policy"),
    *("aws:eks/podIdentityAssociation:PodIdentityAssociation", "aws:iam/rolePolicy:RolePolicy"),
    *("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "aws:iam/instanceProfile:InstanceProfile"),
    *("aws:kms/key:Key", "aws:kms/alias:Alias", "aws:sqs/queue:Queue", "aws:sqs/queuePolicy:QueuePolicy"),
    *("aws:cloudwatch/eventRule:EventRule", "aws:cloudwatch/eventTarget:EventTarget", "aws:s3/bucket:Bucket"),
    *("aws:cloudwatch/logGroup:LogGroup", "aws:s3/bucketVersioning:BucketVersioning", "aws:rds/instance:Instance"),
    *("aws:rds/subnetGroup:SubnetGroup", "aws:rds/parameterGroup:ParameterGroup", "aws:ecr/repository:Repository"),
    *("aws:ecr/lifecyclePolicy:LifecyclePolicy", "aws:fsx/lustreFileSystem:LustreFileSystem"),
    *("aws:efs/fileSystem:FileSystem", "aws:efs/mountTarget:MountTarget", "aws:efs/accessPoint:AccessPoint"),
    *("aws:budgets/budget:Budget", "aws:secretsmanager/secret:Secret"),
}


def _inputs(type_: str) -> set[str]:
    """Engine-side names of the inputs that the installed SDK gives this type."""
    _, module, name = type_.split(":") if type_ != AWS_PROVIDER else ("", "provider", "Provider")
    package = importlib.import_module(f"pulumi_aws.{module.partition('/')[0]}")
    source = inspect.getmodule(getattr(package, name))
    # The plain name belongs to a nested input where a resource and one of its inputs are called the same.
    args = getattr(source, f"{name}InitArgs", None) or getattr(source, f"{name}Args")
    properties = inspect.getmembers(args, lambda one: isinstance(one, property))
    return {getattr(one.fget, "_pulumi_name", key) for key, one in properties}


def test_types_that_the_platform_uses_are_in_the_table() -> None:
    assert set(AWS_TYPES) >= NAMED


@pytest.mark.parametrize("type_", [*AWS_TYPES, AWS_PROVIDER])
def test_every_input_of_the_sdk_is_in_the_table_once(type_: str) -> None:
    found = rules()[type_]
    listed = [*found.replace, *found.perhaps, *(found.update or ())]
    assert len(listed) == len(set(listed))
    assert {path.partition(".")[0] for path in listed} == _inputs(type_)
    whole = {path for path in (*found.replace, *found.perhaps) if "." not in path}
    assert not whole & set(found.update or ())


@pytest.mark.parametrize("type_", AWS_TYPES)
def test_tags_never_replace_and_another_region_always_does(type_: str) -> None:
    inputs = _inputs(type_)
    if "tags" in inputs:
        assert effect(type_, "tags.team").effect is Effect.UPDATE
    if "region" in inputs:
        assert effect(type_, "region").effect is Effect.REPLACE


@pytest.mark.parametrize(
    ("type_", "path", "expected"),
    [
        ("aws:eks/cluster:Cluster", "version", Effect.UPDATE),
        ("aws:eks/cluster:Cluster", "name", Effect.REPLACE),
        ("aws:eks/cluster:Cluster", "kubernetesNetworkConfig.serviceIpv4Cidr", Effect.REPLACE),
        ("aws:eks/cluster:Cluster", "kubernetesNetworkConfig", Effect.MAY_REPLACE),
        ("aws:eks/cluster:Cluster", "accessConfig.authenticationMode", Effect.UPDATE),
        ("aws:eks/cluster:Cluster", "encryptionConfig", Effect.MAY_REPLACE),
        ("aws:eks/nodeGroup:NodeGroup", "scalingConfig.maxSize", Effect.UPDATE),
        ("aws:eks/nodeGroup:NodeGroup", "instanceTypes[0]", Effect.REPLACE),
        ("aws:eks/nodeGroup:NodeGroup", "launchTemplate.version", Effect.UPDATE),
        ("aws:eks/nodeGroup:NodeGroup", "launchTemplate.id", Effect.REPLACE),
        ("aws:rds/instance:Instance", "instanceClass", Effect.UPDATE),
        ("aws:rds/instance:Instance", "storageEncrypted", Effect.REPLACE),
        ("aws:ec2/vpc:Vpc", "cidrBlock", Effect.REPLACE),
        ("aws:ec2/vpc:Vpc", "aPropertyOfTomorrow", Effect.MAY_REPLACE),
        ("aws:tomorrow/thing:Thing", "name", Effect.MAY_REPLACE),
        ("kubernetes:apps/v1:Deployment", "spec.template.spec.containers[0].image", Effect.UPDATE),
        ("kubernetes:apps/v1:Deployment", "spec.selector.matchLabels.app", Effect.REPLACE),
        ("kubernetes:apps/v1:Deployment", "spec", Effect.MAY_REPLACE),
        ("kubernetes:core/v1:Service", "spec.clusterIP", Effect.REPLACE),
        ("kubernetes:core/v1:Service", "spec.ports[0].port", Effect.UPDATE),
        ("kubernetes:core/v1:ConfigMap", "data.key", Effect.MAY_REPLACE),
        ("kubernetes:batch/v1:Job", "spec.template.spec.containers[0].image", Effect.REPLACE),
        ("kubernetes:storage.k8s.io/v1:StorageClass", "parameters.type", Effect.REPLACE),
        ("kubernetes:storage.k8s.io/v1:StorageClass", "volumeBindingMode", Effect.REFUSED),
        ("kubernetes:helm.sh/v3:Release", "values.crds.enabled", Effect.UPDATE),
        ("kubernetes:helm.sh/v3:Release", "namespace", Effect.REPLACE),
        ("kubernetes:serving.kserve.io/v1beta1:InferenceService", "metadata.name", Effect.REPLACE),
        ("kubernetes:serving.kserve.io/v1beta1:InferenceService", "spec.predictor", Effect.UPDATE),
        ("kubernetes:trainer.kubeflow.org/v1alpha1:TrainJob", "spec.trainer.image", Effect.REFUSED),
        ("kubernetes:yaml/v2:ConfigGroup", "objs", Effect.MAY_REPLACE),
        ("pulumi:providers:kubernetes", "clusterIdentifier", Effect.REPLACE),
        ("trellis:aws:Network", "anything", Effect.UPDATE),
    ],
)
def test_effects_known_by_name(type_: str, path: str, expected: Effect) -> None:
    assert effect(type_, path).effect is expected


def test_all_but_plain_updates_say_why() -> None:
    for type_ in ("aws:eks/cluster:Cluster", "kubernetes:core/v1:Secret", "aws:tomorrow/thing:Thing"):
        for path in ("name", "encryptionConfig", "data.password", "unheard.of"):
            change = effect(type_, path)
            assert change.reason or change.effect is Effect.UPDATE


def test_a_type_outside_the_table_has_no_replacements() -> None:
    assert replacements("aws:tomorrow/thing:Thing") is None
    assert rule("kubernetes:yaml/v2:ConfigGroup") is None
    assert replacements("kubernetes:core/v1:Namespace") == frozenset({"metadata.name", "metadata.namespace"})


def _immutable_fields() -> set[tuple[str, str]]:
    """(Pulumi type, path) of each field that a real CRD declares immutable by itself, of the kinds in the table."""
    shared = require_shared()
    found: set[tuple[str, str]] = set()

    def walk(schema: Mapping[str, Any], type_: str, path: str) -> None:
        for check in schema.get("x-kubernetes-validations", []):
            if "".join(str(check["rule"]).split()) == "self==oldSelf":
                found.add((type_, path))
        for name, child in schema.get("properties", {}).items():
            walk(child, type_, f"{path}.{name}" if path else name)
        if isinstance(schema.get("items"), dict):
            walk(schema["items"], type_, f"{path}[0]")

    for type_ in CUSTOM_TYPES:
        _, module, kind = type_.split(":")
        group, _, version = module.partition("/")
        crd = find_crd(shared, group, kind)
        assert crd is not None, type_
        walk(crd.schemas[version], type_, "")
    return found


def test_fields_that_real_crds_declare_immutable_are_never_called_an_update() -> None:
    immutable = _immutable_fields()
    assert len(immutable) > 15
    wrong = {one for one in immutable if effect(*one).effect not in (Effect.REFUSED, Effect.MAY_REPLACE)}
    assert wrong == set()


def test_refused_fields_of_custom_kinds_are_immutable_in_the_real_crds() -> None:
    immutable = _immutable_fields()
    # Karpenter's rule stands on the parent of these two fields, in other words.
    others = [one for one in CUSTOM_TYPES if "karpenter" not in one]
    refused = {(type_, path) for type_ in others for path in rules()[type_].refused}
    assert refused
    assert refused <= immutable
