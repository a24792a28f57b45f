"""From objects of a plan to pods: every stack's own, each built-in kind, sidecars, what cannot be told. No cluster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from components.catalogue.addons import addon
from components.layout.clusters import ClusterView, views
from components.layout.serving import served
from components.layout.training import jobs
from tests.rehearsal.plans import CONTAINER, obj, plan, pod_template, view
from trellis.plan import UNKNOWN, NotOpened, Plan
from trellis.preview import preview_environment, stacks
from trellis.rehearsal.expand import Expansion, How, PodSet, Workload, expand
from trellis.rehearsal.expand.merge import merge
from trellis.rehearsal.expand.table import EXPANDERS
from trellis.rehearsal.placing.demand import asks
from trellis.toolchain_rows import tool

GPU_TOLERATION = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}


@pytest.fixture(scope="module")
def expansions() -> Mapping[str, tuple[ClusterView, Plan, Expansion]]:
    """Every cluster of every stack."""
    found: dict[str, tuple[ClusterView, Plan, Expansion]] = {}
    for stack in stacks():
        recorded, platform = preview_environment(stack)
        for name, one in views(platform).items():
            found[f"{stack}/{name}"] = (one, recorded, expand(recorded, one))
    return found


def only(expansion: Expansion) -> Workload:
    (workload,) = expansion.workloads
    return workload


def pods(workload: Workload) -> PodSet:
    (one,) = workload.pods
    return one


Expansions = Mapping[str, tuple[ClusterView, Plan, Expansion]]


def test_every_declared_model_and_job_is_expanded(expansions: Expansions) -> None:
    for where, (one, _, expansion) in expansions.items():
        versions = [(m.team, f"{name}-{v}") for name, m in served(one).items() for v in m.versions]
        declared = [*versions, *((job.team, name) for name, job in jobs(one).items())]
        assert sorted((w.namespace, w.name) for w in expansion.workloads) == sorted(declared), where
        assert not any(row.subject.startswith(("InferenceService", "TrainJob")) for row in expansion.unexpanded)


def test_pods_are_as_many_and_ask_for_as_much_as_the_stack_file_says(expansions: Expansions) -> None:
    for one, _, expansion in expansions.values():
        for workload in expansion.workloads:
            if workload.kind == "TrainJob":
                job = jobs(one)[workload.name]
                assert (workload.gang, sum(p.limit for p in workload.pods)) == (True, job.nodes)
                continue
            model = served(one)[workload.name.rpartition("-")[0]]
            made = pods(workload)
            assert (made.floor, made.limit) == (model.scaling.min_replicas, model.scaling.max_replicas)
            asked = asks(made.template["spec"])
            gpus = sum(count for name, count in asked.items() if name.startswith("nvidia.com/"))
            assert gpus == model.resources.gpus
            assert asked["cpu"] == model.resources.cpu * 1000 + 100  # and the sidecar's tenth


def test_pods_keep_to_their_pool(expansions: Expansions) -> None:
    for one, _, expansion in expansions.values():
        for workload in expansion.workloads:
            spec = workload.pods[0].template["spec"]
            pool = one.pools[spec["nodeSelector"]["trellis.dev/pool"]]
            assert (GPU_TOLERATION in spec["tolerations"]) == (pool.gpu is not None)


def test_sidecars_are_where_the_mesh_is_and_not_beside_training(expansions: Expansions) -> None:
    seen = Counter[tuple[str, bool]]()
    for _, _, expansion in expansions.values():
        for workload in expansion.workloads:
            initial = workload.pods[0].template["spec"].get("initContainers", [])
            proxied = any(c["name"] == "istio-proxy" and c["restartPolicy"] == "Always" for c in initial)
            seen[workload.kind, proxied] += 1
    assert set(seen) == {("InferenceService", True), ("TrainJob", False)}


def test_what_is_not_opened_is_listed_release_by_release(expansions: Expansions) -> None:
    for where, (one, recorded, expansion) in expansions.items():
        releases = [r.name for r in recorded.of_type("kubernetes:helm.sh/v3:Release") if r.name.startswith(one.name)]
        listed = [row.subject for row in expansion.unexpanded if row.subject.startswith("Release ")]
        assert listed == sorted(f"Release {name}" for name in releases), where
        addons = [row for row in expansion.unexpanded if row.subject.startswith("EKS add-on")]
        assert bool(addons) == one.is_eks


def test_an_opened_release_is_not_listed_and_its_pods_count() -> None:
    deployment = obj("apps/v1", "Deployment", spec={"replicas": 2, "template": pod_template()})
    found = expand(plan(opened=[deployment]), view())
    assert (only(found).release, pods(only(found)).limit, found.unexpanded) == ("some-release", 2, ())


def test_the_reason_why_a_release_is_closed_is_the_one_that_the_plan_tells() -> None:
    closed = plan(release=True)
    urn = next(r.urn for r in closed.resources if r.name == "some-release")
    row = NotOpened(reason="no such chart", name="some-release", urn=urn, chart="some-chart", version="1")
    (listed,) = expand(replace(closed, not_opened=(row,)), view()).unexpanded
    assert (listed.subject, listed.why) == ("Release some-release", "no such chart")


def test_tests_of_a_chart_make_no_pods() -> None:
    opened = plan(opened=[obj("v1", "Pod", spec={"containers": [CONTAINER]})])
    hooked = tuple(replace(r, hooks=("test",)) if r.opened_from else r for r in opened.resources)
    assert expand(replace(opened, resources=hooked), view()).workloads == ()


T = pod_template()


@pytest.mark.parametrize(
    ("manifest", "floor", "limit"),
    [
        (obj("apps/v1", "Deployment", spec={"template": T}), 1, 1),
        (obj("apps/v1", "Deployment", spec={"replicas": 0, "template": T}), 0, 0),
        (obj("apps/v1", "StatefulSet", spec={"replicas": 3, "template": T}), 3, 3),
        (obj("apps/v1", "ReplicaSet", spec={"replicas": 2, "template": T}), 2, 2),
        (obj("batch/v1", "Job", spec={"template": T}), 1, 1),
        (obj("batch/v1", "Job", spec={"parallelism": 4, "completions": 2, "template": T}), 2, 2),
        (obj("batch/v1", "CronJob", spec={"jobTemplate": {"spec": {"parallelism": 2, "template": T}}}), 2, 2),
        (obj("v1", "Pod", spec=T["spec"]), 1, 1),
        (obj("kubeflow.org/v1", "Notebook", spec={"template": {"spec": T["spec"]}}), 1, 1),
    ],
)
def test_kinds_of_kubernetes_itself(manifest: dict[str, Any], floor: int, limit: int) -> None:
    made = pods(only(expand(plan(manifest), view())))
    assert (made.floor, made.limit) == (floor, limit)
    assert made.template["spec"]["containers"] == [CONTAINER]


def test_a_daemon_set_is_on_each_node() -> None:
    assert pods(only(expand(plan(obj("apps/v1", "DaemonSet", spec={"template": T})), view()))).each_node


@pytest.mark.parametrize(
    ("scaler", "expected"),
    [
        (obj("autoscaling/v2", "HorizontalPodAutoscaler", spec={"minReplicas": 2, "maxReplicas": 6}), (2, 6)),
        (obj("keda.sh/v1alpha1", "ScaledObject", spec={"maxReplicaCount": 5}), (0, 5)),
    ],
)
def test_an_autoscaler_says_how_many(scaler: dict[str, Any], expected: tuple[int, int]) -> None:
    scaler["spec"]["scaleTargetRef"] = {"kind": "Deployment", "name": "one"}
    deployment = obj("apps/v1", "Deployment", spec={"replicas": 3, "template": T})
    other = obj("apps/v1", "Deployment", "other", spec={"replicas": 3, "template": T})
    made = {w.name: pods(w) for w in expand(plan(deployment, other, scaler), view()).workloads}
    assert (made["one"].floor, made["one"].limit) == expected
    assert (made["other"].floor, made["other"].limit) == (3, 3)


def test_each_pods_own_claim_becomes_an_empty_directory() -> None:
    spec = {"template": T, "volumeClaimTemplates": [{"metadata": {"name": "data"}}]}
    made = pods(only(expand(plan(obj("apps/v1", "StatefulSet", spec=spec)), view())))
    assert made.own_claims == ("data",)
    assert made.template["spec"]["volumes"] == [{"name": "data", "emptyDir": {}}]


def service(**predictor: Any) -> dict[str, Any]:
    return obj("serving.kserve.io/v1beta1", "InferenceService", spec={"predictor": predictor})


def in_standard_mode(manifest: dict[str, Any]) -> dict[str, Any]:
    manifest["metadata"]["annotations"] = {"serving.kserve.io/deploymentMode": "Standard"}
    return manifest


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        (service(containers=[CONTAINER]), "its deployment mode is Knative"),
        (in_standard_mode(service(model={"runtime": "unheard-of"})), "the runtime 'unheard-of' is neither in the plan"),
        (in_standard_mode(service(sklearn={"storageUri": "s3://x"})), "spec.predictor.sklearn"),
        (in_standard_mode(service(minReplicas=1)), "neither containers nor a model"),
        (in_standard_mode(service(model={}, workerSpec={"size": 2})), "several nodes"),
        (obj("trainer.kubeflow.org/v1alpha1", "TrainJob", spec={"runtimeRef": {"name": "x"}}), "is not in the plan"),
        (obj("argoproj.io/v1alpha1", "Application", spec={"source": {"repoURL": "r", "path": "p"}}), "it delivers p"),
        (obj("example.com/v1", "Farm", spec={"deep": [{"containers": [CONTAINER]}]}), "no expander knows its kind"),
        (obj("monitoring.coreos.com/v1", "Prometheus", spec={}), "its operator makes the pods"),
    ],
)
def test_what_cannot_be_told_is_listed_with_its_reason(manifest: dict[str, Any], why: str) -> None:
    found = expand(plan(manifest), view())
    assert found.workloads == ()
    (row,) = found.unexpanded
    assert row.subject == f"{manifest['kind']} here/one"
    assert why in row.why


def test_a_runtime_of_the_plan_goes_before_what_is_known_of_it() -> None:
    runtime = {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "ClusterServingRuntime",
        "metadata": {"name": "kserve-tritonserver"},
        "spec": {"containers": [{**CONTAINER, "name": "kserve-container"}], "nodeSelector": {"a": "b"}},
    }
    manifest = in_standard_mode(
        service(model={"runtime": "kserve-tritonserver", "resources": {"limits": {"cpu": "3"}}})
    )
    spec = pods(only(expand(plan(runtime, manifest), view()))).template["spec"]
    assert spec["nodeSelector"] == {"a": "b"}
    assert spec["containers"][0]["image"] == "a/b:1"
    assert spec["containers"][0]["resources"]["limits"]["cpu"] == "3"


def test_a_namespace_without_injection_gets_no_sidecar_and_an_annotation_sizes_one() -> None:
    meshed = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "here", "labels": {"istio-injection": "enabled"}},
    }
    sized = pod_template()
    sized["metadata"]["annotations"] = {"sidecar.istio.io/proxyCPU": "2"}
    deployment = obj("apps/v1", "Deployment", spec={"template": sized})
    assert asks(pods(only(expand(plan(deployment), view()))).template["spec"])["cpu"] == 1000
    assert asks(pods(only(expand(plan(meshed, deployment), view()))).template["spec"])["cpu"] == 3000


def test_unknown_values_become_a_text_that_the_api_server_takes() -> None:
    deployment = obj("apps/v1", "Deployment", spec={"template": pod_template({"sum": dict(UNKNOWN)})})  # type: ignore[dict-item]
    labels = pods(only(expand(plan(deployment), view()))).template["metadata"]["labels"]
    assert labels == {"sum": "known-after-deployment"}


def test_objects_of_another_cluster_are_not_here() -> None:
    recorded, platform = preview_environment("split")
    kinds = {n: {w.kind for w in expand(recorded, one).workloads} for n, one in views(platform).items()}
    assert kinds == {"inference": {"InferenceService"}, "training": {"TrainJob"}}


def test_the_merge_is_kubernetes_own() -> None:
    base = {"tolerations": [{"key": "a"}], "containers": [{"name": "x", "image": "1"}, {"name": "y"}], "keep": 1}
    patch = {"tolerations": [{"key": "b"}], "containers": [{"name": "x", "env": []}, {"name": "z"}]}
    assert merge(base, patch) == {
        "tolerations": [{"key": "b"}],
        "containers": [{"name": "x", "image": "1", "env": []}, {"name": "y"}, {"name": "z"}],
        "keep": 1,
    }


def test_a_pod_asks_for_what_runs_together_or_for_its_largest_start() -> None:
    def one(name: str, cpu: str, **more: Any) -> dict[str, Any]:
        return {"name": name, "resources": {"limits": {"cpu": cpu}}, **more}

    sidecar = one("proxy", "500m", restartPolicy="Always")
    assert asks({"containers": [one("a", "1"), one("b", "2")], "initContainers": [sidecar]})["cpu"] == 3500
    assert asks({"containers": [one("a", "1")], "initContainers": [sidecar, one("start", "4")]})["cpu"] == 4500
    assert asks({"containers": [one("a", "1")], "initContainers": [one("start", "4"), sidecar]})["cpu"] == 4000


def test_only_kinds_without_a_compared_controller_are_simulated(expansions: Expansions) -> None:
    assert {w.how for _, _, e in expansions.values() for w in e.workloads} == {How.EXPANDED}
    notebook = obj("kubeflow.org/v1", "Notebook", spec={"template": {"spec": T["spec"]}})
    assert only(expand(plan(notebook), view())).how is How.SIMULATED


@pytest.mark.parametrize(("name", "row"), [("kserve-manager", "kserve"), ("trainer-manager", "kubeflow-trainer")])
def test_what_we_are_compared_with_is_what_the_catalogue_installs(name: str, row: str) -> None:
    assert {release.version.removeprefix("v") for release in addon(row).releases} == {tool(name).version}


def test_the_table_names_each_kind_once_and_by_its_group() -> None:
    assert all(group == group.lower() and kind[0].isupper() for group, kind in EXPANDERS)
