"""Training jobs: where they run, what they ask for, who starts them."""

from __future__ import annotations

from typing import Any

from components.layout import queues, training
from tests.components.aws.builders import waits_for, with_pool
from tests.components.k8s.builders import objects, plan, view
from tests.components.k8s_b.builders import fabric_pool, trained
from tests.components.k8s_b.test_teams import WHOLE

LARGE = {"gpus": 8, "cpu": 80, "memoryGib": 900, "sharedMemoryGib": 64}


def job_spec(*layers: Any) -> dict[str, Any]:
    cluster = view(*layers)
    return training.train_job(cluster, "job", cluster.platform.training["job"])


def patched(spec: dict[str, Any], job: str = "node") -> dict[str, Any]:
    """Pod template that the job's patch lays over a replicated job."""
    (patch,) = spec["runtimePatches"]
    jobs = {one["name"]: one for one in patch["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]}
    return dict(jobs[job]["template"]["spec"]["template"])


def test_a_job_is_stopped_after_its_hours_and_never_moved() -> None:
    spec = job_spec(with_pool(WHOLE), trained(maxHours=8))
    assert spec["activeDeadlineSeconds"] == 8 * 3600
    assert patched(spec)["metadata"]["annotations"] == {"karpenter.sh/do-not-disrupt": "true"}


def test_a_job_is_put_on_its_pool_with_its_account() -> None:
    pod = patched(job_spec(with_pool(WHOLE), trained()))["spec"]
    assert pod["nodeSelector"] == {"trellis.dev/pool": "pool"}
    assert pod["tolerations"][0]["key"] == "nvidia.com/gpu"
    assert pod["serviceAccountName"] == "training-job"


def test_limits_equal_requests_and_processes_equal_gpus() -> None:
    trainer = job_spec(with_pool(fabric_pool()), trained(nodes=2, resources=LARGE))["trainer"]
    assert trainer["numNodes"] == 2
    assert trainer["numProcPerNode"] == 8
    assert trainer["resourcesPerNode"]["limits"] == trainer["resourcesPerNode"]["requests"]
    assert trainer["resourcesPerNode"]["limits"]["vpc.amazonaws.com/efa"] == "4"


def test_one_node_needs_no_fabric() -> None:
    trainer = job_spec(with_pool(fabric_pool()), trained(resources=LARGE))["trainer"]
    assert "vpc.amazonaws.com/efa" not in trainer["resourcesPerNode"]["limits"]


def test_shared_memory_is_a_volume_of_the_trainer() -> None:
    pod = patched(job_spec(with_pool(fabric_pool()), trained(resources=LARGE)))["spec"]
    assert pod["volumes"] == [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "64Gi"}}]
    assert pod["containers"] == [{"name": "node", "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}]}]  # noqa: S108


def test_checkpoints_and_tracking_reach_the_trainer() -> None:
    env = {row["name"]: row["value"] for row in job_spec(with_pool(WHOLE), trained())["trainer"]["env"]}
    assert env == {
        "CHECKPOINT_URI": "s3://bucket/checkpoints",
        "MLFLOW_EXPERIMENT_NAME": "job",
        "MLFLOW_TRACKING_URI": "http://mlflow.mlflow.svc.cluster.local",
    }


def test_training_pods_carry_no_sidecar_and_start_together() -> None:
    for spec in training.runtimes().values():
        (job,) = spec["template"]["spec"]["replicatedJobs"]
        template = job["template"]["spec"]
        assert template["backoffLimit"] == 0
        assert template["template"]["metadata"]["labels"] == {"sidecar.istio.io/inject": "false"}
        assert spec["template"]["spec"]["failurePolicy"]["maxRestarts"] > 0


def test_mpi_workers_have_the_jobs_image_and_resources() -> None:
    layers = (with_pool(fabric_pool()), trained(framework="mpi", nodes=2, resources=LARGE))
    cluster = view(*layers)
    job = cluster.platform.training["job"]
    runtime = training.own_runtime(cluster, job)
    assert runtime is not None
    worker, launcher = runtime["template"]["spec"]["replicatedJobs"]
    container = worker["template"]["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == job.image
    assert container["resources"] == training.resources(cluster, job)
    assert launcher["dependsOn"] == [{"name": "node", "status": "Ready"}]
    spec = training.train_job(cluster, "job", job)
    assert spec["runtimeRef"]["kind"] == "TrainingRuntime"
    assert patched(spec, "launcher")["spec"]["nodeSelector"] == patched(spec, "node")["spec"]["nodeSelector"]


def test_mpi_on_one_node_is_its_launcher_alone() -> None:
    cluster = view(with_pool(WHOLE), trained(framework="mpi"))
    runtime = training.own_runtime(cluster, cluster.platform.training["job"])
    assert runtime is not None
    assert [job["name"] for job in runtime["template"]["spec"]["replicatedJobs"]] == ["launcher"]


def test_only_clusters_that_train_run_jobs() -> None:
    layers = (with_pool(WHOLE), trained())
    assert set(training.jobs(view(*layers))) == {"job"}
    assert not training.jobs(view(*layers, {"clusters": {"main": {"roles": ["inference"]}}}))
    assert not training.jobs(view(*layers, {"addons": {"kubeflow-trainer": False}}))


def test_a_job_queues_by_what_may_interrupt_it() -> None:
    cluster = view(with_pool(WHOLE), trained(interruptible=False))
    labels = queues.job_labels(cluster, cluster.platform.training["job"])
    assert labels == {queues.QUEUE_LABEL: "training", queues.PRIORITY_LABEL: "uninterruptible"}
    assert set(queues.PRIORITIES) == {"interruptible", "uninterruptible"}


def test_everything_a_job_needs_is_there_before_it() -> None:
    recorded = plan(with_pool(WHOLE), trained())
    before = waits_for(recorded)
    job = objects(recorded, "TrainJob")["research", "job"]
    for kind, where in {
        "ClusterTrainingRuntime": (None, "torch-distributed"),
        "LocalQueue": ("research", "training"),
        "NodePool": (None, "pool"),
        "ResourceQuota": ("research", "team"),
        "ServiceAccount": ("research", "training-job"),
        "WorkloadPriorityClass": (None, "interruptible"),
    }.items():
        needed = objects(recorded, kind)[where]
        assert {needed.urn, needed.parent} & before[job.urn], f"{kind} {where} may come after the job"
