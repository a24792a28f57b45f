"""Structural OpenAPI v3 schemas of CRDs, as JSON Schema that treats unknown fields as errors."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from tests.support.unknowns import is_marker

# Keywords that mean the same in JSON Schema. `default` is applied beforehand, descriptions are of no use here.
_SAME = [
    "enum",
    "pattern",
    "format",
    "required",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "multipleOf",
    "uniqueItems",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
]

# What Kubernetes itself adds to a resource, at the root and where `x-kubernetes-embedded-resource` stands.
_RESOURCE = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}


def to_json_schema(node: Mapping[str, Any], *, root: bool = False) -> dict[str, Any]:
    """A structural schema as JSON Schema. Fields that the server would prune are refused.

    `metadata` of a resource stays open here: `object_meta` judges it.
    """
    schema = _constraints(node)
    resource = root or node.get("x-kubernetes-embedded-resource", False)
    properties = {name: to_json_schema(child) for name, child in node.get("properties", {}).items()}
    if resource:
        metadata = dict(properties.get("metadata", {}))
        metadata.pop("additionalProperties", None)
        properties = {**_RESOURCE, **properties, "metadata": {**metadata, "type": "object"}}
        schema["required"] = sorted({*schema.get("required", ()), "apiVersion", "kind"})
    if properties:
        schema["properties"] = properties
    if isinstance(node.get("items"), Mapping):
        schema["items"] = to_json_schema(node["items"])
    values = node.get("additionalProperties")
    if isinstance(values, Mapping):
        schema["additionalProperties"] = to_json_schema(values)
    elif values is None and _closed(node, resource=resource):
        schema["additionalProperties"] = False
    return schema


def _closed(node: Mapping[str, Any], *, resource: bool) -> bool:
    is_object = resource or node.get("type") == "object"
    return is_object and not node.get("x-kubernetes-preserve-unknown-fields", False)


def _constraints(node: Mapping[str, Any]) -> dict[str, Any]:
    schema = {key: node[key] for key in _SAME if key in node}
    if "type" in node:
        schema["type"] = [node["type"], "null"] if node.get("nullable") else node["type"]
    # OpenAPI v3 has exclusive bounds as booleans beside the bound.
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if node.get(exclusive) is True:
            schema[exclusive] = schema.pop(bound)
    for combiner in ("allOf", "anyOf", "oneOf"):
        if combiner in node:
            schema[combiner] = [_branch(child) for child in node[combiner]]
    if "not" in node:
        schema["not"] = _branch(node["not"])
    return schema


def _branch(node: Mapping[str, Any]) -> dict[str, Any]:
    """A schema below a combiner: it only constrains, fields are declared outside of it."""
    schema = _constraints(node)
    if "properties" in node:
        schema["properties"] = {name: _branch(child) for name, child in node["properties"].items()}
    for below in ("items", "additionalProperties"):
        if isinstance(node.get(below), Mapping):
            schema[below] = _branch(node[below])
    return schema


def with_defaults(value: Any, node: Mapping[str, Any]) -> Any:
    """A value as the server sees it before it validates: absent properties take their defaults."""
    if is_marker(value):
        return value
    if isinstance(value, list):
        items = node.get("items")
        return [with_defaults(child, items) for child in value] if isinstance(items, Mapping) else value
    if not isinstance(value, dict):
        return value
    properties = node.get("properties", {})
    values = node.get("additionalProperties")
    default = values if isinstance(values, Mapping) else {}
    filled = {key: with_defaults(child, properties.get(key, default)) for key, child in value.items()}
    for name, child in properties.items():
        if name not in filled and "default" in child:
            filled[name] = with_defaults(copy.deepcopy(child["default"]), child)
    return filled
