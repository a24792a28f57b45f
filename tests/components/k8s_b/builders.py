"""Environments with GPUs of every profile, for tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from components.catalogue.mig import check_layout, profiles
from tests.components.aws.builders import MULTI_NODE, Values, pool

PLAIN_TYPES = (("g6.xlarge",), ("g6.4xlarge", "gr6.4xlarge"), ("g6.12xlarge",), ("p4d.24xlarge",), ("p5.48xlarge",))
MIG_TYPES = {"p4d.24xlarge": "a100-40gb", "p4de.24xlarge": "a100-80gb", "p5.48xlarge": "h100", "p5e.48xlarge": "h200"}

JOB: Values = {
    "team": "research",
    "pool": "pool",
    "image": "registry/train:v1.0.0",
    "command": ["torchrun", "train.py"],
    "resources": {"gpus": 1, "cpu": 4, "memoryGib": 16},
    "checkpointUri": "s3://bucket/checkpoints",
}


def trained(**settings: Any) -> Values:
    """An environment with one training job, called `job`."""
    return {"training": {"job": {**JOB, **settings}}}


def fabric_pool() -> Values:
    """A pool for jobs over several nodes."""
    return pool("karpenter", instanceTypes=["p4d.24xlarge"], gpu={"sharing": "exclusive"}, multiNode=MULTI_NODE)


@st.composite
def layouts(draw: st.DrawFn, gpu: str) -> dict[str, int]:
    """A MIG layout that the GPU can hold."""
    names = [one.name for one in profiles(gpu)]
    layout: dict[str, int] = {}
    for name in draw(st.lists(st.sampled_from(names), min_size=1, max_size=7)):
        more = {**layout, name: layout.get(name, 0) + 1}
        if check_layout(gpu, more).legal:
            layout = more
    return layout or {names[0]: 1}


@st.composite
def gpu_pools(draw: st.DrawFn) -> Values:
    """A pool of any sharing profile, provisioner and GPU that may have it."""
    types: tuple[str, ...]
    profile: Values
    provisioner = draw(st.sampled_from(["karpenter", "managed"]))
    sharing = draw(st.sampled_from(["exclusive", "mig", "time-slicing", "mps"]))
    if sharing == "mig":
        kind = draw(st.sampled_from(sorted(MIG_TYPES)))
        layout = draw(layouts(MIG_TYPES[kind]))
        single = len(layout) == 1 and provisioner == "managed" and draw(st.booleans())
        types, profile = (kind,), {"sharing": "mig", "layout": layout, "strategy": "single" if single else "mixed"}
    else:
        types = draw(st.sampled_from(PLAIN_TYPES))
        shares: Values = {} if sharing == "exclusive" else {"replicas": draw(st.integers(2, 16))}
        profile = {"sharing": sharing, **shares}
    sizes: Values = {"limits": {"gpus": draw(st.integers(8, 64))}} if provisioner == "karpenter" else {}
    return pool(provisioner, instanceTypes=list(types), gpu=profile, **sizes)
