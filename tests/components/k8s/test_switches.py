"""Whatever is switched off leaves nothing behind that would need it."""

from __future__ import annotations

import pytest

from components.catalogue.addons import addon, addons, missing_needs, needed_by
from components.spec.switches import asked_addons
from tests.components.k8s.builders import (
    MODEL,
    ON_PREMISES,
    every_addon,
    objects,
    plan,
    platform,
    releases,
    switched,
    view,
)
from trellis.plan import Plan

# Rows whose absence leaves the rest standing; the others are needed by something, which a spec rule says.
FREE = [row for row in addons() if not needed_by(row, addons())]


def without(row: str) -> Plan:
    """Everything on but one row; the model too, unless it asks for the row (a spec rule refuses that).

    On premises where the row exists there: without the AWS side a plan takes half the time.
    """
    asked = {one.addon for one in asked_addons(platform(MODEL), "main")}
    where = (ON_PREMISES,) if "existing" in addon(row).targets else ()
    return plan(*where, every_addon(), *(() if row in asked else (MODEL,)), switched(False, row))


@pytest.mark.parametrize("row", FREE)
def test_an_add_on_that_is_off_leaves_nothing_of_its_own(row: str) -> None:
    recorded = without(row)
    gone = {(crd.group, crd.kind) for crd in addon(row).crds}
    left = [
        f"{resource.type} {resource.name}"
        for resource in recorded.resources
        if resource.is_kubernetes and resource.custom
        if (str(resource.inputs["apiVersion"]).rpartition("/")[0], resource.kind) in gone
    ]
    assert left == [], "the API server does not know these kinds any more"
    assert not {release.release_name for release in addon(row).releases} & set(releases(recorded))
    others = {space.name for one in addons() if one != row for space in addon(one).namespaces}
    made = {name for _, name in objects(recorded, "Namespace")}
    assert not {space.name for space in addon(row).namespaces} - others & made, "its namespace is still made"


def test_switching_off_what_others_need_is_told_by_name() -> None:
    on = [row for row in addons() if row != "cert-manager"]
    told = {(one.addon, one.need.id) for one in missing_needs(on)}
    assert ("kserve", "cert-manager") in told
    assert ("kube-prometheus-stack", "cert-manager") in told


def test_the_order_of_rows_is_that_of_the_catalogue() -> None:
    order = view(every_addon()).addons
    for row in order:
        for need in addon(row).needs:
            if "eks" in need.targets:
                assert order.index(need.id) < order.index(row)
