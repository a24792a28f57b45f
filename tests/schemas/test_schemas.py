"""What the schema check itself must see: each way to be wrong is refused, and nothing passes unseen."""

from __future__ import annotations

import copy
import time
from typing import Any

import pytest

from tests.schemas.test_examples import MINOR, facts_example, mutated
from tests.support.builtin_kinds import UnknownMinor
from tests.support.schemas import UnknownKind, judge, problems
from tests.support.shared import require_shared

UNKNOWN = {"$trellis": "unknown"}


def deployment() -> dict[str, Any]:
    """A Deployment that any API server takes."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "api", "namespace": "team-a", "labels": {"app": "api"}},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "api"}},
            "template": {
                "metadata": {"labels": {"app": "api", "trellis.dev/pool": "system"}},
                "spec": {
                    "nodeSelector": {"trellis.dev/pool": "system"},
                    "containers": [
                        {
                            "name": "api",
                            "image": "registry.local/api:1.0.0",
                            "env": [{"name": "MODE", "value": "fast"}],
                            "ports": [{"containerPort": 80, "name": "http"}],
                            "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}},
                        }
                    ],
                },
            },
        },
    }


CONTAINER = ("spec", "template", "spec", "containers", 0)


def test_a_sound_deployment_is_accepted() -> None:
    assert problems(deployment(), MINOR) == []


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("spec", "replica"), 2, "spec: unknown field 'replica' (did you mean 'replicas'?)"),
        ((*CONTAINER, "imagePullPolcy"), "Always", "did you mean 'imagePullPolicy'?"),
        ((*CONTAINER, "resources", "requests", "memory"), "1 GiB", "does not match"),
        ((*CONTAINER, "ports", 0, "containerPort"), "80", "is not of type 'integer'"),
        ((*CONTAINER, "name"), ..., "'name' is a required property"),
        (
            (*CONTAINER, "env"),
            [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}],
            "duplicate entry: name 'A' occurs more than once",
        ),
        ((*CONTAINER, "imagePullPolicy"), "Sometimes", "'Sometimes' is not one of"),
        (("spec", "replicas"), 2**31, "is not a 'int32'"),
        (("spec", "selector", "matchLabels", "app"), "web", "but the pods carry 'api'"),
        (("spec", "template", "metadata", "labels", "model"), "a b", "'a b' is not a label value"),
        (("spec", "template", "metadata", "labels", "x" * 64), "a", "is not a key"),
        (("spec", "template", "spec", "nodeSelector", "a/b/c"), "d", "'a/b/c' is not a key"),
        (("metadata", "annotations"), {"Bad Prefix/x": "y"}, "'Bad Prefix/x' is not a key"),
        (("metadata", "annotations"), {"note": "x" * 300_000}, "at most 262144"),
        (("metadata", "annotations"), {"sync-wave": 5}, "is not of type 'string', 'null'"),
        (("metadata", "label"), {}, "metadata: unknown field 'label' (did you mean 'labels'?)"),
        (("metadata", "name"), "My_API", "is not a DNS subdomain"),
        (("metadata", "name"), "a" * 254, "has 254 characters"),
        (("metadata", "name"), ..., "is no name"),
        (("metadata", "namespace"), ..., "missing; Deployment is namespaced"),
        (("metadata", "namespace"), "team.a", "'team.a' is not a DNS label"),
        (("metadata",), ..., "is no metadata"),
    ],
)
def test_a_deployment_broken_once_is_refused(path: tuple[str | int, ...], value: object, says: str) -> None:
    assert says in "\n".join(problems(mutated(deployment(), path, value), MINOR))


def named(api_version: str, kind: str, name: str, namespace: str | None = None) -> dict[str, Any]:
    """A bare object; enough for kinds whose fields are all optional."""
    metadata = {"name": name} if namespace is None else {"name": name, "namespace": namespace}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        (named("v1", "Namespace", "team.a"), "is not a DNS label"),
        (named("v1", "Namespace", "team-a", "kube-system"), "cluster-scoped"),
        (named("v1", "Service", "1st", "team-a"), "is not a DNS-1035 label"),
        (named("rbac.authorization.k8s.io/v1", "ClusterRole", "system:x/y"), "is not a path segment"),
        (named("v1", "ConfigMap", "x" * 40), "ConfigMap is namespaced"),
    ],
)
def test_names_and_scopes_are_those_of_the_kind(manifest: dict[str, Any], says: str) -> None:
    assert says in "\n".join(problems(manifest, MINOR))


def test_names_that_only_some_kinds_allow_are_accepted_there() -> None:
    assert problems(named("rbac.authorization.k8s.io/v1", "ClusterRole", "system:trellis"), MINOR) == []
    assert problems(named("v1", "Namespace", "team-a"), MINOR) == []


def test_scope_of_custom_kinds_comes_from_their_crd() -> None:
    queue, pool = facts_example("LocalQueue"), facts_example("NodePool")
    pool["metadata"] = {"name": "gpu", "namespace": "karpenter"}
    assert problems(mutated(queue, ("metadata", "namespace"), ...), MINOR) == [
        "metadata.namespace: missing; LocalQueue is namespaced and would land in 'default'"
    ]
    assert problems(pool, MINOR) == ["metadata.namespace: 'karpenter' on NodePool, which is cluster-scoped"]


def test_metadata_of_custom_kinds_is_judged_like_that_of_others() -> None:
    pool = facts_example("NodePool")
    assert problems(mutated(pool, ("metadata", "anotations"), {}), MINOR) == [
        "metadata: unknown field 'anotations' (did you mean 'annotations'?)"
    ]


@pytest.mark.parametrize(
    ("api_version", "kind", "says"),
    [
        ("apps/v1", "Deploiment", "does not exist in Kubernetes 1.35"),
        ("v1", "Toleration", "does not exist"),  # a type inside other kinds is no object
        ("v1", "DeleteOptions", "does not exist"),  # nor is a type that serves every group
        ("extensions/v1beta1", "Deployment", "does not exist"),
        ("policy/v1beta1", "PodDisruptionBudget", "it serves v1"),
        ("example.com/v1", "Widget", "nor among the CRDs"),
        ("kueue.x-k8s.io/v1beta9", "LocalQueue", "serves v1beta1, v1beta2"),
        ("autoscaling.k8s.io/v1beta2", "VerticalPodAutoscaler", "no longer v1beta2"),
        ("", "Deployment", "name no kind"),
    ],
)
def test_a_kind_without_schema_is_never_passed(api_version: str, kind: str, says: str) -> None:
    with pytest.raises(UnknownKind, match=says):
        problems(named(api_version, kind, "x"), MINOR)


def test_kinds_follow_the_kubernetes_minor() -> None:
    policy = named("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", "x")
    assert problems(policy, "1.30") == []
    with pytest.raises(UnknownKind, match=r"Kubernetes 1\.29; it serves v1alpha1, v1beta1"):
        problems(policy, "1.29")
    with pytest.raises(UnknownMinor, match=r"no schemas for Kubernetes 1\.99"):
        problems(policy, "1.99")


def test_unknown_values_fit_any_type_and_are_counted() -> None:
    manifest = mutated(deployment(), ("spec", "replicas"), UNKNOWN)
    manifest = mutated(manifest, (*CONTAINER, "image"), {"$trellis": "secret"})
    verdict = judge(manifest, MINOR)
    assert verdict.problems == ()
    assert verdict.unknown_paths == ("spec.replicas", "spec.template.spec.containers[0].image")


def test_unknown_values_hide_nothing_beside_them() -> None:
    manifest = mutated(deployment(), ("spec", "replicas"), UNKNOWN)
    manifest = mutated(manifest, (*CONTAINER, "imagePullPolicy"), "Sometimes")
    assert "'Sometimes' is not one of" in "\n".join(problems(manifest, MINOR))


def test_a_rule_on_an_unknown_value_is_undecided_not_broken() -> None:
    terms = facts_example("EC2NodeClass")
    verdict = judge(mutated(terms, ("spec", "role"), UNKNOWN), MINOR)
    assert (verdict.problems, verdict.unknown_paths) == ((), ("spec.role",))
    unknown_alias = mutated(terms, ("spec", "amiSelectorTerms", 0, "alias"), UNKNOWN)
    verdict = judge(mutated(unknown_alias, ("spec", "amiFamily"), "AL2023"), MINOR)
    assert verdict.problems == ()
    assert "spec.amiSelectorTerms[0].alias: 3 rules on an unknown value" in verdict.undecided_rules
    assert any("x.alias.find" in rule for rule in verdict.undecided_rules), "a rule above reads the alias too"


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("spec", "template", "spec", "requirements", 0, "operator"), "Is", "'Is' is not one of"),
        (("spec", "template", "spec", "requirements", 0, "values"), [], "must have a value defined"),
        (("spec", "template", "metadata", "labels", "karpenter.sh/foo"), "x", "restricted"),
        (("spec", "template", "spec", "nodeClassRef", "group"), "", "group may not be empty"),
        (("spec", "disruption", "budgets", 0, "schedule"), "@daily", "'schedule' must be set with 'duration'"),
        (("spec", "template", "spec", "expireAfter"), "1 month", "does not match"),
    ],
)
def test_rules_of_a_crd_are_evaluated(path: tuple[str | int, ...], value: object, says: str) -> None:
    assert says in "\n".join(problems(mutated(facts_example("NodePool"), path, value), MINOR))


def test_defaults_of_a_crd_are_applied_before_it_judges() -> None:
    pool = facts_example("NodePool")
    assert problems(mutated(pool, ("spec", "disruption"), ...), MINOR) == [], "disruption has a default"


def test_metadata_that_a_crd_would_prune_is_refused() -> None:
    service = facts_example("InferenceService")
    service = mutated(service, ("spec", "predictor", "nodeSelectors"), {"trellis.dev/pool": "gpu"})
    assert "did you mean 'nodeSelector'?" in "\n".join(problems(service, MINOR))


def test_a_thousand_objects_take_seconds() -> None:
    require_shared()
    objects = [deployment(), facts_example("InferenceService"), facts_example("NodePool"), facts_example("HTTPRoute")]
    for manifest in objects:
        problems(manifest, MINOR)  # schemas are compiled on first use
    start = time.perf_counter()
    for index in range(1000):
        manifest = copy.deepcopy(objects[index % len(objects)])
        manifest["metadata"]["name"] = f"object-{index}"
        assert problems(manifest, MINOR) == []
    assert time.perf_counter() - start < 10, "1,000 objects took 1 s on two idle cores when this was written"
