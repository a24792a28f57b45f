"""Argo CD: what it follows, what it may touch, and how it reaches another cluster."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from components.catalogue.addons import addons
from components.layout import gitops, one_owner
from components.layout.values import argo_cd
from components.spec.services import Gitops
from tests.components.aws.builders import SPLIT, Values, waits_for
from tests.components.k8s.builders import EXPOSED, ON_PREMISES, objects, plan, strings, switched, view

APPS: Values = {"gitops": {"applications": {"llm": {"path": "deployments/llm", "namespace": "research"}}}}
TREES = [row.id for row in addons().values() if row.kind == "argocd-application"]


def test_the_root_application_prunes_and_heals() -> None:
    spec = gitops.root(view())
    defaults = Gitops()
    assert spec["source"] == {
        "repoURL": defaults.repo_url,
        "path": defaults.path,
        "targetRevision": defaults.revision,
    }
    assert spec["syncPolicy"] == {"automated": {"prune": True, "selfHeal": True}}


def test_the_root_makes_applications_and_nothing_else() -> None:
    project = gitops.projects(view())[gitops.ROOT]
    assert {row["kind"] for row in project["namespaceResourceWhitelist"]} == {"Application", "ApplicationSet"}
    assert "clusterResourceWhitelist" not in project
    assert project["destinations"] == [{"server": gitops.HERE, "namespace": "argocd"}]


def test_teams_reach_their_namespaces_only_and_not_what_bounds_them() -> None:
    project = gitops.projects(view(APPS))[gitops.MODELS]
    assert {row["namespace"] for row in project["destinations"]} == {"research"}
    refused = {row["kind"] for row in project["namespaceResourceBlacklist"]}
    assert {"ResourceQuota", "LimitRange", "NetworkPolicy", "LocalQueue", "RoleBinding"} <= refused


@pytest.mark.parametrize("row", TREES)
def test_what_stands_on_a_tree_finds_it_running(row: str) -> None:
    recorded = plan()
    for name in gitops.trees(view(), row):
        meta = objects(recorded, "Application")["argocd", name].inputs["metadata"]
        assert meta["annotations"] == {"pulumi.com/waitFor": "jsonpath={.status.health.status}=Healthy"}


@pytest.mark.parametrize("row", TREES)
def test_trees_are_pinned_and_leave_out_what_others_own(row: str) -> None:
    cluster = view()
    for tree, spec in zip(addons()[row].kustomize, gitops.trees(cluster, row).values(), strict=True):
        assert spec["source"]["targetRevision"] == tree.commit
        assert spec["source"]["path"] == tree.path
        wanted = {tuple(one.split("/", 1)) for one in tree.omit} | {("Secret", name) for name in tree.secrets}
        patches = spec["source"].get("kustomize", {}).get("patches", [])
        assert {(one["target"]["kind"], one["target"]["name"]) for one in patches} == wanted
        for one in patches:
            body = yaml.safe_load(one["patch"])
            assert (body["$patch"], body["kind"]) == ("delete", one["target"]["kind"])


@pytest.mark.parametrize("row", TREES)
def test_what_a_tree_leaves_out_is_there_from_elsewhere(row: str) -> None:
    recorded = plan()
    before = waits_for(recorded)
    applications = objects(recorded, "Application")
    for name, (namespace, template) in gitops.generated_secrets(view(), row).items():
        made = objects(recorded, "ExternalSecret")[namespace, name]
        assert made.inputs["spec"]["target"]["template"]["data"] == template
        assert made.urn in before[applications["argocd", row].urn]
    assert ("", "kubeflow") in {(meta[0] or "", meta[1]) for meta in objects(recorded, "Namespace")}


def test_without_external_secrets_a_tree_keeps_its_own() -> None:
    cluster = view(switched(False, "external-secrets"))
    assert not gitops.generated_secrets(cluster, "katib")
    (spec,) = gitops.trees(cluster, "katib").values()
    assert "Secret" not in {one["target"]["kind"] for one in spec["source"]["kustomize"]["patches"]}


def test_applications_go_before_their_project_and_their_controller() -> None:
    recorded = plan(APPS)
    before = waits_for(recorded)
    projects = objects(recorded, "AppProject")
    (release,) = (r for r in recorded.resources if r.type.endswith(":Release") and r.inputs["name"] == "argocd")
    for resource in objects(recorded, "Application").values():
        assert resource.inputs["metadata"]["finalizers"] == [gitops.FINALIZER]
        assert release.urn in before[resource.urn]
        assert projects["argocd", resource.inputs["spec"]["project"]].urn in before[resource.urn]


def test_with_two_clusters_models_go_to_the_one_that_serves() -> None:
    training = view(SPLIT, APPS, cluster="training")
    assert gitops.applications(training)["llm"]["destination"] == {"name": "inference", "namespace": "research"}
    destinations = gitops.projects(training)[gitops.MODELS]["destinations"]
    assert {"name": "inference", "namespace": "research"} in destinations


def test_another_cluster_is_reached_by_role_and_without_a_token() -> None:
    training = view(SPLIT, cluster="training")
    assert training.names is not None
    config = json.loads(gitops.cluster_config(training.names, "inference", "CA"))
    assert config["awsAuthConfig"] == {
        "clusterName": "trellis-trial-inference",
        "roleARN": training.names.role_arn(training.names.argo_cd_target_role("inference")),
    }
    assert set(config) == {"awsAuthConfig", "tlsClientConfig"}, "no token, no password, no client certificate"
    assert gitops.cluster_scope(training) == {"namespaces": "research", "clusterResources": "false"}


def test_the_other_cluster_is_known_before_anything_is_sent_there() -> None:
    recorded = plan(SPLIT, APPS)
    secret = objects(recorded, "Secret")["argocd", "cluster-inference"]
    assert secret.inputs["metadata"]["labels"]["argocd.argoproj.io/secret-type"] == "cluster"
    application = objects(recorded, "Application")["argocd", "llm"]
    assert secret.urn in waits_for(recorded)[application.urn]


def test_login_is_asked_of_the_issuer_only_where_exposed() -> None:
    hidden, shown = argo_cd.values(view()), argo_cd.values(view(EXPOSED))
    assert "oidc.config" not in hidden["configs"]["cm"]
    oidc = json.loads(shown["configs"]["cm"]["oidc.config"])
    assert oidc["clientSecret"] == "$argocd-oidc:clientSecret", "a reference, never the secret"
    assert shown["configs"]["rbac"]["policy.default"] == "role:readonly"
    assert shown["configs"]["cm"]["url"].endswith(".ml.example.com")
    exposure = view(EXPOSED).platform.exposure
    assert exposure is not None
    secret = argo_cd.login(exposure)
    assert secret["target"]["template"]["metadata"]["labels"] == argo_cd.PART_OF, "Argo CD reads no other Secret"


def condition(spec: dict[str, Any] | None) -> str:
    assert spec is not None
    return str(spec["matchConditions"][0]["expression"])


def test_argo_cd_may_not_touch_what_the_stack_file_makes() -> None:
    here = condition(one_owner.policy(view()))
    assert "system:serviceaccount:argocd:argocd-application-controller" in here
    there = condition(one_owner.policy(view(SPLIT, cluster="inference")))
    assert "assumed-role/trellis-trial-inference-deployed-by-argo-cd/" in there
    assert one_owner.policy(view(switched(False, "argo-cd"))) is None


def test_the_rule_of_one_owner_matches_the_label_of_every_object() -> None:
    recorded = plan(APPS)
    (policy,) = objects(recorded, "ValidatingAdmissionPolicy").values()
    wanted = f"['{one_owner.OWNER_LABEL}'] != '{one_owner.OWNER}'"
    assert wanted in policy.inputs["spec"]["validations"][0]["expression"]
    for resource in recorded.resources:
        if resource.is_kubernetes and resource.custom:
            assert resource.inputs["metadata"]["labels"][one_owner.OWNER_LABEL] == one_owner.OWNER, resource.urn
    (bound,) = objects(recorded, "ValidatingAdmissionPolicyBinding").values()
    assert bound.inputs["spec"] == {"policyName": policy.inputs["metadata"]["name"], "validationActions": ["Deny"]}


def test_on_premises_argo_cd_follows_the_same_repository() -> None:
    spec = gitops.applications(view(ON_PREMISES, APPS, cluster="dc1"))["llm"]
    assert spec["destination"] == {"server": gitops.HERE, "namespace": "research"}
    assert not [text for text in strings(spec) if "amazonaws" in text]
