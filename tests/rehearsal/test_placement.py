"""The act `placement` before the real scheduler: stacks that fit, and each way not to fit with what mends it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.layout.clusters import ClusterView, views
from tests.rehearsal.plans import obj, plan, pod_template, view
from trellis.kube.client import Api, ApiError, wait_for
from trellis.paths import STACKS
from trellis.plan import Plan
from trellis.preview import load_environment, preview_environment, stacks
from trellis.rehearsal import placement
from trellis.rehearsal.result import Act, Verdict
from trellis.sandbox import Sandbox

pytestmark = pytest.mark.cluster
CLUSTERS = [(stack, name) for stack in stacks() for name in views(load_environment(stack)[1])]
BUILT_IN = {"default", "kube-node-lease", "kube-public", "kube-system"}
SECONDS = 60


def nothing_left(api: Api) -> bool:
    spaces = {one["metadata"]["name"] for one in api.list("v1", "Namespace")}
    return spaces == BUILT_IN and not api.list("v1", "Node") and not api.list("v1", "Pod")


def environment(stack: str, *edits: tuple[str, str], folder: Path) -> tuple[Plan, ClusterView]:
    """The first cluster of a stack, with edits of its file's text."""
    shutil.copytree(STACKS, folder)
    file = folder / f"Pulumi.{stack}.yaml"
    text = file.read_text()
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)
    recorded, platform = preview_environment(stack, folder=folder)
    return recorded, next(iter(views(platform).values()))


def changed(recorded: Plan, kind: str, name: str, **spec: Any) -> Plan:
    """The plan with other fields in the predictor of an InferenceService, or in the spec of another object."""

    def change(inputs: Any) -> Any:
        if kind == "InferenceService":
            return {**inputs, "spec": {"predictor": {**inputs["spec"]["predictor"], **spec}}}
        return {**inputs, "spec": {**inputs["spec"], **spec}}

    def wanted(one: Any) -> bool:
        return bool(one.kind == kind and one.inputs["metadata"]["name"] == name)

    assert any(wanted(r) for r in recorded.resources if r.is_kubernetes)
    return replace(
        recorded,
        resources=tuple(
            replace(r, inputs=change(r.inputs)) if r.is_kubernetes and wanted(r) else r for r in recorded.resources
        ),
    )


def troubles(act: Act) -> list[str]:
    return [note for note in act.notes if not note.startswith("Not expanded: ")]


@pytest.mark.parametrize(("stack", "cluster"), CLUSTERS)
def test_every_stack_places_all_that_it_declares(shared_sandbox: Sandbox, stack: str, cluster: str) -> None:
    recorded, platform = preview_environment(stack)
    act = placement.run(recorded, views(platform)[cluster], shared_sandbox.api)
    assert troubles(act) == []
    assert act.verdict is Verdict.LIMITED  # no chart is open, which the notes say
    assert act.facts["placed"] == act.facts["pods"] > 0
    assert {row["subject"].split()[0] for row in act.facts["unexpanded"]} >= {"Release"}
    assert nothing_left(shared_sandbox.api)


def test_production_by_hand(shared_sandbox: Sandbox) -> None:
    recorded, platform = preview_environment("prod")
    facts = placement.run(recorded, views(platform)["main"], shared_sandbox.api).facts
    # 8 replicas of the embedder, 4 of each version of the LLM, 8 of the reranker, a gang of 2.
    assert facts["pods"] == 26
    slices = {row["resource"]: row for row in facts["gpus"] if row["pool"] == "gpu-slices"}
    # One node of eight A100s: 2 slices of 2g.10gb and 3 of 1g.5gb on each; the reranker takes 8 of the larger ones.
    assert (slices["nvidia.com/mig-2g.10gb"]["offered"], slices["nvidia.com/mig-2g.10gb"]["used"]) == (16, 8)
    assert (slices["nvidia.com/mig-1g.5gb"]["fragments"], slices["nvidia.com/mig-1g.5gb"]["idle"]) == (24, 0)
    (gang,) = [row for row in facts["workloads"] if row["gang"]]
    assert gang["nodes"] == {"gpu-training-0": 1, "gpu-training-1": 1}


def test_a_plan_that_hides_nothing_passes(shared_sandbox: Sandbox) -> None:
    deployment = obj("apps/v1", "Deployment", space="default", spec={"replicas": 2, "template": pod_template()})
    act = placement.run(plan(deployment), view(), shared_sandbox.api)
    assert (act.verdict, act.notes, act.facts["placed"]) == (Verdict.PASSED, (), 2)


