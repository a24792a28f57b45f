"""What changed between two versions of a resource's inputs, as the AWS provider sees it.

Most lists of AWS are sets, documents are compared by meaning, and a change of the provider's default tags changes
every resource that has tags.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from trellis.doubles.aws.fitting import alike
from trellis.doubles.aws.shape import Shape
from trellis.doubles.differences import Classify, Difference, differences
from trellis.doubles.provider import Ask, Bag
from trellis.doubles.wire import has_unknown, reveal

_NAMES: Final[Mapping[str, str]] = {
    "aws:s3/bucket:Bucket": "bucket",
    "aws:eks/nodeGroup:NodeGroup": "nodeGroupName",
    "aws:rds/instance:Instance": "identifier",
}
"""Input that the provider would make up where the program gives none; of all other types it is `name`."""


def named(ask: Ask) -> bool:
    """Whether the program names the resource, so that the new one cannot stand beside the old one.

    Source: pulumi-terraform-bridge, `nameRequiresDeleteBeforeReplace`.
    """
    return _NAMES.get(ask.type, "name") in ask.inputs


def differences_of(ask: Ask, kind: Shape, default_tags: Mapping[str, str], classify: Classify) -> list[Difference]:
    """All changed inputs, sorted."""
    old, new = reveal(ask.old_inputs), reveal(ask.inputs)
    found = differences(ask.type, _settled(old, new, frozenset(kind.ordered)), new, classify)
    if kind.taggable:
        found += _tags(reveal(ask.outputs), new, default_tags)
    return sorted(found)


def _tags(outputs: Bag, new: Bag, default_tags: Mapping[str, str]) -> list[Difference]:
    """What changes of all tags, the provider's included."""
    own = new.get("tags") or {}
    if "tagsAll" not in outputs or not isinstance(own, Mapping) or has_unknown(own):
        return []
    wanted = {"tagsAll": {**default_tags, **own}}
    return differences("", {"tagsAll": outputs["tagsAll"]}, wanted, lambda *_: False)


def _settled(old: Any, new: Any, ordered: frozenset[str]) -> Any:
    """The old value in the writing of the new one wherever both mean the same."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return {key: _property(key, value, new[key], ordered) if key in new else value for key, value in old.items()}
    if isinstance(old, list) and isinstance(new, list):
        return _settled_set(old, new, ordered)
    return new if alike(new, old) else old


def _property(key: str, old: Any, new: Any, ordered: frozenset[str]) -> Any:
    if key in ordered and isinstance(old, list) and isinstance(new, list):
        return [_settled(one, new[at], ordered) if at < len(new) else one for at, one in enumerate(old)]
    return _settled(old, new, ordered)


def _settled_set(old: list[Any], new: list[Any], ordered: frozenset[str]) -> list[Any]:
    """Members that stayed at the place of the new ones; the others fill the places in between."""
    left = list(old)
    places: list[Any] = []
    for one in new:
        at = next((i for i, other in enumerate(left) if _settled(other, one, ordered) == one), None)
        places.append(_OPEN if at is None else one)
        if at is not None:
            left.pop(at)
    filled = [left.pop(0) if one is _OPEN and left else one for one in places]
    return [one for one in filled if one is not _OPEN] + left


_OPEN: Final[Any] = object()
