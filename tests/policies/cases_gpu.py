"""Mistakes with GPUs: one for each branch of each rule about them."""

from __future__ import annotations

from tests.policies.builders import TOLERATION, container
from tests.policies.cases import Break, Case, both, case, elsewhere, set_, unchanged

GPU = "nvidia.com/gpu"
LIMITS = "spec|predictor|containers|0|resources|limits"
REQUESTS = "spec|predictor|containers|0|resources|requests"
PATCH = "spec|runtimePatches|0|trainingRuntimeSpec|template|spec|replicatedJobs|0|template|spec|template|spec"
POD = "spec|template|spec"


def _limits() -> list[Case]:
    rule = "gpu-limit-equals-request"
    return [
        case(rule, "request unlike limit", set_("llm", f"{REQUESTS}|{GPU}", "2"),
              "InferenceService ml/llm", "is 2;", "the limit's value, 1", "requests.nvidia.com/gpu to 1"),
        case(rule, "half a GPU", both(set_("llm", f"{LIMITS}|{GPU}", "500m"), set_("llm", f"{REQUESTS}|{GPU}", "0.5")),
              "InferenceService ml/llm", "is 500m;", "a whole number", "MIG profile", count=2),
        case(rule, "no number", both(set_("llm", f"{LIMITS}|{GPU}", "one"), set_("llm", f"{REQUESTS}|{GPU}", ...)),
              "is one;", "a whole number", also=("gpu-pods-tolerate-and-select-a-pool",)),
        case(rule, "request without limit", set_("llm", f"{LIMITS}|{GPU}", ...),
              "InferenceService ml/llm", "limits", "is missing", "equal to the request", f"set limits.{GPU}"),
        case(rule, "slices", set_("sliced", f"{REQUESTS}|nvidia.com/mig-1g.5gb", "3"),
              "InferenceService ml/sliced", "is 3;", "the limit's value, 2"),
        case(rule, "training job", set_("job", f"spec|trainer|resourcesPerNode|requests|{GPU}", 2),
              "TrainJob ml/fine-tune", "spec.trainer.resourcesPerNode.requests", "is 2;", "the limit's value, 4"),
        case(rule, "deployment", set_("notebook", f"{POD}|containers|0|resources|requests|{GPU}", 2),
              "StatefulSet ml/notebook", "is 2;", "the limit's value, 1"),
    ]  # fmt: skip


def _per_pod() -> list[Case]:
    rule, key = "gpus-per-pod-maximum", f"spec|trainer|resourcesPerNode|{{}}|{GPU}"
    return [
        case(rule, "too many GPUs", both(*(set_("job", key.format(s), 9) for s in ("limits", "requests"))),
              "TrainJob ml/fine-tune", "9 (9 x nvidia.com/gpu)", "at most 8", "numNodes"),
        case(rule, "too many slices",
              both(*(set_("sliced", f"{s}|nvidia.com/mig-1g.5gb", "9") for s in (LIMITS, REQUESTS))),
              "InferenceService ml/sliced", "9 x nvidia.com/mig-1g.5gb", "at most 8"),
        case(rule, "over two containers", set_("llm", "spec|predictor|containers|1", container(gpus=8)),
              "InferenceService ml/llm", "9 (9 x nvidia.com/gpu)"),
        case(rule, "init container", set_("llm", "spec|predictor|initContainers", [container(gpus=9)]),
              "InferenceService ml/llm", "9 (9 x nvidia.com/gpu)"),
        case(rule, "lower threshold", unchanged,
              "TrainJob ml/fine-tune", "4 (4 x nvidia.com/gpu)", "at most 3", guardrails={"maxGpusPerPod": 3}),
    ]  # fmt: skip


def _placement() -> list[Case]:
    rule = "gpu-pods-tolerate-and-select-a-pool"
    selector = "spec|predictor|nodeSelector"
    terms = [{"matchExpressions": [{"key": "trellis.dev/pool", "operator": "NotIn", "values": ["inference"]}]}]
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}
    return [
        case(rule, "no selector", set_("llm", selector, ...),
              "InferenceService ml/llm", "nodeSelector is missing", "trellis.dev/pool=inference", "add nodeSelector"),
        case(rule, "selects no pool", set_("llm", f"{selector}|trellis.dev/pool", "inferense"),
              "trellis.dev/pool=inferense", "trellis.dev/pool=inference", "stays Pending"),
        case(rule, "selects a pool without GPUs", set_("llm", f"{selector}|trellis.dev/pool", "system"),
              "is trellis.dev/pool=system", "No node with a GPU"),
        case(rule, "selects too much", set_("llm", selector, {"kubernetes.io/os": "linux"}),
              "is kubernetes.io/os=linux", "It also matches", "system", "add nodeSelector"),
        case(rule, "affinity shuts it out", set_("llm", "spec|predictor|affinity", affinity),
              "trellis.dev/pool NotIn [inference]", "No node with a GPU"),
        case(rule, "no toleration", set_("llm", "spec|predictor|tolerations", ...),
              "no toleration of nvidia.com/gpu=present:NoSchedule", "the taints of inference", "add a toleration"),
        case(rule, "toleration of another value",
              set_("llm", "spec|predictor|tolerations|0", {"key": GPU, "value": "yes", "effect": "NoSchedule"}),
              "no toleration of nvidia.com/gpu=present:NoSchedule"),
        case(rule, "toleration of another effect", set_("llm", "spec|predictor|tolerations|0|effect", "NoExecute"),
              "no toleration of nvidia.com/gpu=present:NoSchedule"),
        case(rule, "training job", set_("job", f"{PATCH}|tolerations", ...),
              "TrainJob ml/fine-tune", "runtimePatches[0]", "no toleration of nvidia.com/gpu=present:NoSchedule"),
        case(rule, "plain pod tolerates", set_("web", f"{POD}|tolerations", [dict(TOLERATION)]),
              "Deployment ml/web", "tolerates nvidia.com/gpu and asks for no GPU", "remove the toleration"),
        case(rule, "Karpenter pool without taint", set_("inference", f"{POD}|taints", ...),
              "NodePool inference", "taints is missing", "effect NoSchedule", "taint the pool"),
        case(rule, "soft taint", set_("inference", f"{POD}|taints|0|effect", "PreferNoSchedule"),
              "NodePool inference", "nvidia.com/gpu=present:PreferNoSchedule", "taint the pool"),
        case(rule, "group without taint", set_("gpu-group", "taints", []),
              "aws:eks/nodeGroup:NodeGroup gpu-group", "taints is missing", "taint the pool"),
        case(rule, "pool of another cluster", elsewhere, "InferenceService ml/llm", "No node with a GPU"),
    ]  # fmt: skip


