"""Why a pod has no node, and the edit of the stack file that gives it one."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.catalogue.hardware import instance_type
from components.layout.clusters import ClusterView
from components.layout.gpu import POOL_LABEL
from components.layout.serving import MODEL_LABEL
from components.spec.clusters import EksCluster
from components.spec.pools import ExistingPool, KarpenterPool, ManagedPool
from trellis.rehearsal.placing.demand import Amounts, amount, asks, gives, short_of, shown
from trellis.rehearsal.placing.nodes import matches, pool_of, tolerates, untolerated
from trellis.rehearsal.placing.pods import Outcome

Manifest = Mapping[str, Any]
_INSTANCE = "node.kubernetes.io/instance-type"


@dataclass(frozen=True)
class Scene:
    """What a pod that waits is judged against."""

    view: ClusterView
    nodes: Sequence[Manifest]
    rest: Mapping[str, Amounts]
    """What each node has left, by name."""
    outcomes: Sequence[Outcome]


def fix(one: Outcome, scene: Scene) -> str:
    """What would give a pod its node."""
    return _refused(one, scene) if one.refusal else _unplaced(one, scene)


def _unplaced(one: Outcome, scene: Scene) -> str:
    near = [node for node in scene.nodes if matches(one.spec, node)]
    if not near:
        return _no_node(one, scene)
    open_nodes = [node for node in near if tolerates(one.spec, node)]
    if not open_nodes:
        taint = untolerated(one.spec, near[0])
        value = {"key": taint["key"], "operator": "Exists", "effect": taint["effect"]}
        said = ", ".join(f"{key}: {text}" for key, text in value.items())
        return f"give it the toleration {{{said}}}, which every node that its selector leaves is closed without"
    wanted = asks(one.spec)
    if not any(short_of(gives(node), wanted) == [] for node in open_nodes):
        return _too_large(one, wanted, open_nodes, scene)
    if any(short_of(scene.rest[node["metadata"]["name"]], wanted) == [] for node in open_nodes):
        return "read the reason: some node has room, so affinity, spreading, ports or volumes keep the pod off it"
    return _more_room(pool_of(open_nodes[0]), scene)


def _no_node(one: Outcome, scene: Scene) -> str:
    """No node carries what the pod selects: a name that no pool has, or a pool whose limit is below one node."""
    wanted: str | None = (one.spec.get("nodeSelector") or {}).get(POOL_LABEL)
    pools = scene.view.pools
    if wanted is not None and wanted in pools and not any(pool_of(node) == wanted for node in scene.nodes):
        return f"raise {_limits(scene.view, wanted)}: not one node of this pool fits below it"
    names = ", ".join(sorted(pools)) or "none"
    if wanted is not None and wanted not in pools:
        return f"name a pool of cluster {scene.view.name} at {path(one, scene.view)}.pool: {names}"
    return f"select labels that nodes of a pool carry (pools of cluster {scene.view.name}: {names})"


def _too_large(one: Outcome, wanted: Amounts, near: Sequence[Manifest], scene: Scene) -> str:
    """The pod is larger than any of its nodes, even empty."""
    largest = max(near, key=lambda node: sum(gives(node)[name] >= need for name, need in wanted.items()))
    has = gives(largest)
    lacking = short_of(has, wanted)
    said = ", ".join(f"{shown(n, wanted[n])} of {n} where a node gives {shown(n, has[n])}" for n in lacking)
    pool = pool_of(largest)
    kind = largest["metadata"]["labels"].get(_INSTANCE)
    other = f"larger types in {_pool_path(scene.view, pool)}.instanceTypes" if kind else "larger nodes"
    where = f"{kind}, pool {pool}" if kind else f"pool {pool}"
    return f"it asks for {said} ({where}): ask for less at {path(one, scene.view)}.resources, or put {other}"


def _more_room(pool: str, scene: Scene) -> str:
    """The pool is full: how far its limit must go for all pods that wait for it."""
    own = [node for node in scene.nodes if pool_of(node) == pool]
    waiting = [one for one in scene.outcomes if not one.placed and not one.refusal and _waits_for(one, own)]
    nodes, kind = _more_nodes([asks(one.spec) for one in waiting], own)
    where = f"{_pool_path(scene.view, pool)}"
    spec = scene.view.pools.get(pool)
    if isinstance(spec, KarpenterPool) and kind:
        row = instance_type(kind)
        limits = (("gpus", row.gpu_count), ("cpu", row.vcpu), ("memory_gib", row.memory_gib), ("nodes", 1))
        raised = [
            f"{name.replace('_gib', 'Gib')} from {now} to {_whole(now + nodes * each)}"
            for name, each in limits
            if (now := getattr(spec.limits, name)) is not None and each
        ]
        return f"raise {where}.limits: {', '.join(raised)} ({nodes} more {kind})"
    if isinstance(spec, ManagedPool):
        return f"raise {where}.maxNodes from {spec.max_nodes} to {spec.max_nodes + nodes}"
    if isinstance(spec, ExistingPool):
        return f"add {nodes} nodes to the pool and set {where}.nodes to {spec.nodes + nodes}, or ask for less"
    cluster = scene.view.cluster
    if isinstance(cluster, EksCluster):
        now = cluster.system.nodes
        return f"raise clusters.{scene.view.name}.system.nodes from {now} to {now + nodes}"
    return f"add {nodes} nodes to the cluster"


def _whole(value: float) -> int:
    return math.ceil(value)


def _waits_for(one: Outcome, nodes: Sequence[Manifest]) -> bool:
    return any(
        matches(one.spec, n) and tolerates(one.spec, n) and not short_of(gives(n), asks(one.spec)) for n in nodes
    )


def _more_nodes(waiting: Sequence[Amounts], own: Sequence[Manifest]) -> tuple[int, str]:
    """How many more nodes, like the largest of a pool, take all pods that wait: first fit, the largest pod first."""
    largest = max(own, key=lambda node: sorted(gives(node).items()))
    empty = gives(largest)
    rests: list[Amounts] = []
    for wanted in sorted(waiting, key=lambda w: sorted(w.items()), reverse=True):
        room = next((rest for rest in rests if not short_of(rest, wanted)), None)
        if room is None:
            room = Counter(empty)
            rests.append(room)
        room.subtract(wanted)
    return max(len(rests), 1), str(largest["metadata"]["labels"].get(_INSTANCE, ""))


def _pool_path(view: ClusterView, pool: str) -> str:
    return f"clusters.{view.name}.pools.{pool}" if pool in view.pools else f"clusters.{view.name}.system"


def _limits(view: ClusterView, pool: str) -> str:
    spec = view.pools[pool]
    field = "limits" if isinstance(spec, KarpenterPool) else "maxNodes" if isinstance(spec, ManagedPool) else "nodes"
    return f"{_pool_path(view, pool)}.{field}"


def path(one: Outcome, view: ClusterView) -> str:
    """Where the stack file declares a pod's workload; the object's name for what it does not declare by itself."""
    labels = (one.pods.template.get("metadata") or {}).get("labels") or {}
    if labels.get(MODEL_LABEL) in view.platform.models:
        return f"models.{labels[MODEL_LABEL]}"
    if one.workload.kind == "TrainJob" and one.workload.name in view.platform.training:
        return f"training.{one.workload.name}"
    return one.workload.label


def _refused(one: Outcome, scene: Scene) -> str:
    for pattern, remedy in _REFUSALS:
        found = re.search(pattern, one.refusal)
        if found:
            return remedy(one, scene, found)
    return "read the reason: the API server let nobody make this pod"


def _quota(one: Outcome, scene: Scene, found: re.Match[str]) -> str:
    """A quota is full: how much it must allow for all pods of its namespace at their limit."""
    space = one.workload.namespace
    needed = _declared(scene, space)
    limited = [row.partition("=") for row in found.group("limited").split(",")]
    rows = [(name.strip(), text.strip()) for name, _, text in limited]
    if space in scene.view.platform.teams:
        return "; ".join(_team_quota(scene, space, name, needed) for name, _ in rows)
    said = ", ".join(f"{name} from {text} to {_needs(name, needed)}" for name, text in rows)
    return (
        f"raise quota {found.group('quota')} of namespace {space}, which the catalogue's row of its add-on sets: {said}"
    )


_TEAM_FIELDS: Mapping[str, str] = {"requests.cpu": "cpu", "requests.memory": "memory_gib"}


def _team_quota(scene: Scene, team: str, name: str, needed: Amounts) -> str:
    """A team's quota is its own figure, or for GPUs what the pools can give if that is less."""
    spec = scene.view.platform.teams[team]
    field = _TEAM_FIELDS.get(name, "gpus")
    now = getattr(spec, field)
    resource = name.removeprefix("requests.")
    total = needed[resource]
    need = _whole(total / {"cpu": 1000, "memory": 2**30}.get(resource, 1))
    camel = field.replace("_gib", "Gib")
    if need <= now and field != "gpus":
        return f"bring the quota up to date: teams.{team}.{camel} is {now} and enough"
    if need <= now:
        return (
            f"raise the limits of the pools that give {resource}: they bound the quota of teams.{team}, which is {now}"
        )
    return f"raise teams.{team}.{camel} from {now} to {need}"


