"""Closed sets of values in Kubernetes' own kinds.

The published schemas state them in prose only, so `imagePullPolicy: Sometimes` would pass. These are the fields that a
platform sets; values as in the Kubernetes API reference, 1.30 and newer. A list field is checked item by item.
"""

from __future__ import annotations

_PROTOCOLS = ("TCP", "UDP", "SCTP")
_TRAFFIC = ("Cluster", "Local")
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")

# definition below io.k8s.api (or apimachinery's meta.v1) -> field -> allowed values
ENUMS: dict[str, dict[str, tuple[str, ...]]] = {
    "io.k8s.api.core.v1.Container": {"imagePullPolicy": ("Always", "IfNotPresent", "Never")},
    "io.k8s.api.core.v1.ContainerPort": {"protocol": _PROTOCOLS},
    "io.k8s.api.core.v1.PodSpec": {
        "restartPolicy": ("Always", "OnFailure", "Never"),
        "dnsPolicy": ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
    },
    "io.k8s.api.core.v1.Toleration": {"effect": _EFFECTS, "operator": ("Exists", "Equal")},
    "io.k8s.api.core.v1.Taint": {"effect": _EFFECTS},
    "io.k8s.api.core.v1.TopologySpreadConstraint": {"whenUnsatisfiable": ("DoNotSchedule", "ScheduleAnyway")},
    "io.k8s.api.core.v1.NodeSelectorRequirement": {"operator": ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")},
    "io.k8s.api.core.v1.SeccompProfile": {"type": ("Localhost", "RuntimeDefault", "Unconfined")},
    "io.k8s.api.core.v1.ServiceSpec": {
        "type": ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"),
        "sessionAffinity": ("ClientIP", "None"),
        "externalTrafficPolicy": _TRAFFIC,
        "internalTrafficPolicy": _TRAFFIC,
        "ipFamilyPolicy": ("SingleStack", "PreferDualStack", "RequireDualStack"),
        "ipFamilies": ("IPv4", "IPv6"),
    },
    "io.k8s.api.core.v1.ServicePort": {"protocol": _PROTOCOLS},
    "io.k8s.api.core.v1.PersistentVolumeClaimSpec": {
        "accessModes": ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"),
        "volumeMode": ("Block", "Filesystem"),
    },
    "io.k8s.api.core.v1.PersistentVolumeSpec": {
        "accessModes": ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"),
        "volumeMode": ("Block", "Filesystem"),
        "persistentVolumeReclaimPolicy": ("Delete", "Recycle", "Retain"),
    },
    "io.k8s.api.core.v1.LimitRangeItem": {"type": ("Container", "Pod", "PersistentVolumeClaim")},
    "io.k8s.api.core.v1.ResourceQuotaSpec": {
        "scopes": (
            "BestEffort",
            "NotBestEffort",
            "Terminating",
            "NotTerminating",
            "PriorityClass",
            "CrossNamespacePodAffinity",
            "VolumeAttributesClass",
        )
    },
    "io.k8s.api.apps.v1.DeploymentStrategy": {"type": ("Recreate", "RollingUpdate")},
    "io.k8s.api.apps.v1.DaemonSetUpdateStrategy": {"type": ("OnDelete", "RollingUpdate")},
    "io.k8s.api.apps.v1.StatefulSetUpdateStrategy": {"type": ("OnDelete", "RollingUpdate")},
    "io.k8s.api.apps.v1.StatefulSetSpec": {"podManagementPolicy": ("OrderedReady", "Parallel")},
    "io.k8s.api.batch.v1.JobSpec": {"completionMode": ("Indexed", "NonIndexed")},
    "io.k8s.api.batch.v1.CronJobSpec": {"concurrencyPolicy": ("Allow", "Forbid", "Replace")},
    "io.k8s.api.autoscaling.v2.MetricSpec": {"type": ("ContainerResource", "External", "Object", "Pods", "Resource")},
    "io.k8s.api.autoscaling.v2.MetricTarget": {"type": ("AverageValue", "Utilization", "Value")},
    "io.k8s.api.networking.v1.NetworkPolicySpec": {"policyTypes": ("Ingress", "Egress")},
    "io.k8s.api.networking.v1.NetworkPolicyPort": {"protocol": _PROTOCOLS},
    "io.k8s.api.networking.v1.HTTPIngressPath": {"pathType": ("Exact", "Prefix", "ImplementationSpecific")},
    "io.k8s.api.rbac.v1.RoleRef": {
        "kind": ("ClusterRole", "Role"),
        "apiGroup": ("rbac.authorization.k8s.io",),
    },
    "io.k8s.api.rbac.v1.Subject": {"kind": ("Group", "ServiceAccount", "User")},
    "io.k8s.api.policy.v1.PodDisruptionBudgetSpec": {"unhealthyPodEvictionPolicy": ("AlwaysAllow", "IfHealthyBudget")},
    "io.k8s.api.scheduling.v1.PriorityClass": {"preemptionPolicy": ("Never", "PreemptLowerPriority")},
    "io.k8s.api.storage.v1.StorageClass": {
        "reclaimPolicy": ("Delete", "Retain"),
        "volumeBindingMode": ("Immediate", "WaitForFirstConsumer"),
    },
    "io.k8s.api.admissionregistration.v1.ValidatingWebhook": {
        "failurePolicy": ("Fail", "Ignore"),
        "sideEffects": ("None", "NoneOnDryRun"),
    },
    "io.k8s.api.admissionregistration.v1.MutatingWebhook": {
        "failurePolicy": ("Fail", "Ignore"),
        "sideEffects": ("None", "NoneOnDryRun"),
    },
    "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement": {
        "operator": ("In", "NotIn", "Exists", "DoesNotExist")
    },
}
