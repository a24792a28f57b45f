"""Physical names and ARNs that the spec fixes.

Policies, Helm values and printed commands need them before anything exists, so they are computed and never read back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from components.spec.platform import Aws, Platform

PARTITION = "aws"
LONGEST_NAME = 64
"""IAM roles and EventBridge rules take no longer name. Source: IAM and EventBridge API reference."""


@dataclass(frozen=True)
class Names:
    """Names of one environment. `prefix` starts every name that is global to an account or to S3."""

    environment: str
    account_id: str
    region: str

    @classmethod
    def of(cls, spec: Platform, aws: Aws) -> Names:
        """Names for an environment in AWS."""
        return cls(environment=spec.environment, account_id=aws.account_id, region=aws.region)

    @property
    def prefix(self) -> str:
        """`trellis-<environment>`."""
        return f"trellis-{self.environment}"

    def cluster(self, cluster: str) -> str:
        """Name of an EKS cluster."""
        return f"{self.prefix}-{cluster}"

    def capped(self, cluster: str, purpose: str) -> str:
        """Name of something of a cluster, where AWS takes 64 characters at most: a long one ends in a digest."""
        full = f"{self.cluster(cluster)}-{purpose}"
        if len(full) <= LONGEST_NAME:
            return full
        digest = hashlib.sha256(full.encode()).hexdigest()[:8]
        return f"{full[: LONGEST_NAME - 9]}-{digest}"

    def node_role(self, cluster: str) -> str:
        """Name of the IAM role of the nodes in a cluster's managed node groups."""
        return self.capped(cluster, "node")

    def workload_role(self, cluster: str, service_account: str) -> str:
        """Name of the IAM role of a service account."""
        return self.capped(cluster, service_account)

    def argo_cd_target_role(self, cluster: str) -> str:
        """Name of the role that Argo CD takes to deploy into a cluster from another one."""
        return self.capped(cluster, "deployed-by-argo-cd")

    def placement_group(self, cluster: str, pool: str) -> str:
        """Name of the placement group of a multi-node pool."""
        return f"{self.cluster(cluster)}-{pool}"

    def fabric_group(self, cluster: str) -> str:
        """Name of the security group that lets EFA traffic pass between nodes of a cluster."""
        return f"{self.cluster(cluster)}-efa"

    def interruption_queue(self, cluster: str) -> str:
        """Name of the queue that tells Karpenter of spot interruptions."""
        return f"{self.cluster(cluster)}-interruption"

    def bucket(self, purpose: str) -> str:
        """Name of a bucket; the account makes it unique in the world."""
        return f"{self.prefix}-{self.account_id}-{purpose}"

    def repository(self, repository: str) -> str:
        """Name of an ECR repository."""
        return f"{self.prefix}/{repository}"

    @property
    def registry(self) -> str:
        """Host of the account's ECR registry."""
        return f"{self.account_id}.dkr.ecr.{self.region}.amazonaws.com"

    @property
    def database(self) -> str:
        """Identifier of MLflow's database instance."""
        return f"{self.prefix}-mlflow"

    def arn(self, service: str, resource: str, *, regional: bool = True, account: bool = True) -> str:
        """ARN of something in this account and region."""
        region = self.region if regional else ""
        owner = self.account_id if account else ""
        return f"arn:{PARTITION}:{service}:{region}:{owner}:{resource}"

    def role_arn(self, role: str) -> str:
        """ARN of an IAM role of this account."""
        return self.arn("iam", f"role/{role}", regional=False)

    def bucket_arn(self, purpose: str) -> str:
        """ARN of a bucket of this environment."""
        return self.arn("s3", self.bucket(purpose), regional=False, account=False)

    def cluster_arn(self, cluster: str) -> str:
        """ARN of an EKS cluster of this environment."""
        return self.arn("eks", f"cluster/{self.cluster(cluster)}")


def tags(spec: Platform) -> Mapping[str, str]:
    """Tags of everything in AWS: who runs it, who pays. Set once, as the provider's default tags."""
    return {
        "trellis:environment": spec.environment,
        "trellis:team": spec.ownership.team,
        "trellis:cost-centre": spec.ownership.cost_centre,
    }


def pool_tags(spec: Platform, team: str | None) -> Mapping[str, str]:
    """Tags of what a pool starts. The provider's default tags do not reach instances, volumes and interfaces."""
    return {**tags(spec), **({"trellis:team": team} if team else {})}


def managed_policy(name: str) -> str:
    """ARN of a policy that AWS maintains; `name` may carry a path such as `service-role/`."""
    return f"arn:{PARTITION}:iam::aws:policy/{name}"
