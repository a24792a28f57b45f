"""What each service account of an add-on may do in AWS, by add-on and account.

Add-ons whose rights AWS maintains as a policy (see `managedPolicies` in their catalogue row) need no entry here. What
upstream asks for beyond what is granted stands in `REFUSED`, with the reason; a test holds both against the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from components.layout import karpenter_iam, load_balancer_iam, s3
from components.layout.clusters import ClusterView
from components.layout.iam import Statement, allow
from components.layout.links import argo_cd_targets
from components.layout.names import Names

Grant = Callable[[ClusterView, Names], tuple[Statement, ...]]

SECRETS_PREFIX = "trellis/"
"""Secrets in AWS Secrets Manager below this name are the platform's."""


def _autoscaler(view: ClusterView, names: Names) -> tuple[Statement, ...]:
    groups = [names.arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/*")]
    # EKS puts this tag on the Auto Scaling groups of its node groups.
    own = {"StringEquals": {f"aws:ResourceTag/k8s.io/cluster-autoscaler/{view.full_name}": "owned"}}
    kinds = ("AutoScalingGroups", "AutoScalingInstances", "LaunchConfigurations", "ScalingActivities", "Tags")
    shapes = ("DescribeImages", "DescribeInstanceTypes", "DescribeLaunchTemplateVersions")
    reads = [f"autoscaling:Describe{what}" for what in kinds] + [f"ec2:{what}" for what in shapes]
    node_groups = [names.arn("eks", f"nodegroup/{view.full_name}/*/*")]
    return (
        allow(
            "Resize", ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"], groups, own
        ),
        # Describe calls know no resource-level permission; they are held to the region.
        allow("Read", [*reads, "ec2:GetInstanceTypesFromInstanceRequirements"], ["*"], _here(names)),
        allow("NodeGroups", ["eks:DescribeNodegroup"], node_groups),
    )


def _secrets(view: ClusterView, names: Names) -> tuple[Statement, ...]:
    """The platform's own secrets; beside MLflow also the password that RDS made, found by the tag RDS puts on it."""
    platform = view.platform
    stated = {platform.monitoring.grafana_credentials}
    if platform.exposure is not None:
        stated.add(platform.exposure.oidc.secret_name)
    # Secrets Manager ends each ARN in a dash and six characters.
    others = [f"secret:{name}-??????" for name in stated if not name.startswith(SECRETS_PREFIX)]
    own = [names.arn("secretsmanager", secret) for secret in (f"secret:{SECRETS_PREFIX}*", *others)]
    reads = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
    found = [allow("Platform", reads, own)]
    if "mlflow" in view.addons:
        database = names.arn("rds", f"db:{names.database}")
        tag = {"StringEquals": {"secretsmanager:ResourceTag/aws:rds:primaryDBInstanceArn": database}}
        found.append(allow("Database", reads, [names.arn("secretsmanager", "secret:rds!db-*")], tag))
    return tuple(found)


def _mlflow(_view: ClusterView, names: Names) -> tuple[Statement, ...]:
    return s3.access("Artefacts", [s3.own(names, "artefacts", "mlflow")], s3.WRITE)


def _pipelines(_view: ClusterView, names: Names) -> tuple[Statement, ...]:
    """Steps read data and keep what they make; each run has its own folder."""
    return (
        *s3.access("Data", [s3.own(names, "data")], s3.READ),
        *s3.access("Artefacts", [s3.own(names, "artefacts", "pipelines")], s3.WRITE),
    )


def _argo_cd(view: ClusterView, names: Names) -> tuple[Statement, ...]:
    """The roles of the clusters it deploys to; in its own cluster it needs none."""
    targets = [names.role_arn(names.argo_cd_target_role(one)) for one in argo_cd_targets(view)]
    return (allow("DeployTo", ["sts:AssumeRole", "sts:TagSession"], targets),) if targets else ()


def _lustre(_view: ClusterView, names: Names) -> tuple[Statement, ...]:
    """File systems are made by the platform and mounted by name: the driver only looks at them."""
    return (allow("Read", ["fsx:DescribeFileSystems"], ["*"], _here(names)),)


def _karpenter(view: ClusterView, names: Names) -> tuple[Statement, ...]:
    return karpenter_iam.controller_statements(names, view.name)


def _here(names: Names) -> dict[str, dict[str, str]]:
    return {"StringEquals": {"aws:RequestedRegion": names.region}}


GRANTS: Mapping[tuple[str, str], Grant] = {
    ("argo-cd", "argocd-application-controller"): _argo_cd,
    ("argo-cd", "argocd-server"): _argo_cd,
    ("aws-load-balancer-controller", "aws-load-balancer-controller"): load_balancer_iam.statements,
    ("cluster-autoscaler", "cluster-autoscaler-aws-cluster-autoscaler"): _autoscaler,
    ("external-secrets", "external-secrets"): _secrets,
    ("fsx-csi", "fsx-csi-controller-sa"): _lustre,
    ("karpenter", "karpenter"): _karpenter,
    ("kubeflow-pipelines", "pipeline-runner"): _pipelines,
    ("mlflow", "mlflow"): _mlflow,
}
"""Statements by (add-on, service account). An entry replaces the managed policies of the account's row."""

REFUSED: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("aws-load-balancer-controller", "aws-load-balancer-controller"): {
        "cognito-idp:*": "logins go by OIDC",
        "elasticloadbalancing:SetWebAcl": "no web ACL is used",
        "shield:*": "Shield Advanced is not used",
        "waf-regional:*": "no web ACL is used",
        "wafv2:*": "no web ACL is used",
    },
    ("external-secrets", "external-secrets"): {
        "kms:Decrypt": "secrets lie under AWS's own key, which asks for no such right",
    },
    ("karpenter", "karpenter"): {
        "arc-zonal-shift:GetManagedResource": "zonal shift is off (settings.enableZonalShift)",
    },
}
"""Actions that upstream asks for and that are not granted, with the reason."""
