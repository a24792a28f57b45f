"""Training as plain manifests: runtimes that start the processes, and a TrainJob for each job of the stack file.

A job's own patch over its runtime puts it on its pool. Patches are listed by manager, so Kueue's patch and ours stand
beside each other. Source: facts/addons.md section 13; CRDs and controller of Kubeflow Trainer 2.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.layout import queues
from components.layout.capacity import EFA_RESOURCE, efa_per_node
from components.layout.clusters import ClusterView
from components.layout.gpu import placement, quantity, request
from components.layout.identities import TRAINING_ACCOUNT
from components.spec.pools import PoolBase
from components.spec.workloads import TrainingJob

Spec = dict[str, Any]
TRAIN_JOB = "trainer.kubeflow.org/v1alpha1/TrainJob"
CLUSTER_RUNTIME = "trainer.kubeflow.org/v1alpha1/ClusterTrainingRuntime"
RUNTIME = "trainer.kubeflow.org/v1alpha1/TrainingRuntime"
MANAGER = "trellis.dev/platform"
"""Whose patch it is."""
TRAINER = {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}
"""Label of the replicated job whose containers run the job's command."""
NO_SIDECAR = {"sidecar.istio.io/inject": "false"}
"""Collectives (NCCL, MPI, Gloo) do not pass a proxy, and a job has no use for one."""
STAY = {"karpenter.sh/do-not-disrupt": "true"}
"""Karpenter empties no node under a running job. A spot reclaim it cannot stop: hence the checkpoints."""
NODE = "node"
LAUNCHER = "launcher"
MOST_RESTARTS = 20
"""A lost node starts the whole job again from its checkpoint, at most so many times."""
SSH_HOME = "/home/mpiuser"
SSH_PORT = 2222
SSH_USER = 1000
"""The images that Kubeflow's MPI runtimes expect run sshd as this user, on this port, from this folder."""
SHARED_RUNTIMES: Mapping[str, str] = {"jax": "jax-distributed", "torch": "torch-distributed"}
"""Framework -> ClusterTrainingRuntime. MPI has none: its workers, too, need the job's image and resources."""


def runtimes() -> Mapping[str, Spec]:
    """Specs of the ClusterTrainingRuntimes by name. They name no image: every job says its own."""
    return {
        name: {
            "mlPolicy": {"numNodes": 1, framework: {}},
            "template": {"spec": {"failurePolicy": _restarts(), "replicatedJobs": [_job(NODE, TRAINER, {})]}},
        }
        for framework, name in sorted(SHARED_RUNTIMES.items())
    }


def own_runtime(view: ClusterView, job: TrainingJob) -> Spec | None:
    """Spec of the TrainingRuntime that a job brings along; None where a shared one serves.

    Under MPI the first node is the launcher, which reaches the others by ssh. Only its container takes image and
    resources from the TrainJob; the others have theirs from here.
    """
    if job.framework != "mpi":
        return None
    user = {"runAsUser": SSH_USER, "runAsGroup": SSH_USER}
    launcher = _job(LAUNCHER, TRAINER, {"securityContext": user})
    jobs = [launcher]
    if job.nodes > 1:
        worker: Spec = {
            "image": job.image,
            "command": ["/usr/sbin/sshd", "-De", "-f", f"{SSH_HOME}/.sshd_config"],
            "resources": resources(view, job),
            "securityContext": user,
            "readinessProbe": {"tcpSocket": {"port": SSH_PORT}, "initialDelaySeconds": 5},
        }
        launcher["dependsOn"] = [{"name": NODE, "status": "Ready"}]
        jobs = [_job(NODE, {}, worker), launcher]
    for one in jobs:
        one["template"]["spec"]["template"]["spec"]["securityContext"] = {"fsGroup": SSH_USER}
    mpi = {
        "mpiImplementation": "OpenMPI",
        "numProcPerNode": processes(job),
        "runLauncherAsNode": True,
        "sshAuthMountPath": f"{SSH_HOME}/.ssh",
    }
    template: Spec = {
        "failurePolicy": _restarts(),
        "network": {"publishNotReadyAddresses": True},
        "successPolicy": {"operator": "All", "targetReplicatedJobs": [LAUNCHER]},
        "replicatedJobs": jobs,
    }
    # One launcher: Trainer takes this for the number of launchers, and the job's own `numNodes` for all nodes together.
    return {"mlPolicy": {"numNodes": 1, "mpi": mpi}, "template": {"spec": template}}


def _restarts() -> Spec:
    return {"maxRestarts": MOST_RESTARTS}


