"""Which component installs which catalogue row. A row that needs charts only is installed by `Addon` itself."""

from __future__ import annotations

from collections.abc import Mapping

from components.catalogue.addons import addon
from components.k8s.addon import Addon
from components.k8s.argo_cd import ArgoCd
from components.k8s.external_secrets import ExternalSecrets
from components.k8s.gpu_operator import GpuOperator
from components.k8s.istio import Istio
from components.k8s.karpenter import Karpenter
from components.k8s.kubeflow_trainer import KubeflowTrainer
from components.k8s.kueue import Kueue
from components.k8s.mlflow import Mlflow
from components.k8s.monitoring import KubePrometheusStack
from components.k8s.storage import EbsCsi, EfsCsi, FsxCsi
from components.k8s.trees import Tree
from components.k8s.vpa import Vpa

COMPONENTS: Mapping[str, type[Addon]] = {
    component.row_id: component
    for component in (
        ArgoCd,
        EbsCsi,
        EfsCsi,
        ExternalSecrets,
        FsxCsi,
        GpuOperator,
        Istio,
        Karpenter,
        KubeflowTrainer,
        Kueue,
        KubePrometheusStack,
        Mlflow,
        Vpa,
    )
}


def component_for(row_id: str) -> type[Addon]:
    """The component of a row."""
    return COMPONENTS.get(row_id, Tree if addon(row_id).kind == "argocd-application" else Addon)


def has_objects(row_id: str) -> bool:
    """Whether a row brings objects of the platform's own, also where EKS installs the add-on itself."""
    return row_id in COMPONENTS
