"""The examples of the facts and of the mission fit the real schemas; each, broken once, does not."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.examples import facts_examples, mission_examples
from tests.support.schemas import problems
from tests.support.shared import require_shared, shared_folder

MINOR = "1.35"

# What the examples of section 18 must contain: (kind, change, what the refusal says). A change is (path, new value);
# the value `...` deletes.
MUTATIONS: list[tuple[str, tuple[tuple[str | int, ...], object], str]] = [
    ("EC2NodeClass", (("spec", "amiSelectorTerms", 0, "alias"), "al2023"), "must match the format 'family@version'"),
    ("NodePool", (("spec", "disruption", "consolidationPolicy"), "Never"), "'Never' is not one of"),
    ("NodeOverlay", (("spec", "capacity"), {"cpu": "4"}), "invalid resource restricted"),
    ("ResourceFlavor", (("spec", "tolerations", 0, "effect"), "Nope"), "tolerations"),
    ("ClusterQueue", (("spec", "cohort"), "ml"), "unknown field 'cohort'"),
    ("LocalQueue", (("spec", "clusterQueue"), "Team A"), "does not match"),
    ("InferenceService", (("spec", "predictor", "minReplicas"), "one"), "'one' is not of type 'integer'"),
    ("LLMInferenceService", (("spec", "model", "uri"), ...), "'uri' is a required property"),
    ("TrainJob", (("spec", "trainer", "numNode"), 2), "did you mean 'numNodes'?"),
    ("PyTorchJob", (("spec", "pytorchReplicaSpecs"), ...), "'pytorchReplicaSpecs' is a required property"),
    ("ScaledObject", (("spec", "triggers"), ...), "'triggers' is a required property"),
    ("VirtualService", (("spec", "http", 0, "route", 0, "wieght"), 10), "did you mean 'weight'?"),
    ("DestinationRule", (("spec", "trafficPolicy", "tls"), {"mode": "ON"}), "'ON' is not one of"),
    ("Gateway", (("spec", "listeners", 0, "port"), 70000), "greater than the maximum"),
    ("HTTPRoute", (("spec", "rules", 0, "backendRefs", 0, "port"), ...), "Must have port for Service reference"),
    ("PeerAuthentication", (("spec", "mtls", "mode"), "ALWAYS"), "'ALWAYS' is not one of"),
    ("AppProject", (("spec", "sourceRepos"), "*"), "is not of type 'array'"),
    ("ApplicationSet", (("spec", "template", "spec", "project"), ...), "'project' is a required property"),
    ("ClusterIssuer", (("spec", "acme", "privateKeySecretRef"), ...), "'privateKeySecretRef' is a required"),
    ("PrometheusRule", (("spec", "groups", 0, "rules", 0, "for"), "soon"), "does not match"),
    ("SeldonDeployment", (("spec", "predictors", 0, "graph", "implementaton"), "X"), "did you mean 'implementation'?"),
    ("Profile", (("spec", "owner", "kind"), 1), "is not of type 'string'"),
    ("NVIDIADriver", (("spec", "driverType"), "tpu"), "'tpu' is not one of"),
    ("VerticalPodAutoscaler", (("spec", "updatePolicy", "updateMode"), "Sometimes"), "'Sometimes' is not one of"),
]


def mutated(manifest: Mapping[str, Any], path: tuple[str | int, ...], value: object) -> dict[str, Any]:
    """A copy of a manifest with one place changed; `...` deletes it."""
    changed = copy.deepcopy(dict(manifest))
    place: Any = changed
    for step in path[:-1]:
        place = place[step]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return changed


def facts_example(kind: str) -> dict[str, Any]:
    """One example of section 18, by kind."""
    found = next(example for example in facts_examples(require_shared()) if example["kind"] == kind)
    return copy.deepcopy(found)


def mission_example(kind: str) -> dict[str, Any]:
    """An example of the mission, in the namespace that its Application deploys to.

    The mission prints them without one; we refuse that, since they would land in 'default'.
    """
    example = copy.deepcopy(mission_examples(require_shared())[kind])
    example["metadata"]["namespace"] = "ml-production"
    return example


def test_section_18_is_read_whole() -> None:
    kinds = [example["kind"] for example in facts_examples(require_shared())]
    assert sorted(kinds) == sorted(mutation[0] for mutation in MUTATIONS), "each example has its mutation"


@pytest.mark.parametrize("kind", [mutation[0] for mutation in MUTATIONS])
def test_example_of_the_facts_is_accepted(kind: str) -> None:
    assert problems(facts_example(kind), MINOR) == []


@pytest.mark.parametrize(("kind", "change", "says"), MUTATIONS, ids=[mutation[0] for mutation in MUTATIONS])
def test_example_of_the_facts_broken_once_is_refused(
    kind: str, change: tuple[tuple[str | int, ...], object], says: str
) -> None:
    found = problems(mutated(facts_example(kind), *change), MINOR)
    assert len(found) >= 1
    assert says in "\n".join(found)


@pytest.mark.parametrize("kind", ["Pod", "ConfigMap", "VirtualService"])
def test_example_of_the_mission_is_accepted(kind: str) -> None:
    assert problems(mission_example(kind), MINOR) == []


def test_mission_examples_as_printed_lack_nothing_but_a_namespace() -> None:
    printed = mission_examples(require_shared())
    assert [problems(printed[kind], MINOR) for kind in ("Pod", "ConfigMap", "VirtualService")] == [
        [f"metadata.namespace: missing; {kind} is namespaced and would land in 'default'"]
        for kind in ("Pod", "ConfigMap", "VirtualService")
    ]


def test_mission_application_as_printed_is_refused_for_its_missing_project() -> None:
    application = mission_example("Application")
    assert problems(application, MINOR) == ["spec: 'project' is a required property"]
    application["spec"]["project"] = "ml"
    assert problems(application, MINOR) == []


def serving_rows() -> dict[str, dict[str, Any]]:
    """The serving rows of the mission, which names their facts (one GPU; 3 replicas, the model's URI) in a table."""
    inference_service: dict[str, Any] = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "llm-inference", "namespace": "ml-production"},
        "spec": {
            "predictor": {
                "containers": [
                    {
                        "name": "kserve-container",
                        "image": "my-registry/llm-service:v1.0.0",
                        "resources": {"limits": {"nvidia.com/gpu": 1}, "requests": {"nvidia.com/gpu": 1}},
                    }
                ]
            }
        },
    }
    seldon_deployment: dict[str, Any] = {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {"name": "llm-inference", "namespace": "ml-production"},
        "spec": {
            "predictors": [
                {
                    "name": "default",
                    "replicas": 3,
                    "graph": {
                        "name": "llm",
                        "implementation": "TRITON_SERVER",
                        "modelUri": "s3://models/llm-v1",
                    },
                }
            ]
        },
    }
    return {manifest["kind"]: manifest for manifest in (inference_service, seldon_deployment)}


