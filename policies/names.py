"""Names that the platform and its rules share. A test holds them equal to what the components write."""

from __future__ import annotations

GPU = "nvidia.com/gpu"
GPU_SHARED = "nvidia.com/gpu.shared"
"""What time-slicing and MPS offer when the device plugin renames shared GPUs."""
MIG_PREFIX = "nvidia.com/mig-"
SHARED_SUFFIX = ".shared"
MIG_CONFIG_LABEL = "nvidia.com/mig.config"

POOL = "trellis.dev/pool"
SHARING = "trellis.dev/gpu-sharing"
PURPOSE = "trellis.dev/purpose"
INTERRUPTIBLE = "trellis.dev/interruptible"

TAG_ENVIRONMENT = "trellis:environment"
TAG_TEAM = "trellis:team"
TAG_COST_CENTRE = "trellis:cost-centre"

CAPACITY_TYPE = "karpenter.sh/capacity-type"
INSTANCE_TYPE = "node.kubernetes.io/instance-type"
INSTANCE_FAMILY = "karpenter.k8s.aws/instance-family"
KARPENTER_POOL = "karpenter.sh/nodepool"
NODE_GROUP = "eks.amazonaws.com/nodegroup"

NODE_POOL = "kubernetes:karpenter.sh/v1:NodePool"
NODE_CLASS = "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"
NODE_OVERLAY = "kubernetes:karpenter.sh/v1alpha1:NodeOverlay"
MANAGED_GROUP = "aws:eks/nodeGroup:NodeGroup"
CLUSTER = "aws:eks/cluster:Cluster"
VPC = "aws:ec2/vpc:Vpc"
VPC_ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
AWS_PROVIDER = "pulumi:providers:aws"


def is_gpu(resource: str) -> bool:
    """Whether an extended resource is a GPU, a share of one or a MIG slice."""
    return resource in {GPU, GPU_SHARED} or resource.startswith(MIG_PREFIX)


def mig_profile(resource: str) -> str | None:
    """The MIG profile in a resource name (`nvidia.com/mig-1g.10gb` -> `1g.10gb`), None when it is no slice."""
    if not resource.startswith(MIG_PREFIX):
        return None
    return resource.removeprefix(MIG_PREFIX).removesuffix(SHARED_SUFFIX)