def test_a_model_larger_than_its_nodes_waits_and_is_told_to_ask_for_less(shared_sandbox: Sandbox) -> None:
    recorded, platform = preview_environment("dev")
    large = {"requests": {"cpu": "40", "nvidia.com/gpu": "1"}, "limits": {"cpu": "40", "nvidia.com/gpu": "1"}}
    server = {"name": "kserve-container", "image": "a/b:1", "resources": large}
    recorded = changed(recorded, "ResourceQuota", "team", hard={"requests.nvidia.com/gpu": "50"})
    recorded = changed(recorded, "InferenceService", "llm-inference-v1", containers=[server])
    act = placement.run(recorded, views(platform)["main"], shared_sandbox.api)
    assert act.verdict is Verdict.FAILED
    (note,) = troubles(act)
    assert note.startswith("InferenceService ml-production/llm-inference-v1: 2 of 2 pods wait for a node: 0/9 nodes")
    assert "Insufficient cpu" in note
    assert "it asks for 40.1 of cpu where a node gives 15.89 (gr6.4xlarge, pool gpu-inference)" in note
    assert "ask for less at models.llm-inference.resources" in note
    assert nothing_left(shared_sandbox.api)


def test_a_pool_too_small_is_told_how_far_its_limit_must_go(shared_sandbox: Sandbox) -> None:
    recorded, platform = preview_environment("dev")
    recorded = changed(recorded, "ResourceQuota", "team", hard={"requests.nvidia.com/gpu": "50"})
    recorded = changed(recorded, "InferenceService", "llm-inference-v2", maxReplicas=5)
    act = placement.run(recorded, views(platform)["main"], shared_sandbox.api)
    (note,) = troubles(act)
    assert "3 of 5 pods wait for a node (all above its fewest replicas)" in note
    assert "Insufficient nvidia.com/gpu" in note
    assert "raise clusters.main.pools.gpu-inference.limits: gpus from 5 to 8 (3 more gr6.4xlarge)" in note


def test_a_quota_too_small_is_told_how_far_it_must_go(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    # Valid: the stack file's own rule counts each model at its fewest replicas, and no sidecar.
    edits = (("gpus: 8, cpu: 64", "gpus: 8, cpu: 25"),)
    recorded, one = environment("dev", *edits, folder=tmp_path / "stacks")
    act = placement.run(recorded, one, shared_sandbox.api)
    assert act.verdict is Verdict.FAILED
    notes = troubles(act)
    assert any("were refused by the API server" in note and "exceeded quota: team" in note for note in notes)
    # 4 LLM replicas of 8.1 cores, 3 embedders of 0.6, one job of 8: 42.2.
    assert all("To mend it: raise teams.ml-production.cpu from 25 to 43." in note for note in notes)


def test_a_pod_without_toleration_is_told_which(shared_sandbox: Sandbox) -> None:
    recorded, platform = preview_environment("dev")
    recorded = changed(recorded, "InferenceService", "embedder-v1", tolerations=[])
    (note,) = troubles(placement.run(recorded, views(platform)["main"], shared_sandbox.api))
    assert "untolerated taint" in note
    assert "give it the toleration {key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}" in note


def test_a_selector_that_no_node_carries_is_told_the_pools(shared_sandbox: Sandbox) -> None:
    recorded, platform = preview_environment("dev")
    recorded = changed(recorded, "InferenceService", "embedder-v1", nodeSelector={"trellis.dev/pool": "gpu-sharde"})
    (note,) = troubles(placement.run(recorded, views(platform)["main"], shared_sandbox.api))
    assert "didn't match Pod's node affinity/selector" in note
    assert "name a pool of cluster main at models.embedder.pool: gpu-inference, gpu-shared" in note


def test_a_gang_with_one_pod_too_few_does_no_work(shared_sandbox: Sandbox) -> None:
    recorded, platform = preview_environment("split")
    job = next(r for r in recorded.resources if r.kind == "TrainJob").inputs["spec"]
    recorded = changed(recorded, "TrainJob", "llm-finetune", trainer={**job["trainer"], "numNodes": 3})
    recorded = changed(recorded, "ResourceQuota", "team", hard={"requests.nvidia.com/gpu": "50"})
    act = placement.run(recorded, views(platform)["training"], shared_sandbox.api)
    (row,) = act.facts["workloads"]
    assert (row["placed"], row["limit"], row["works"]) == (2, 3, False)
    (note,) = troubles(act)
    assert "1 of 3 pods wait for a node, and with them the whole gang" in note
    assert "limits: gpus from 8 to 12 (1 more g6.12xlarge)" in note


def test_pod_security_holds(shared_sandbox: Sandbox) -> None:
    guarded = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "guarded", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
    }
    deployment = obj("apps/v1", "Deployment", space="guarded", spec={"template": pod_template(hostNetwork=True)})
    act = placement.run(plan(guarded, deployment), view(), shared_sandbox.api)
    (note,) = troubles(act)
    assert 'violates PodSecurity "restricted' in note
    assert "meet the level of namespace guarded at Deployment guarded/one" in note