def _job(name: str, labels: Mapping[str, str], container: Mapping[str, Any]) -> Spec:
    """One replicated job. A failed pod fails it at once: its peers wait for that rank for ever, so all start again."""
    pod: Spec = {
        "metadata": {"labels": dict(NO_SIDECAR), "annotations": dict(STAY)},
        "spec": {"restartPolicy": "Never", "containers": [{"name": NODE, **container}]},
    }
    metadata = {"metadata": {"labels": dict(labels)}} if labels else {}
    return {"name": name, "template": {**metadata, "spec": {"backoffLimit": 0, "template": pod}}}


def jobs(view: ClusterView) -> Mapping[str, TrainingJob]:
    """Training jobs of a cluster by name: those of the stack file, where the cluster trains."""
    if "training" not in view.cluster.roles or "kubeflow-trainer" not in view.addons:
        return {}
    return dict(sorted(view.platform.training.items()))


def runtime_ref(name: str, job: TrainingJob) -> Mapping[str, str]:
    """Which runtime a job uses."""
    shared = SHARED_RUNTIMES.get(job.framework)
    kind, runtime = ("ClusterTrainingRuntime", shared) if shared else ("TrainingRuntime", name)
    return {"apiGroup": "trainer.kubeflow.org", "kind": kind, "name": runtime or name}


def train_job(view: ClusterView, name: str, job: TrainingJob) -> Spec:
    """Spec of the TrainJob."""
    return {
        "runtimeRef": dict(runtime_ref(name, job)),
        "activeDeadlineSeconds": job.max_hours * 3600,
        "trainer": {
            "image": job.image,
            "command": list(job.command),
            "env": environment(view, name, job),
            "numNodes": job.nodes,
            "numProcPerNode": processes(job),
            "resourcesPerNode": resources(view, job),
        },
        "runtimePatches": [{"manager": MANAGER, "trainingRuntimeSpec": {"template": {"spec": _patch(view, job)}}}],
    }


def job_annotations(job: TrainingJob) -> Mapping[str, str]:
    """Annotations of the TrainJob: where it runs, whether it may be interrupted, what its month is priced by."""
    return {
        "trellis.dev/pool": job.pool,
        "trellis.dev/interruptible": str(job.interruptible).lower(),
        "trellis.dev/expected-hours-per-month": str(job.expected_hours_per_month),
    }


def processes(job: TrainingJob) -> int:
    """Processes on each node: one for each GPU."""
    return max(job.resources.gpus, 1)


def resources(view: ClusterView, job: TrainingJob) -> Spec:
    """What each node of a job asks for, limits equal to requests; on an EFA pool all the adapters of the node."""
    pool = view.pools.get(job.pool)
    asked = dict(request(job.resources, pool))
    adapters = efa_per_node(pool) if pool is not None and job.nodes > 1 else 0
    if adapters:
        asked[EFA_RESOURCE] = str(adapters)
    return {"limits": asked, "requests": dict(asked)}


def environment(view: ClusterView, name: str, job: TrainingJob) -> list[Spec]:
    """Environment of the trainer: where checkpoints go and where runs are tracked. Never a secret."""
    values = {"MLFLOW_EXPERIMENT_NAME": name}
    if job.checkpoint_uri:
        values["CHECKPOINT_URI"] = job.checkpoint_uri
    if "mlflow" in view.addons:
        values["MLFLOW_TRACKING_URI"] = "http://mlflow.mlflow.svc.cluster.local"
    else:
        del values["MLFLOW_EXPERIMENT_NAME"]
    return [{"name": key, "value": value} for key, value in sorted(values.items())]


def _patch(view: ClusterView, job: TrainingJob) -> Spec:
    pool: PoolBase | None = view.pools.get(job.pool)
    names = [NODE] if job.framework in SHARED_RUNTIMES else [NODE, LAUNCHER] if job.nodes > 1 else [LAUNCHER]
    return {"replicatedJobs": [{"name": one, "template": {"spec": _pod_patch(job, pool)}} for one in names]}


def _pod_patch(job: TrainingJob, pool: PoolBase | None) -> Spec:
    shm = job.resources.shared_memory_gib
    pod: Spec = {"serviceAccountName": TRAINING_ACCOUNT, **placement(job.pool, pool)}
    if shm:
        pod["volumes"] = [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": f"{quantity(shm)}Gi"}}]
        mount = {"name": "shm", "mountPath": "/dev/shm"}  # noqa: S108 - the kernel's path in a pod
        pod["containers"] = [{"name": NODE, "volumeMounts": [mount]}]
    return {"template": {"metadata": {"annotations": dict(STAY)}, "spec": pod}}


def job_labels(view: ClusterView, job: TrainingJob) -> Mapping[str, str]:
    """Labels of the TrainJob."""
    return queues.job_labels(view, job)
