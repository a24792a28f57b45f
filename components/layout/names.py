"""Physical names and ARNs that the spec fixes.

Policies, Helm values and printed commands need them before anything exists, so they are computed and never read back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from components.spec.platform import Aws, Platform

PARTITION = "aws"


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

    def node_role(self, cluster: str) -> str:
        """Name of the IAM role of all nodes of a cluster."""
        return f"{self.cluster(cluster)}-node"

    def interruption_queue(self, cluster: str) -> str:
        """Name of the queue that tells Karpenter of spot interruptions."""
        return f"{self.cluster(cluster)}-interruption"

    def bucket(self, purpose: str) -> str:
        """Name of a bucket; the account makes it unique in the world."""
        return f"{self.prefix}-{self.account_id}-{purpose}"

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


def managed_policy(name: str) -> str:
    """ARN of a policy that AWS maintains; `name` may carry a path such as `service-role/`."""
    return f"arn:{PARTITION}:iam::aws:policy/{name}"
