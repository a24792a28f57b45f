"""The views that rules judge: pods of every kind, pools of every origin, where the one can land on the other."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.model import Unknown, shown
from policies.placement import Placement, Requirement
from policies.pods import MODEL_KEYS, SHAPES, Pod, pods_of
from policies.pools import ALL_CAPACITY, Pool, existing_pool, pool_of
from policies.quantity import quantity
from policies.stack import Stack
from policies.values import Resource
from tests.policies.builders import TAINT, UNKNOWN, Row, container, happy, manifest, model, node_pool, put, rows
from tests.support.crds import find_crd
from tests.support.shared import require_shared


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("8", 8), ("0", 0), ("+8", 8), ("500m", Decimal("0.5")), ("1.5", Decimal("1.5")), (".5", Decimal("0.5")),
        ("2k", 2000), ("1M", 10**6), ("1e3", 1000), ("1E3", 1000), ("12e-1", Decimal("1.2")), ("-1", -1),
        ("1Ki", 1024), ("32Gi", 32 * 2**30), ("1Ei", 2**60), ("100u", Decimal("0.0001")), ("5n", Decimal("5e-9")),
        ("1E", 10**18), ("", None), ("eight", None), ("8 Gi", None), ("8gi", None), ("1.2.3", None), ("0x8", None),
    ],
)  # fmt: skip
def test_quantities_are_exact(text: str, number: Any) -> None:
    assert quantity(text) == number


@given(st.integers(min_value=0, max_value=10**15), st.sampled_from(["", "k", "M", "Ki", "Mi", "m"]))
def test_a_suffix_multiplies(number: int, suffix: str) -> None:
    factor: Mapping[str, int | Decimal] = {"": 1, "k": 1000, "M": 10**6, "Ki": 1024, "Mi": 2**20, "m": Decimal("0.001")}
    assert quantity(f"{number}{suffix}") == number * factor[suffix]


def at(path: str, pod: Row) -> Row:
    """Inputs in which a pod spec stands at a shape's path."""
    head, _, rest = path.partition(".")
    child = pod if not rest else at(rest, pod)
    return {"some": child} if head == "*" else [child] if head == "[]" else {head: child}  # type: ignore[return-value]  # lists only inside


@pytest.mark.parametrize(("group", "kind"), sorted(SHAPES))
def test_every_kind_shows_its_pods(group: str, kind: str) -> None:
    for path in SHAPES[group, kind].paths:
        pod = {"containers": [container(gpus=2)], "initContainers": [{**container(gpus=3), "name": "init"}]}
        row = manifest(f"kubernetes:{group}/v1:{kind}", "x", at(path, pod))
        (found,) = pods_of(Resource(row))
        assert dict(found.demand.amounts) == {"nvidia.com/gpu": 3}
        assert len(found.containers) == 2
        assert found.spec.path == path.replace(".[]", "[0]").replace("*", "some")


def follows(schema: Mapping[str, Any], path: list[str]) -> bool:
    """Whether a path leads through a CRD's schema to a pod spec (a schema that is open lets everything through)."""
    if schema.get("x-kubernetes-preserve-unknown-fields") and "properties" not in schema:
        return True
    if not path:
        return "containers" in schema.get("properties", {})
    key, *rest = path
    if key == "[]":
        return follows(schema.get("items", {}), rest)
    if key == "*":
        return follows(schema.get("additionalProperties", {}), rest)
    child = schema.get("properties", {}).get(key)
    return child is not None and follows(child, rest)


CUSTOM = sorted(key for key in SHAPES if "." in key[0])


@pytest.mark.parametrize(("group", "kind"), CUSTOM)
def test_paths_of_custom_kinds_exist_in_their_schema(group: str, kind: str) -> None:
    crd = find_crd(require_shared(), group, kind)
    if crd is None:
        assert (group, kind) in {("jobset.x-k8s.io", "JobSet"), ("kubeflow.org", "Notebook")}, "no CRD to check against"
        return
    for path in SHAPES[group, kind].paths:
        assert any(follows(schema, path.split(".")) for schema in crd.schemas.values()), path


def test_model_keys_of_an_inference_service_exist_in_its_schema() -> None:
    crd = find_crd(require_shared(), "serving.kserve.io", "InferenceService")
    assert crd is not None
    predictor = crd.schemas["v1beta1"]["properties"]["spec"]["properties"]["predictor"]["properties"]
    served = {key for key, schema in predictor.items() if "storageUri" in schema.get("properties", {})}
    assert served == set(MODEL_KEYS)


def one(row: Row) -> Pod:
    """The only pod of a resource."""
    (pod,) = pods_of(Resource(row))
    return pod


def test_init_containers_count_by_the_largest_and_sidecars_with_the_rest() -> None:
    row = model("m", "inference", 2)
    predictor = row["inputs"]["spec"]["predictor"]
    predictor["initContainers"] = [container(gpus=1), {**container(gpus=1), "restartPolicy": "Always"}]
    assert one(row).demand.total == 3


def test_kinds_of_gpus_add_up() -> None:
    row = model("m", "inference", 2)
    row["inputs"]["spec"]["predictor"]["containers"].append(container(gpus=3, key="nvidia.com/mig-1g.5gb"))
    assert one(row).demand.total == 5