def _mig() -> list[Case]:
    rule = "mig-profile-exists-on-gpu"

    def ask(name: str) -> Break:
        asked = {side: {f"nvidia.com/mig-{name}": "1"} for side in ("limits", "requests")}
        return set_("sliced", "spec|predictor|containers|0|resources", asked)

    labels = "spec|template|metadata|labels"
    return [
        case(rule, "profile of another GPU", ask("1g.12gb"),
              "InferenceService ml/sliced", "nvidia.com/mig-1g.12gb", "nvidia.com/mig-1g.5gb", "a100-40gb", "ask for"),
        case(rule, "pool that is not cut", set_("sliced", "spec|predictor|nodeSelector|trellis.dev/pool", "inference"),
              "nvidia.com/mig-1g.5gb", "shares its GPUs by exclusive", "no MIG slice"),
        case(rule, "GPU that cannot be cut", set_("sliced", "spec|predictor|nodeSelector|trellis.dev/pool", "rack"),
              "l40s of pool rack has no such slice"),
        case(rule, "layout label", set_("slices", f"{labels}|nvidia.com/mig.config", "7x1g.12gb"),
              "NodePool slices", "is 7x1g.12gb", "layouts of", "1g.5gb", "name a profile"),
        case(rule, "MIG on a GPU that cannot", set_("inference", f"{labels}|trellis.dev/gpu-sharing", "mig"),
              "NodePool inference", "l4 cannot be cut", "a100-40gb", "time-slicing"),
        case(rule, "overlay", set_("overlay", "spec|capacity", {"nvidia.com/mig-9g.5gb": "1"}),
              "NodeOverlay slices", "nvidia.com/mig-9g.5gb", "nvidia.com/mig-1g.5gb", "declare only"),
    ]  # fmt: skip


def _quotas() -> list[Case]:
    rule = "quota-keys-valid"

    def hard(key: str, value: str = "4") -> Break:
        return set_("quota", "spec|hard", {key: value})

    return [
        case(rule, "bare name", hard(GPU),
              "ResourceQuota ml/ml", f"is {GPU};", f"allowed: requests.{GPU}", "rename it"),
        case(rule, "limits", hard(f"limits.{GPU}"), f"is limits.{GPU};", f"allowed: requests.{GPU}"),
        case(rule, "misspelt", hard("requests.nvidia.com/gpus"), "nvidia.com/gpus", f"allowed: requests.{GPU}."),
        case(rule, "slice that no GPU has", hard("requests.nvidia.com/mig-1g.5g"), "nvidia.com/mig-1g.5gb"),
        case(rule, "part of a GPU", hard(f"requests.{GPU}", "1.5"), "is 1.5;", "a whole number", "whole GPUs"),
        case(rule, "profile", set_("profile", "spec|resourceQuotaSpec|hard", {GPU: "1"}), "Profile ml", "requests."),
        case(rule, "queue with a prefix", set_("queue", "spec|resourceGroups|0|coveredResources|0", f"requests.{GPU}"),
              "ClusterQueue ml", f"is requests.{GPU};", f"allowed: {GPU}."),
        case(rule, "flavour with a prefix",
              set_("queue", "spec|resourceGroups|0|flavors|0|resources|0|name", f"requests.{GPU}"),
              "flavors[0].resources[0].name"),
    ]  # fmt: skip


def _pool_limits() -> list[Case]:
    rule = "pool-limits-set"
    return [
        case(rule, "GPU pool without limits", set_("inference", "spec|limits", ...),
              "NodePool inference", "spec.limits is missing", GPU, "add spec.limits"),
        case(rule, "GPU pool with CPU limit only", set_("inference", "spec|limits", {"cpu": "64"}),
              "is [cpu]", f"a limit on {GPU}", f"add {GPU}"),
        case(rule, "plain pool without limits", set_("batch", "spec|limits", {}), "NodePool batch", "memory or nodes"),
        case(rule, "limit that is no number", set_("batch", "spec|limits|cpu", "many"), "cpu: many", "a quantity"),
        case(rule, "group without maximum", set_("system", "scalingConfig|maxSize", ...),
              "NodeGroup system", "scalingConfig.maxSize is missing", "set scalingConfig.maxSize"),
    ]  # fmt: skip


GPU_CASES: tuple[Case, ...] = tuple(
    one for group in (_limits, _per_pod, _placement, _mig, _quotas, _pool_limits) for one in group()
)
