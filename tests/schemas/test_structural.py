"""Corners of CRD schemas that the real examples do not reach, on schemas made for each."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cel_rules import broken_rules, compile_rules
from tests.support.strict_schema import validator
from tests.support.structural import to_json_schema, with_defaults

UNKNOWN = {"$trellis": "unknown"}


def errors(schema: dict[str, Any], value: Any) -> list[str]:
    """What a structural schema refuses in a value."""
    return [error.message for error in validator(to_json_schema(schema)).iter_errors(value)]


def fields(**properties: dict[str, Any]) -> dict[str, Any]:
    """An object schema with these properties."""
    return {"type": "object", "properties": properties}


def test_null_fits_only_what_is_nullable() -> None:
    assert errors(fields(a={"type": "string", "nullable": True}), {"a": None}) == []
    assert errors(fields(a={"type": "string"}), {"a": None}) == ["None is not of type 'string'"]


def test_unknown_fields_are_kept_only_where_the_schema_says_so() -> None:
    kept = {**fields(a={"type": "string"}), "x-kubernetes-preserve-unknown-fields": True}
    assert errors(kept, {"b": {"c": 1}}) == []
    assert errors(kept, {"a": 1}) == ["1 is not of type 'string'"], "known fields are judged all the same"
    assert errors({"type": "object"}, {"b": 1}) == ["unknown field 'b' (known here: none)"], "it would be pruned"
    assert errors({"type": "object", "additionalProperties": {"type": "integer"}}, {"b": 1}) == []


def test_an_embedded_resource_brings_its_own_fields() -> None:
    embedded = {**fields(spec={"type": "object"}), "x-kubernetes-embedded-resource": True}
    assert errors(embedded, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {}}) == []
    assert errors(embedded, {"spec": {}}) == ["'apiVersion' is a required property", "'kind' is a required property"]


def test_exclusive_bounds_stand_beside_their_bound() -> None:
    above = {"type": "integer", "minimum": 0, "exclusiveMinimum": True}
    assert errors(above, 1) == []
    assert errors(above, 0) == ["0 is less than or equal to the minimum of 0"]


ONE_OF = {**fields(a={"type": "string"}, b={"type": "string"}), "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}
BY_TYPE = {
    **fields(type={"type": "string"}),
    "oneOf": [{"properties": {"type": {"enum": [name]}}} for name in ("A", "B")],
}
NOT = {**fields(type={"type": "string"}), "not": {"properties": {"type": {"enum": ["A"]}}, "required": ["type"]}}


@pytest.mark.parametrize(
    ("schema", "value", "fits"),
    [
        (ONE_OF, {"a": "x"}, True),
        (ONE_OF, {"a": "x", "b": "y"}, False),
        (ONE_OF, {}, False),
        # an unknown value can still be the one that fits, and is not taken for both
        (BY_TYPE, {"type": UNKNOWN}, True),
        (BY_TYPE, {"type": "C"}, False),
        (NOT, {"type": "A"}, False),
        (NOT, {"type": "B"}, True),
        (NOT, {"type": UNKNOWN}, True),
        (NOT, {}, True),
    ],
)
def test_combined_schemas_and_unknown_values(schema: dict[str, Any], value: dict[str, Any], fits: bool) -> None:
    assert (errors(schema, value) == []) is fits


def test_a_refusal_that_no_unknown_value_can_lift_stays() -> None:
    forbidden = {**fields(a={"type": "string"}, b={"type": "string"}), "not": {"required": ["a"]}}
    assert len(errors(forbidden, {"a": UNKNOWN})) == 1, "present is present, whatever its value"


def test_defaults_reach_into_lists_maps_and_other_defaults() -> None:
    item = fields(port={"type": "integer", "default": 80})
    schema = fields(
        ports={"type": "array", "items": item},
        named={"type": "object", "additionalProperties": item},
        first={**item, "default": {}},
    )
    assert with_defaults({"ports": [{}, {"port": 1}], "named": {"x": {}}}, schema) == {
        "ports": [{"port": 80}, {"port": 1}],
        "named": {"x": {"port": 80}},
        "first": {"port": 80},
    }
    assert with_defaults(UNKNOWN, item) == UNKNOWN


@pytest.mark.parametrize(
    ("schema", "value", "holds"),
    [
        # names that are words of the language, and names with signs, are escaped
        ({"type": "object", "properties": {"namespace": {"type": "string"}}}, {"namespace": "a"}, "__namespace__"),
        ({"type": "object", "properties": {"pool-name": {"type": "string"}}}, {"pool-name": "a"}, "pool__dash__name"),
    ],
)
def test_property_names_are_escaped_for_cel(schema: dict[str, Any], value: dict[str, Any], holds: str) -> None:
    tree = compile_rules({**schema, "x-kubernetes-validations": [{"rule": f"self.{holds} == 'a'", "message": "m"}]})
    assert list(broken_rules(tree, value)) == []
    assert [result.text.startswith("m (rule") for result in broken_rules(tree, dict.fromkeys(value, "b"))] == [True]


def test_a_number_is_a_double_for_cel() -> None:
    schema = fields(share={"type": "number"})
    tree = compile_rules({**schema, "x-kubernetes-validations": [{"rule": "self.share / 2.0 == 0.5"}]})
    assert list(broken_rules(tree, {"share": 1})) == []


def test_rules_about_a_change_are_left_out() -> None:
    rule = {"rule": "self == oldSelf", "message": "is immutable"}
    assert compile_rules({"type": "string", "x-kubernetes-validations": [rule]}) is None


def test_keys_of_a_keyed_list_are_unique() -> None:
    keyed = {
        "type": "array",
        "items": fields(name={"type": "string"}),
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
    }
    assert errors(keyed, [{"name": "a"}, {"name": "b"}]) == []
    assert errors(keyed, [{"name": "a"}, {"name": "a"}]) == ["duplicate entry: name 'a' occurs more than once"]
    assert errors(keyed, [{"name": UNKNOWN}, {"name": UNKNOWN}]) == []
    values = {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"}
    assert errors(values, ["a", "a"]) == ["duplicate entry: 'a' occurs more than once"]
