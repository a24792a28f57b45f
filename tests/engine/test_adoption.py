"""How a state is edited so that it holds what an interrupted update made; without an engine."""

from __future__ import annotations

import copy
from typing import Any

from trellis.engine.adoption import Adoption, adopted, as_asked, current, half_adopted, pending, unprotected

PROVIDER = {"urn": "p", "type": "pulumi:providers:aws", "id": "1", "custom": True, "inputs": {"region": "us-east-1"}}


def row(urn: str, **more: Any) -> dict[str, Any]:
    inputs = {"name": urn}
    return {"urn": urn, "type": "aws:sqs/queue:Queue", "custom": True, "provider": "p::1", "inputs": inputs, **more}


def there(urn: str, **more: Any) -> dict[str, Any]:
    return row(urn, id=f"id-{urn}", outputs={"name": urn}, **more)


def state(*rows: dict[str, Any], begun: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    operations = [{"type": "creating", "resource": one} for one in begun]
    return {"secrets_providers": {"type": "passphrase"}, "resources": list(rows), "pending_operations": operations}


def urns(deployment: dict[str, Any]) -> list[str]:
    return [one["urn"] for one in deployment["resources"]]


def test_what_was_found_enters_without_outputs_and_nothing_stays_pending() -> None:
    before = state(PROVIDER, there("a"), begun=(row("b", outputs={"half": "told"}), row("c")))
    untouched = copy.deepcopy(before)
    after = adopted(before, [Adoption(row=one, id="id-b") for _, one in pending(before)[:1]])
    assert after["resources"][-1] == row("b", id="id-b")
    assert (urns(after), pending(after)) == (["p", "a", "b"], [])
    assert after["secrets_providers"] == before["secrets_providers"]
    assert [one["urn"] for one in half_adopted(after)] == ["b"]
    assert before == untouched


def test_each_resource_stands_after_all_that_it_depends_on() -> None:
    before = state(
        PROVIDER,
        there("by-list", dependencies=["b"]),
        there("by-property", propertyDependencies={"name": ["b"]}),
        there("child", parent="b"),
        there("with", deletedWith="b"),
        there("free"),
    )
    after = adopted(before, [Adoption(row=row("b", dependencies=["c"]), id="b"), Adoption(row=row("c"), id="c")])
    assert urns(after) == ["p", "c", "b", "by-list", "by-property", "child", "with", "free"]


def test_what_is_surplus_is_only_there_to_be_deleted() -> None:
    kept = row("a", protect=True, retainOnDelete=True)
    after = adopted(state(PROVIDER, there("a")), [Adoption(row=kept, id="second", surplus=True)])
    [surplus] = [one for one in after["resources"] if one["id"] == "second"]
    assert (surplus["delete"], surplus["protect"], surplus["retainOnDelete"]) == (True, False, False)
    now = current(after, "a")
    assert now is not None
    assert now["id"] == "id-a"


def test_a_replacement_takes_the_place_that_was_cleared_for_it() -> None:
    before = state(PROVIDER, there("a", pendingReplacement=True), there("b"))
    assert current(before, "a") is None
    after = adopted(before, [Adoption(row=row("a", pendingReplacement=True), id="new")])
    assert [(one["urn"], one["id"]) for one in after["resources"]] == [("p", "1"), ("a", "new"), ("b", "id-b")]
    assert "pendingReplacement" not in after["resources"][1]


def test_only_what_creation_sets_is_kept_as_asked() -> None:
    type_ = "aws:eks/cluster:Cluster"
    asked = {
        "name": "it-5f3a",
        "version": "1.35",
        "accessConfig": {"bootstrapClusterCreatorAdminPermissions": False, "authenticationMode": "API"},
        "bootstrapSelfManagedAddons": False,
        "__defaults": ["name"],
    }
    told = {"name": "it-5f3a", "version": "1.34", "accessConfig": {"authenticationMode": "CONFIG_MAP"}}
    before = state(PROVIDER, {**there("c"), "type": type_, "inputs": {**told, "__defaults": []}, "outputs": dict(told)})
    [_, after] = as_asked(before, {"c": {"inputs": asked}})["resources"]
    kept = {"authenticationMode": "CONFIG_MAP", "bootstrapClusterCreatorAdminPermissions": False}
    assert after["outputs"] == {**told, "accessConfig": kept, "bootstrapSelfManagedAddons": False}
    assert after["inputs"] == {**after["outputs"], "__defaults": ["name"]}


def test_only_the_named_are_freed_of_their_protection() -> None:
    after = unprotected(state(there("a", protect=True), there("b", protect=True)), ["a"])
    assert [one["protect"] for one in after["resources"]] == [False, True]


def test_providers_and_what_was_read_are_not_half_adopted() -> None:
    assert list(half_adopted(state(PROVIDER, there("a"), {"urn": "c", "type": "trellis:x", "custom": False}))) == []
