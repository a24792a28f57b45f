"""The JSON Schema by which editors complete and check stack files and profiles. Made from the models; checked in.

A stack file says only what differs from its profile, so nothing is required here, and `null`, which takes away what a
profile sets, may stand anywhere. What is required once all is laid together, and what no schema can say, is judged by
`components.spec.validate`; its messages, not the schema's, are the product's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from components.catalogue.addons import addons
from components.catalogue.eks_versions import eks_versions
from components.catalogue.hardware import gpus, instance_types
from components.catalogue.mig import profiles
from components.catalogue.regions import regions
from components.spec.fields import unit
from components.spec.platform import Platform
from trellis.stackfile import KEY, PROFILE_KEY

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SETTINGS = "#/$defs/Settings"
PROFILES = Path(__file__).resolve().parent.parent / "stacks" / "profiles"

ENGINE_KEYS = ("secretsprovider", "encryptedkey", "encryptionsalt", "environment")
"""What the Pulumi engine itself keeps in a stack file, beside `config`."""

_DROPPED = frozenset({"title", "required", "discriminator", "minProperties"})
"""Keywords that are about a whole platform, or for other tools."""


def schema_json() -> str:
    """Text of `stacks/schema.json`: a stack file, with the settings of a platform under its key."""
    definitions = _definitions()
    config = {
        "description": "Configuration of the stack. Keys of other namespaces belong to Pulumi and its providers.",
        "type": "object",
        "properties": {KEY: {"$ref": SETTINGS, "type": "object"}},
        "required": [KEY],
    }
    return _text(
        {
            "$schema": DIALECT,
            "title": "Trellis stack file",
            "description": "One environment: what differs from its profile. Reference: docs/stack-file.md.",
            "type": "object",
            "properties": {"config": config, **{key: {} for key in ENGINE_KEYS}},
            "required": ["config"],
            "additionalProperties": False,
            "$defs": definitions,
        }
    )


def profile_schema_json() -> str:
    """Text of `stacks/profiles/schema.json`: a profile is settings without the stack file around them."""
    return _text({"$schema": DIALECT, "title": "Trellis profile", "$ref": f"../schema.json{SETTINGS}"})


def _text(schema: Schema) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _definitions() -> dict[str, Schema]:
    made = Platform.model_json_schema(by_alias=True)
    models = {**made.pop("$defs"), "Settings": made}
    found = {name: _definition(schema) for name, schema in models.items()}
    for schema in [one for definition in found.values() for one in definition["properties"].values()]:
        if "description" not in schema:  # pydantic leaves it out where the model's own says the same
            schema["description"] = found[schema["$ref"].rpartition("/")[2]]["description"]
    found["Settings"]["properties"][PROFILE_KEY] = {
        "description": "Profile that lies under these settings (stacks/profiles/<name>.yaml). What stands here wins.",
        "enum": sorted(path.stem for path in PROFILES.glob("*.yaml")),
    }
    for name, (description, names) in LISTS.items():
        found[name] = {"description": description, "type": "string", "examples": names}
    return dict(sorted(found.items()))


def _definition(schema: Schema) -> Schema:
    """One model: its keys, each of which may be null, and no others."""
    properties = {key: _property(key, value) for key, value in schema["properties"].items()}
    return {
        "description": schema["description"],
        "type": ["object", "null"],
        "properties": dict(sorted(properties.items())),
        "additionalProperties": False,
    }


def _property(key: str, schema: Schema) -> Schema:
    result: Schema = _simple(schema)
    suggest = SUGGESTIONS.get(key)
    if suggest is not None:
        result = suggest(result)
    if "description" in result:
        text, named = " ".join(result["description"].split()), unit(key)
        result["description"] = f"{text} Unit: {named}." if named and named not in text else text
    if result.get("default", 0) is None:
        del result["default"]
    return result if "const" in result else _nullable(result)


def _simple(schema: Any) -> Any:
    """A part of pydantic's schema without what is not for editors, and with unions told apart by their tag."""
    if isinstance(schema, list):
        return [_simple(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    if "discriminator" in schema:
        return _union(schema)
    result = {key: _simple(value) for key, value in schema.items() if key not in _DROPPED}
    if "patternProperties" in result:
        [(pattern, entry)] = result.pop("patternProperties").items()
        result["propertyNames"] = {"pattern": pattern, **result.get("propertyNames", {})}
        result["additionalProperties"] = _nullable(entry)
    elif isinstance(result.get("additionalProperties"), dict):
        result["additionalProperties"] = _nullable(result["additionalProperties"])
    return result


def _union(schema: Schema) -> Schema:
    """Variants chosen by a tag. Without the tag (the profile has it) any variant's keys may stand there."""
    tag, mapping = schema["discriminator"]["propertyName"], schema["discriminator"]["mapping"]
    targets = list(dict.fromkeys(mapping.values()))
    chosen = [
        {
            "if": {"properties": {tag: {"enum": [k for k, v in mapping.items() if v == target]}}, "required": [tag]},
            "then": {"$ref": target},
        }
        for target in targets
    ]
    open_ = {"if": {"not": {"required": [tag]}}, "then": {"anyOf": [{"$ref": target} for target in targets]}}
    kept: Schema = {key: schema[key] for key in ("description", "default") if key in schema}
    return {**kept, "type": "object", "properties": {tag: {"enum": [*mapping, None]}}, "allOf": [*chosen, open_]}


def _nullable(schema: Schema) -> Schema:
    """The same, or null. Definitions are nullable themselves, so a reference stays as it is."""
    if "anyOf" in schema:
        [inner] = [one for one in schema.pop("anyOf") if one != {"type": "null"}]
        return {**_nullable(inner), **schema}
    if isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    if "enum" in schema and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    return schema


def _entries(name: str) -> Callable[[Schema], Schema]:
    """Suggest names for the entries of a list, by a definition that lists them once."""
    return lambda schema: {**schema, "items": {"$ref": f"#/$defs/{name}"}}


def _keys(names: list[str]) -> Callable[[Schema], Schema]:
    """Suggest names for the keys of a mapping."""
    return lambda schema: {**schema, "propertyNames": {"examples": names}}


def _values(names: list[str]) -> Callable[[Schema], Schema]:
    """Suggest values."""
    return lambda schema: {**schema, "examples": names}


def _addons(schema: Schema) -> Schema:
    """Name every add-on; no other can be switched."""
    switches = {
        one: {"description": f"{row.title}: {row.purpose} Default: {row.default_enabled}.", "type": ["boolean", "null"]}
        for one, row in addons().items()
    }
    kept: Schema = {key: schema[key] for key in ("description", "default")}
    return {**kept, "type": "object", "properties": switches, "additionalProperties": False}


LISTS: Mapping[str, tuple[str, list[str]]] = {
    "Family": ("EC2 instance family.", sorted({kind.family for kind in instance_types().values()})),
    "InstanceType": ("EC2 instance type.", list(instance_types())),
    "ZoneId": ("Availability-zone id.", [zone for region in regions().values() for zone in region.zone_ids]),
}
"""Definition -> what it is, and the names of the catalogue that an editor offers for it. Others are judged later."""

SUGGESTIONS: Mapping[str, Callable[[Schema], Schema]] = {
    "addons": _addons,
    "allowedFamilies": _entries("Family"),
    "gpuModel": _values(sorted(one.id for one in gpus().values() if one.vendor == "nvidia")),
    "instanceTypes": _entries("InstanceType"),
    "kubernetesVersion": _values(list(eks_versions())),
    "layout": _keys(sorted({one.name for gpu in gpus() for one in profiles(gpu)})),
    "region": _values(list(regions())),
    "zoneIds": _entries("ZoneId"),
}
"""Key -> what an editor offers there, from the catalogue."""
