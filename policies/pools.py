"""Every pool of nodes in one view: Karpenter NodePools, managed node groups, and nodes that exist already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from components.catalogue import hardware
from policies import names
from policies.model import Unknown
from policies.quantity import quantity
from policies.values import Node, Resource

# AWS writes the effects of a node group's taints in its own spelling.
_EFFECTS = {"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute", "PREFER_NO_SCHEDULE": "PreferNoSchedule"}
_CAPACITY = {"ON_DEMAND": "on-demand", "SPOT": "spot", "CAPACITY_BLOCK": "reserved"}
ALL_CAPACITY = frozenset({"on-demand", "spot", "reserved"})
"""What Karpenter may buy when a NodePool does not say."""

_ABOVE = frozenset({"spec", "spec.template", "spec.template.spec"})
"""Places of a NodePool that hold its taints and requirements."""


@dataclass(frozen=True)
class Taint:
    """A taint of a pool's nodes."""

    key: str
    value: str
    effect: str

    def __str__(self) -> str:
        return f"{self.key}={self.value}:{self.effect}" if self.value else f"{self.key}:{self.effect}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Pool:
    """A pool of nodes, whoever starts them."""

    name: str
    """The platform's name of it: label `trellis.dev/pool`, else the object's own name."""
    origin: str
    """`karpenter`, `managed` or `existing`."""
    resource: Resource | None
    """None for nodes that exist already."""
    labels: Mapping[str, frozenset[str] | None]
    """Node labels, each with the values that a node of the pool may carry; None where any value may stand."""
    taints: tuple[Taint, ...]
    instance_types: tuple[str, ...]
    """EC2 instance types; empty when the pool names none."""
    families: tuple[str, ...]
    """EC2 families of the types, or those named as a requirement; empty when any family may be bought."""
    capacity_types: frozenset[str]
    gpu_models: frozenset[str]
    """Catalogue ids of the GPUs in its nodes, as far as the catalogue knows them."""
    asks_for_gpus: bool
    """A GPU requirement, limit or taint says that its nodes have GPUs."""
    sharing: str | None
    """`exclusive`, `mig`, `time-slicing`, `mps`; None when it does not say."""
    minimum: int | None
    """Nodes that are always there; None when that cannot be seen."""
    vague: bool = False
    """Some of its labels cannot be seen: a label that is not listed may be there all the same."""
    unknowns: tuple[Unknown, ...] = ()
    """What could not be seen of labels, taints, types or sizes."""

    def hidden(self, *parts: str) -> tuple[Unknown, ...]:
        """What could not be seen of these parts of its inputs, such as `instanceTypes`, or of what holds them."""
        return tuple(u for u in self.unknowns if u.path in _ABOVE or any(part in u.path for part in parts))

    @property
    def label(self) -> str:
        """The pool for people."""
        return self.resource.label if self.resource else f"existing pool {self.name}"

    @cached_property
    def has_gpus(self) -> bool:
        """Whether nodes of the pool have NVIDIA GPUs."""
        return bool(self.gpu_models) or self.asks_for_gpus

    @property
    def keeps_others_out(self) -> bool:
        """Whether the GPU taint keeps pods away that do not tolerate it."""
        return any(taint.key == names.GPU and taint.effect != "PreferNoSchedule" for taint in self.taints)

    @property
    def cluster(self) -> str | None:
        """Provider of the cluster it belongs to; None for node groups and existing nodes, which name none."""
        return self.resource.provider if self.resource and self.origin == "karpenter" else None

    def offers(self, key: str) -> frozenset[str] | None:
        """Values that a node label may have here: empty when nodes do not carry it, None when any value may stand."""
        if key in self.labels:
            return self.labels[key]
        return None if self.vague or self._filled_in_later(key) else frozenset()

    def _filled_in_later(self, key: str) -> bool:
        """Whether the kubelet, Karpenter or GPU discovery puts the label on nodes by itself."""
        domain = key.partition("/")[0] if "/" in key else ""
        if domain == "nvidia.com":
            return self.has_gpus
        if domain.endswith(("karpenter.sh", "karpenter.k8s.aws")):
            return self.origin == "karpenter"
        if domain.endswith("eks.amazonaws.com"):
            return self.origin == "managed"
        return domain.endswith(("kubernetes.io", "k8s.io"))


