"""Needs, wants and what follows from them: one order, waves, teardown, roles, namespaces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.catalogue import addons as module
from components.catalogue.addon_model import Addon, Target
from components.catalogue.addons import (
    BadRowError,
    addon,
    addons,
    dependencies,
    for_role,
    for_target,
    install_order,
    missing_needs,
    namespaces,
    needed_by,
    owner_of_kind,
    quotas,
    waves,
)

ROWS = sorted(addons())
ANY_SET = st.sets(st.sampled_from(ROWS))


@pytest.mark.parametrize("row_id", ROWS)
def test_needs_and_wants_are_rows(row_id: str) -> None:
    row = addon(row_id)
    named = {need.id for need in row.needs} | set(row.wants)
    assert named <= set(ROWS)
    assert row_id not in named


@pytest.mark.parametrize("row_id", ROWS)
def test_a_need_exists_wherever_the_row_does(row_id: str) -> None:
    row = addon(row_id)
    for need in row.needs:
        for target in set(row.targets) & set(need.targets):
            assert target in addon(need.id).targets, f"{row_id} exists on {target}, {need.id} does not"


@pytest.mark.parametrize("row_id", ROWS)
def test_a_row_that_is_on_by_default_needs_only_rows_that_are(row_id: str) -> None:
    row = addon(row_id)
    if row.default_enabled:
        assert all(addon(need.id).default_enabled for need in row.needs)


@pytest.mark.parametrize("row_id", ROWS)
def test_a_need_lives_on_the_same_cluster_or_on_the_shared_one(row_id: str) -> None:
    row = addon(row_id)
    for need in row.needs:
        assert addon(need.id).cluster_role in {row.cluster_role, "every", "shared"}


@given(ANY_SET)
def test_every_set_of_addons_has_an_order(ids: set[str]) -> None:
    order = install_order(ids)
    assert sorted(order) == sorted(ids)
    for one in order:
        assert all(order.index(before) < order.index(one) for before in dependencies(one, ids))


@given(ANY_SET)
def test_waves_rise_along_dependencies_and_have_no_gap(ids: set[str]) -> None:
    numbers = waves(ids)
    for one, number in numbers.items():
        behind = [numbers[before] for before in dependencies(one, ids)]
        assert number == (max(behind) + 1 if behind else 0)


@given(ANY_SET)
def test_the_order_does_not_depend_on_how_the_set_was_built(ids: set[str]) -> None:
    assert install_order(sorted(ids)) == install_order(sorted(ids, reverse=True))


def _comes_after(later: str, *earlier: str) -> None:
    """Directly, so that it holds whatever else is switched off, and not by luck of the alphabet."""
    for one in earlier:
        assert dependencies(later, [one, later]) == (one,), f"{one} must come before {later}"


def test_order_known_by_name() -> None:
    _comes_after("gpu-operator", "cert-manager", "kube-prometheus-stack")
    _comes_after("coredns", "vpc-cni", "kube-proxy")
    _comes_after("karpenter", "pod-identity-agent", "vpc-cni", "coredns")
    _comes_after("aws-load-balancer-controller", "cert-manager")
    _comes_after("kube-prometheus-stack", "cert-manager", "ebs-csi", "external-secrets")
    _comes_after("istio", "aws-load-balancer-controller", "kube-prometheus-stack")
    _comes_after("kserve", "cert-manager", "istio", "gpu-operator", "keda")
    _comes_after("mlflow", "external-secrets", "pod-identity-agent", "istio")
    _comes_after("kubeflow-trainer", "kueue", "gpu-operator")
    _comes_after("katib", "argo-cd", "cert-manager", "kubeflow-trainer", "ebs-csi")
    _comes_after("kubeflow-pipelines", "argo-cd", "ebs-csi")
    _comes_after("vpa", "metrics-server")


def test_whatever_brings_a_load_balancer_comes_after_its_controller() -> None:
    for row in addons().values():
        if row.load_balancers:
            _comes_after(row.id, "aws-load-balancer-controller")


def test_monitors_of_charts_come_after_the_monitoring_crds() -> None:
    for row in addons().values():
        if row.metrics.by == "chart" and row.id != "kube-prometheus-stack":
            _comes_after(row.id, "kube-prometheus-stack")


def test_custom_resources_come_after_the_addon_that_defines_their_kind() -> None:
    for row in addons().values():
        for kind in row.creates:
            group, _, name = kind.partition("/")
            owner = owner_of_kind(f"{group}/v1", name)
            assert owner is not None or group == "storage.k8s.io", f"{row.id} creates {kind}, which no row defines"
            if owner not in (None, row.id):
                _comes_after(row.id, str(owner))


def test_foundations_come_before_everything_else() -> None:
    order = install_order(ROWS)
    is_foundation = [addon(one).foundation for one in order]
    assert is_foundation == sorted(is_foundation, reverse=True)


def test_kueue_is_never_installed_beside_pods_that_its_webhooks_could_block() -> None:
    """Its webhooks fail closed outside kube-system: each neighbour stands surely before or after it."""
    for row in addons().values():
        if {namespace.name for namespace in row.namespaces} - {"kube-system", "kueue-system"}:
            pair = [row.id, "kueue"]
            assert dependencies("kueue", pair) or dependencies(row.id, pair), f"{row.id} may be installed beside kueue"


def test_waves_of_the_default_platform() -> None:
    numbers = waves(one for one in ROWS if addon(one).default_enabled)
    assert {one: numbers[one] for one in ("pod-identity-agent", "vpc-cni", "coredns")} == {
        "pod-identity-agent": 0,
        "vpc-cni": 1,
        "coredns": 2,
    }
    assert max(numbers.values()) == numbers["katib"]


def test_a_missing_need_is_told_with_its_reason() -> None:
    missing = missing_needs({"kserve"})
    assert [(one.addon, one.need.id) for one in missing] == [("kserve", "cert-manager")]
    assert "certificate" in missing[0].need.why


def test_needs_on_eks_only_are_not_missed_elsewhere() -> None:
    assert {one.need.id for one in missing_needs({"mlflow"}, "eks")} == {"external-secrets", "pod-identity-agent"}
    assert missing_needs({"mlflow"}, "existing") == []


@pytest.mark.parametrize("target", ["eks", "existing"])
def test_the_defaults_of_each_platform_miss_nothing(target: Target) -> None:
    enabled = {one for one in for_target(target) if addon(one).default_enabled}
    assert missing_needs(enabled, target) == []


def test_what_breaks_when_an_addon_is_switched_off() -> None:
    assert needed_by("cert-manager", ROWS) == [
        "aws-load-balancer-controller",
        "katib",
        "kserve",
        "kube-prometheus-stack",
    ]
    assert needed_by("pod-identity-agent", ["mlflow", "karpenter"], "existing") == ["karpenter"]
    assert needed_by("cert-manager", ["mlflow"]) == []


def test_each_role_gets_its_own_rows_and_those_of_every_cluster() -> None:
    training, inference = set(for_role("training", "shared")), set(for_role("inference"))
    assert {"kueue", "kubeflow-trainer", "argo-cd", "mlflow"} <= training - inference
    assert {"kserve", "keda"} <= inference - training
    assert training & inference == {
        *("aws-load-balancer-controller", "cert-manager", "cluster-autoscaler", "coredns", "ebs-csi", "efs-csi"),
        *("external-secrets", "gpu-operator", "istio", "karpenter", "kube-prometheus-stack", "kube-proxy"),
        *("metrics-server", "pod-identity-agent", "vpa", "vpc-cni"),
    }
    assert set(for_role("training", "inference", "shared")) == set(ROWS)


def test_only_eks_has_the_rows_of_aws() -> None:
    gone = set(for_target("eks")) - set(for_target("existing"))
    assert {"vpc-cni", "ebs-csi", "karpenter", "aws-load-balancer-controller", "efa-device-plugin"} <= gone
    assert "cert-manager" in for_target("existing")


def test_a_shared_namespace_admits_the_pods_of_all_its_addons() -> None:
    assert namespaces(["metrics-server"])["kube-system"].pod_security == "restricted"
    assert namespaces(["metrics-server", "vpa"])["kube-system"].pod_security == "baseline"
    assert namespaces(["vpa", "vpc-cni", "metrics-server"])["kube-system"].pod_security == "privileged"


def test_addons_that_share_a_namespace_agree_about_its_quota() -> None:
    seen: dict[str, Addon] = {}
    for row in addons().values():
        for quota in row.quotas:
            other = seen.setdefault(quota.namespace, row)
            assert quota in other.quotas
    assert quotas(["katib", "kubeflow-pipelines"]).keys() == {"kubeflow"}


@pytest.mark.parametrize("row_id", ROWS)
def test_every_created_namespace_without_daemons_has_a_quota(row_id: str) -> None:
    row = addon(row_id)
    own = {one.name for one in row.namespaces if one.create and not one.daemon_pods}
    assert {quota.namespace for quota in row.quotas} == own


def test_owner_of_kind_goes_by_group() -> None:
    assert owner_of_kind("argoproj.io/v1alpha1", "Application") == "argo-cd"
    assert owner_of_kind("app.k8s.io/v1beta1", "Application") == "kubeflow-pipelines"
    assert owner_of_kind("v1", "Pod") is None
    assert owner_of_kind("networking.k8s.io/v1", "Ingress") is None


def test_a_cycle_is_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = dict(addons())
    rows["cert-manager"] = rows["cert-manager"].model_copy(update={"wants": ("kserve",)})
    monkeypatch.setattr(module, "addons", lambda: rows)
    with pytest.raises(BadRowError, match=r"wait for each other: .*cert-manager"):
        waves(["cert-manager", "kserve"])