def _declared(scene: Scene, space: str) -> Amounts:
    """What all pods of a namespace ask for together, those that were refused included."""
    total: Amounts = Counter()
    for one in scene.outcomes:
        if one.workload.namespace == space:
            total.update(asks(one.spec) + Counter({"pods": 1}))
    return total


def _needs(name: str, needed: Amounts) -> str:
    resource = name.removeprefix("requests.").removeprefix("limits.")
    return shown(resource, needed[resource] or amount(resource, "0"))


def _always(text: str) -> Callable[[Outcome, Scene, re.Match[str]], str]:
    def remedy(one: Outcome, scene: Scene, _found: re.Match[str]) -> str:
        return text.format(path=path(one, scene.view), namespace=one.workload.namespace)

    return remedy


_REFUSALS: Sequence[tuple[str, Callable[[Outcome, Scene, re.Match[str]], str]]] = (
    (r"exceeded quota: (?P<quota>[^,]+), .*limited: (?P<limited>.*)$", _quota),
    (r"failed quota: ", _always("say what {path} requests: its namespace has a quota, which takes no pod without")),
    (
        r"violates PodSecurity",
        _always("meet the level of namespace {namespace} at {path}, or give the namespace another"),
    ),
    (r"no PriorityClass with name", _always("make the PriorityClass before the pods, or take its name out of {path}")),
    (
        r"failed calling webhook|admission webhook",
        _always("let what answers that webhook be ready before {path}, or mend what it refuses"),
    ),
    (r"error looking up service account", _always("make the account in namespace {namespace} before {path}")),
)
"""What the API server says of a pod that it refuses -> what mends it."""