def pool_of(resource: Resource) -> Pool | None:
    """The pool that a resource makes; None for every other resource."""
    if resource.type == names.NODE_POOL:
        return _karpenter(resource)
    if resource.type == names.MANAGED_GROUP:
        return _managed(resource)
    return None


def existing_pool(row: Mapping[str, Any]) -> Pool:
    """A pool of nodes that exist already, from a rule's `existingPools` setting."""
    name = str(row["name"])
    gpus = int(row.get("gpusPerNode") or 0)
    model = row.get("gpuModel")
    labels = {names.POOL: name, **(row.get("labels") or {})}
    taints = [Taint(str(t["key"]), str(t.get("value", "")), str(t["effect"])) for t in row.get("taints") or ()]
    return Pool(
        name=name,
        origin="existing",
        resource=None,
        labels={key: frozenset({str(value)}) for key, value in labels.items()},
        taints=tuple(taints),
        instance_types=(),
        families=(),
        capacity_types=frozenset({"on-demand"}),
        gpu_models=frozenset({str(model)}) if model else frozenset(),
        asks_for_gpus=gpus > 0,
        sharing=row.get("sharing"),
        minimum=None,
    )


class _Reader:
    """Reads one pool's inputs and keeps what could not be seen, so that no lookup is lost on the way."""

    def __init__(self) -> None:
        self.unknowns: list[Unknown] = []

    def text(self, node: Node, *keys: str) -> str | None:
        value = node.text(*keys)
        if isinstance(value, Unknown):
            self.unknowns.append(value)
            return None
        return value

    def texts(self, node: Node, *keys: str) -> tuple[str, ...]:
        found = [self.text(item) for item in node.get(*keys).items()]
        return tuple(text for text in found if text is not None)

    def mapping(self, node: Node, *keys: str) -> dict[str, str]:
        entries = node.get(*keys).entries()
        if isinstance(entries, Unknown):
            self.unknowns.append(entries)
            return {}
        found = {key: self.text(child) for key, child in entries}
        return {key: text for key, text in found.items() if text is not None}

    def taints(self, node: Node, *keys: str) -> tuple[Taint, ...]:
        found = []
        for item in node.get(*keys).items():
            key, value, effect = (self.text(item, part) for part in ("key", "value", "effect"))
            if key is not None and effect is not None:
                found.append(Taint(key, value or "", _EFFECTS.get(effect, effect)))
        return tuple(found)

    def whole(self, node: Node, *keys: str) -> int | None:
        text = self.text(node, *keys)
        number = quantity(text) if text is not None else None
        return None if number is None else int(number)


def _karpenter(resource: Resource) -> Pool:
    read, spec = _Reader(), resource.inputs.get("spec")
    template = spec.get("template", "spec")
    stated = read.mapping(spec, "template", "metadata", "labels")
    wanted = _requirements(read, template)
    vague = bool(read.unknowns)
    own = read.text(resource.inputs, "metadata", "name") or str(resource.raw.get("name", ""))
    types = tuple(sorted(wanted.get(names.INSTANCE_TYPE) or ()))
    taints = read.taints(template, "taints")
    gpu_keys = any(key.startswith("karpenter.k8s.aws/instance-gpu-") for key in wanted)
    limited = names.GPU in read.mapping(spec, "limits")
    replicas = spec.get("replicas")
    labels = {key: frozenset({value}) for key, value in stated.items()}
    return Pool(
        name=stated.get(names.POOL) or _mark(read, resource, names.POOL) or own,
        origin="karpenter",
        resource=resource,
        labels={**wanted, **labels, names.KARPENTER_POOL: frozenset({own})},
        taints=taints,
        instance_types=types,
        families=_families(types) or tuple(sorted(wanted.get(names.INSTANCE_FAMILY) or ())),
        capacity_types=wanted.get(names.CAPACITY_TYPE) or ALL_CAPACITY,
        gpu_models=_gpu_models(types) or _gpu_models_of(wanted),
        asks_for_gpus=gpu_keys or limited or any(taint.key == names.GPU for taint in taints),
        sharing=stated.get(names.SHARING) or _mark(read, resource, names.SHARING),
        minimum=0 if replicas.missing else read.whole(replicas),
        vague=vague,
        unknowns=tuple(read.unknowns),
    )


