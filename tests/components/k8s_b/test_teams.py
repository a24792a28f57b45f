"""A team's namespace: quota, defaults, accounts."""

from __future__ import annotations

from typing import Any

from components.layout import teams
from components.layout.identities import team_identities
from tests.components.aws.builders import Values, merged, pool
from tests.components.k8s.builders import view

SHARED = pool(
    "karpenter", instanceTypes=["g6.xlarge"], gpu={"sharing": "time-slicing", "replicas": 4}, limits={"gpus": 1}
)
WHOLE = pool("karpenter", instanceTypes=["g6.xlarge"], gpu={"sharing": "exclusive"}, limits={"gpus": 3})


def with_pools(**pools: Values) -> Values:
    return {"clusters": {"main": {"pools": pools}}}


def hard(*layers: Any) -> dict[str, str]:
    cluster = view(*layers)
    return dict(teams.quota(cluster, cluster.platform.teams["research"]))


def test_every_name_that_pools_offer_has_a_key_capped_by_what_there_is() -> None:
    assert hard(with_pools(whole=WHOLE, shared=SHARED)) == {
        "requests.cpu": "16",
        "requests.memory": "64Gi",
        "requests.nvidia.com/gpu": "3",
        "requests.nvidia.com/gpu.shared": "4",
    }


def test_a_team_without_gpus_gets_none() -> None:
    quota = hard(with_pools(whole=WHOLE), merged({"teams": {"research": {"gpus": 0}}}))
    assert quota["requests.nvidia.com/gpu"] == "0"


def test_without_gpu_pools_no_gpu_can_be_asked_for() -> None:
    assert hard()["requests.nvidia.com/gpu"] == "0"


def test_defaults_admit_pods_and_give_away_no_gpu() -> None:
    (limit,) = teams.limit_range()["limits"]
    assert set(limit["defaultRequest"]) == {"cpu", "memory"}, "a quota on these admits no pod without them"
    assert not any("nvidia" in key for part in ("default", "defaultRequest") for key in limit[part])


def test_accounts_are_those_that_have_a_role_in_aws() -> None:
    cluster = view()
    identities = team_identities(cluster).values()
    assert {one.service_account for one in identities} == set(teams.service_accounts(cluster))


def test_a_cluster_that_only_serves_has_no_account_for_training() -> None:
    cluster = view({"clusters": {"main": {"roles": ["inference"]}}})
    assert teams.service_accounts(cluster) == ("model-server",)