@pytest.mark.parametrize("kind", ["InferenceService", "SeldonDeployment"])
def test_serving_row_of_the_mission_is_accepted(kind: str) -> None:
    assert problems(serving_rows()[kind], MINOR) == []


@pytest.mark.parametrize(
    ("kind", "change", "says"),
    [
        ("Pod", (("spec", "containers", 0, "resources", "limits", "memory"), "32 Gi"), "does not match"),
        ("Pod", (("spec", "containers", 0, "image"), 1), "is not of type 'string'"),
        ("Pod", (("spec", "containers", 0, "resource"), {}), "did you mean 'resources'?"),
        ("ConfigMap", (("data", "config.yaml"), {"scheduler": {}}), "is not of type 'string'"),
        ("VirtualService", (("spec", "http", 0, "route", 0, "weight"), "90"), "is not of type 'integer'"),
        ("VirtualService", (("spec", "http", 0, "route", 0, "destination", "host"), ...), "'host' is a required"),
        ("Application", (("spec", "syncPolicy", "automated", "prune"), "true"), "is not of type 'boolean'"),
    ],
)
def test_example_of_the_mission_broken_once_is_refused(
    kind: str, change: tuple[tuple[str | int, ...], object], says: str
) -> None:
    assert says in "\n".join(problems(mutated(mission_example(kind), *change), MINOR))


@pytest.mark.parametrize(
    ("kind", "path", "value", "says"),
    [
        (
            "InferenceService",
            ("spec", "predictor", "containers", 0, "resources", "limits", "nvidia.com/gpu"),
            1.5,
            "is neither an integer nor a string",
        ),
        ("SeldonDeployment", ("spec", "predictors", 0, "replicas"), "3", "is not of type 'integer'"),
    ],
)
def test_serving_row_broken_once_is_refused(kind: str, path: tuple[str | int, ...], value: object, says: str) -> None:
    assert says in "\n".join(problems(mutated(serving_rows()[kind], path, value), MINOR))


def test_all_examples_are_found_where_the_shared_folder_is() -> None:
    shared = shared_folder()
    if shared is None:
        require_shared()
        return
    assert set(mission_examples(shared)) == {"Pod", "ConfigMap", "Application", "VirtualService"}