def _requirements(read: _Reader, template: Node) -> dict[str, frozenset[str] | None]:
    """A NodePool's requirements: the values that it may buy by key, None where the key must be there with any value."""
    wanted: dict[str, frozenset[str] | None] = {}
    for requirement in template.get("requirements").items():
        key, operator = read.text(requirement, "key"), read.text(requirement, "operator")
        if key is None or operator == "DoesNotExist":
            continue
        before = len(read.unknowns)
        values = frozenset(read.texts(requirement, "values"))
        if operator != "In" or len(read.unknowns) > before:
            wanted.setdefault(key, None)
        else:
            narrowed = wanted.get(key)
            wanted[key] = values if narrowed is None else narrowed & values
    return wanted


def _managed(resource: Resource) -> Pool:
    read, inputs = _Reader(), resource.inputs
    stated = read.mapping(inputs, "labels")
    vague = bool(read.unknowns)
    own = read.text(inputs, "nodeGroupName") or str(resource.raw.get("name", ""))
    types = read.texts(inputs, "instanceTypes")
    taints = read.taints(inputs, "taints")
    capacity = read.text(inputs, "capacityType") or "ON_DEMAND"
    labels = {key: frozenset({value}) for key, value in stated.items()}
    return Pool(
        name=stated.get(names.POOL) or _mark(read, resource, names.POOL) or own,
        origin="managed",
        resource=resource,
        labels={names.INSTANCE_TYPE: frozenset(types), **labels} if types else labels,
        taints=taints,
        instance_types=types,
        families=_families(types),
        capacity_types=frozenset({_CAPACITY.get(capacity, capacity)}),
        gpu_models=_gpu_models(types),
        asks_for_gpus=any(taint.key == names.GPU for taint in taints),
        sharing=stated.get(names.SHARING) or _mark(read, resource, names.SHARING),
        minimum=read.whole(inputs, "scalingConfig", "minSize"),
        vague=vague,
        unknowns=tuple(read.unknowns),
    )


def _mark(read: _Reader, resource: Resource, key: str) -> str | None:
    """A mark of the platform on the object itself: annotation or label in a cluster, tag on AWS."""
    if not resource.is_kubernetes:
        return read.text(resource.inputs, "tags", key)
    metadata = resource.inputs.get("metadata")
    return read.text(metadata, "annotations", key) or read.text(metadata, "labels", key)


def _families(types: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({name.partition(".")[0] for name in types}))


def _gpu_models(types: tuple[str, ...]) -> frozenset[str]:
    known = hardware.instance_types()
    return frozenset(gpu.id for name in types if name in known and (gpu := known[name].gpu) is not None)


def _gpu_models_of(wanted: Mapping[str, frozenset[str] | None]) -> frozenset[str]:
    """GPUs of a pool that names families or GPU names instead of types."""
    found = {
        gpu.id
        for family in wanted.get(names.INSTANCE_FAMILY) or ()
        for machine in hardware.family(family)
        if (gpu := machine.gpu) is not None
    }
    chips = wanted.get("karpenter.k8s.aws/instance-gpu-name") or frozenset()
    found |= {gpu.id for gpu in hardware.gpus().values() if gpu.vendor == "nvidia" and gpu.chip in chips}
    return frozenset(found)
