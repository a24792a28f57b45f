"""What stands in for controllers, on a real API server with the real definitions of the kinds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from components.catalogue.addons import addons
from tests.support.shared import require_shared
from tests.support.stacks import recorded
from trellis.plan import Resource
from trellis.rehearsal.controllers import Habit, habits, tend
from trellis.rehearsal.crds import definitions
from trellis.sandbox import Sandbox

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def cluster(shared_sandbox: Sandbox) -> Iterator[Sandbox]:
    kinds = {(row.api_version.partition("/")[0], row.kind) for row in habits()}
    crds = [crd for row in addons().values() for crd in row.crds if (crd.group, crd.kind) in kinds]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRELLIS_CRDS", str(require_shared() / "crds"))
        found, missing = definitions(crds)
    assert missing == []
    shared_sandbox.api.install_crds(found)
    yield shared_sandbox
    for crd in crds:
        shared_sandbox.api.delete("apiextensions.k8s.io/v1", "CustomResourceDefinition", crd.name)


def example(row: Habit) -> Resource:
    """An object of that kind in the prod stack, which has all."""
    type_ = f"kubernetes:{row.api_version}:{row.kind}"
    return next(recorded("prod").of_type(type_))


@pytest.mark.parametrize("row", habits(), ids=lambda row: row.kind)
def test_each_object_is_held_reported_and_let_go(row: Habit, cluster: Sandbox) -> None:
    api, name = cluster.api, example(row).inputs["metadata"]["name"]
    namespace = "default" if "namespace" in example(row).inputs["metadata"] else None
    place = {"namespace": namespace} if namespace else {}
    api.create({**example(row).inputs, "metadata": {"name": name, **place}})

    def now() -> dict[str, Any] | None:
        return api.get(row.api_version, row.kind, name, namespace)

    tend(api, row)
    tend(api, row)
    made = now()
    assert made is not None
    assert made["metadata"]["finalizers"].count(row.holds) == 1
    assert set(row.status) <= set(made.get("status", {}))

    api.delete(row.api_version, row.kind, name, namespace)
    assert now() is not None, "nobody cleared the finalizer yet"
    tend(api, row)
    assert now() is None