def test_transformer_and_workers_are_pods_too() -> None:
    row = model("m", "inference", 1)
    row["inputs"]["spec"]["transformer"] = {"containers": [container()]}
    row["inputs"]["spec"]["predictor"]["workerSpec"] = {"containers": [container(gpus=8)]}
    assert [pod.demand.total for pod in pods_of(Resource(row))] == [1, 8, 0]


@pytest.mark.parametrize(
    ("name", "floor"), [("llm", 1), ("by-runtime", 0), ("web", 1), ("job", 0), ("runtime", 0), ("agent", 1)]
)
def test_floor_says_what_always_runs(name: str, floor: int) -> None:
    assert one(happy()[name]).floor == floor


def test_an_unknown_floor_is_unknown() -> None:
    stack = happy()
    put(stack, "llm", "spec|predictor|minReplicas", dict(UNKNOWN))
    assert isinstance(one(stack["llm"]).floor, Unknown)


def test_a_training_job_runs_where_its_runtime_says_unless_it_says_otherwise() -> None:
    stack = happy()
    path = "spec|template|spec|replicatedJobs|0|template|spec|template|spec|nodeSelector"
    put(stack, "runtime", path, {"trellis.dev/pool": "batch", "zone": "a"})
    (pod,) = [pod for pod in Stack(rows(stack)).pods if pod.resource.kind == "TrainJob"]
    assert Placement(pod).asked == "trellis.dev/pool=training, zone=a"


def pool(**more: Any) -> Pool:
    """A GPU pool with one label that may have two values."""
    row = node_pool("gpu", ["g6.xlarge"], ["spot"], {"nvidia.com/gpu": "4"}, {"a": "1", **more.pop("labels", {})})
    zones = {"key": "zone", "operator": "In", "values": ["x", "y"]}
    row["inputs"]["spec"]["template"]["spec"]["requirements"] += [zones, *more.pop("requirements", [])]
    found = pool_of(Resource(row))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("key", "operator", "values", "met"),
    [
        ("a", "In", {"1"}, True), ("a", "In", {"2"}, False), ("a", "NotIn", {"1"}, False), ("a", "NotIn", {"2"}, True),
        ("a", "Exists", set(), True), ("a", "DoesNotExist", set(), False),
        ("b", "In", {"1"}, False), ("b", "NotIn", {"1"}, True), ("b", "Exists", set(), False),
        ("b", "DoesNotExist", set(), True),
        ("zone", "In", {"y"}, True), ("zone", "NotIn", {"y"}, True), ("zone", "NotIn", {"x", "y"}, False),
        ("kubernetes.io/os", "In", {"linux"}, True), ("nvidia.com/gpu.present", "In", {"true"}, True),
        ("karpenter.sh/nodepool", "In", {"gpu"}, True), ("karpenter.sh/nodepool", "In", {"other"}, False),
        ("eks.amazonaws.com/nodegroup", "In", {"gpu"}, False), ("karpenter.sh/capacity-type", "In", {"spot"}, True),
        ("karpenter.sh/capacity-type", "In", {"on-demand"}, False),
        ("node.kubernetes.io/instance-type", "In", {"g6.2xlarge"}, False), ("kubernetes.io/arch", "Gt", {"1"}, True),
    ],
)  # fmt: skip
def test_requirements_against_a_pool(key: str, operator: str, values: set[str], met: bool) -> None:
    assert Requirement(key, operator, frozenset(values)).met_by(pool()) is met


def test_requirements_of_one_key_narrow_each_other() -> None:
    narrowed = pool(requirements=[{"key": "zone", "operator": "In", "values": ["y", "z"]}])
    assert narrowed.offers("zone") == frozenset({"y"})


def test_a_pool_without_capacity_type_may_buy_any() -> None:
    row = node_pool("any", ["g6.xlarge"], ["spot"], {})
    del row["inputs"]["spec"]["template"]["spec"]["requirements"][0]
    found = pool_of(Resource(row))
    assert found is not None
    assert found.capacity_types == ALL_CAPACITY


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("karpenter.k8s.aws/instance-gpu-name", "l4"),
        ("karpenter.k8s.aws/instance-family", "g6"),
        ("karpenter.k8s.aws/instance-gpu-count", "1"),
    ],
)
def test_a_pool_may_ask_for_gpus_without_naming_types(key: str, value: str) -> None:
    row = node_pool("open", [], ["spot"], {})
    row["inputs"]["spec"]["template"]["spec"]["requirements"][1] = {"key": key, "operator": "In", "values": [value]}
    found = pool_of(Resource(row))
    assert found is not None
    assert found.has_gpus
    assert found.gpu_models == (frozenset() if "count" in key else {"l4"})


def test_an_existing_pool_carries_its_name_as_label() -> None:
    found = existing_pool({"name": "rack", "gpuModel": "l40s", "taints": [dict(TAINT)]})
    assert found.offers("trellis.dev/pool") == frozenset({"rack"})
    assert found.has_gpus
    assert found.keeps_others_out
    assert found.label == "existing pool rack"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "missing"),
        (True, "true"),
        (["a", 1], "[a, 1]"),
        ({"b": False}, "{b: false}"),
        (frozenset("ba"), "[a, b]"),
    ],
)
def test_values_are_shown_as_people_write_them(value: object, text: str) -> None:
    assert shown(value) == text