def test_what_an_up_has_made_is_used_and_left_alone(shared_sandbox: Sandbox) -> None:
    api = shared_sandbox.api
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ours"}}
    labels = {"app": "one"}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": pod_template(labels)}
    deployment = obj("apps/v1", "Deployment", space="ours", spec=spec)
    target = {"kind": "Deployment", "name": "one"}
    scaler = obj("autoscaling/v2", "HorizontalPodAutoscaler", space="ours")
    scaler["spec"] = {"minReplicas": 2, "maxReplicas": 3, "scaleTargetRef": target}
    api.create(space)
    api.create(deployment)
    wait_for(lambda: len(api.list("v1", "Pod", "ours")) == 2, SECONDS, "the pods of the real controllers")
    before = {pod["metadata"]["uid"] for pod in api.list("v1", "Pod", "ours")}
    act = placement.run(plan(space, deployment, scaler), view(), api)
    assert (act.verdict, act.facts["placed"]) == (Verdict.PASSED, 3)
    assert {pod["metadata"]["uid"] for pod in api.list("v1", "Pod", "ours")} == before
    whole = placement.run(plan(space, deployment), view(), api).facts["workloads"]
    assert [(row["how"], row["placed"]) for row in whole] == [("controller", 2)]
    api.delete("v1", "Namespace", "ours")
    for pod in api.list("v1", "Pod", "ours"):  # the act took its nodes along, and nobody else tells that they are gone
        api.call("DELETE", f"/api/v1/namespaces/ours/pods/{pod['metadata']['name']}", gracePeriodSeconds="0")
    wait_for(lambda: nothing_left(api), SECONDS, "the end of the namespace")


def test_what_an_unclean_run_left_is_used_again(shared_sandbox: Sandbox) -> None:
    api = shared_sandbox.api
    deployment = obj("apps/v1", "Deployment", space="left", spec={"template": pod_template()})
    first = placement.run(plan(deployment), view(), api, clean=False)
    assert first.facts["placed"] == 1
    second = placement.run(plan(deployment), view(), api)
    assert (second.verdict, second.facts["placed"]) == (Verdict.PASSED, 1)
    assert not [pod for pod in api.list("v1", "Pod", "left") if not pod["metadata"].get("deletionTimestamp")]
    api.delete("v1", "Namespace", "left")  # the second run leaves what was there before it
    wait_for(lambda: api.get("v1", "Namespace", "left") is None, SECONDS, "the end of the namespace")
    for node in api.list("v1", "Node"):
        api.delete("v1", "Node", node["metadata"]["name"])
    wait_for(lambda: nothing_left(api), SECONDS, "the end of the nodes")


def test_a_webhook_that_nobody_answers_is_a_reason_and_no_crash(shared_sandbox: Sandbox) -> None:
    api = shared_sandbox.api
    hook = {
        "name": "pods.nobody.test",
        "clientConfig": {"url": "https://127.0.0.1:1/pods"},
        "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}],
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
    }
    kind = "ValidatingWebhookConfiguration"
    config = obj("admissionregistration.k8s.io/v1", kind, "nobody", webhooks=[hook])
    del config["metadata"]["namespace"]
    api.create(config)
    try:

        def closed() -> bool:
            """Whether the API server has taken the webhook up."""
            try:
                api.call("POST", "/api/v1/namespaces/default/pods", POD, dryRun="All")
            except ApiError as error:
                return "webhook" in error.message
            return False

        wait_for(closed, SECONDS, "the webhook to be asked")
        deployment = obj("apps/v1", "Deployment", space="default", spec={"template": pod_template()})
        act = placement.run(plan(deployment), view(), api)
    finally:
        api.delete("admissionregistration.k8s.io/v1", kind, "nobody")
    (note,) = troubles(act)
    assert "failed calling webhook" in note
    assert "let what answers that webhook be ready before Deployment default/one" in note


POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": pod_template()["spec"]}


def test_daemons_are_everywhere_and_claims_are_bound_by_a_stand_in(shared_sandbox: Sandbox) -> None:
    everywhere = pod_template(tolerations=[{"operator": "Exists"}])
    daemons = obj("apps/v1", "DaemonSet", "daemons", space="default", spec={"template": everywhere})
    claim = obj("v1", "PersistentVolumeClaim", "data", space="default")
    claim["spec"] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claim["spec"]["storageClassName"] = "gp3"
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    keeper = obj("apps/v1", "Deployment", "keeper", space="default", spec={"template": pod_template(volumes=[volume])})
    act = placement.run(plan(daemons, claim, keeper), view(), shared_sandbox.api)
    assert troubles(act) == []
    rows = {row["name"]: row for row in act.facts["workloads"]}
    assert (rows["daemons"]["how"], rows["daemons"]["placed"]) == ("controller", act.facts["nodes"])
    assert rows["keeper"]["placed"] == 1
    assert ("Claim default/data", "stand-in") in {(row.subject, row.level) for row in act.fidelity}
    assert nothing_left(shared_sandbox.api)
    assert shared_sandbox.api.list("v1", "PersistentVolume") == []
