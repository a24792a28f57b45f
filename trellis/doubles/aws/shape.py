"""What all kinds over boto3 share: tags, drift, and what AWS's refusals mean. A kind says only what is its own."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ClientError

from components.catalogue import replacements
from trellis.doubles.aws.fitting import alike, fit
from trellis.doubles.errors import NotReady, Refused
from trellis.doubles.provider import Ask, Bag, Found
from trellis.doubles.wire import reveal


class Aws(Protocol):
    """What a kind is given to work with."""

    @property
    def region(self) -> str:
        """Region of the provider."""

    @property
    def account(self) -> str:
        """Account that the provider works in."""

    @property
    def default_tags(self) -> Mapping[str, str]:
        """Tags that the provider puts on everything."""

    @property
    def patience(self) -> float:
        """Seconds to wait for what uses a resource to be gone before the resource's deletion fails."""

    @property
    def clusters(self) -> Mapping[str, tuple[str, str]]:
        """Endpoint and certificate authority (base64) of the control planes that stand for EKS clusters, by name."""

    def client(self, service: str, /) -> Any:
        """A boto3 client."""


class Begun(Exception):  # noqa: N818 - not a fault of ours: what AWS answered half way
    """A resource was made, and AWS refused a step after that."""

    def __init__(self, id_: str, cause: ClientError) -> None:
        super().__init__(str(cause))
        self.id = id_
        self.cause = cause


@contextmanager
def after(id_: str) -> Iterator[None]:
    """Steps after a resource was made as `id_`: a refusal does not lose it. Raises `Begun`."""
    try:
        yield
    except ClientError as error:
        raise Begun(id_, error) from error


def pairs(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Tags as most services take them."""
    return [{key: name, value: text} for name, text in sorted(tags.items())]


@dataclass(frozen=True)
class Tagging:
    """How a service is asked to tag: its two operations, and what their parameters are called."""

    service: str
    id: str
    """Parameter that names the resource."""
    of: str = "arn"
    """Property of the resource with that name."""
    add: str = "tag_resource"
    remove: str = "untag_resource"
    tags: str = "Tags"
    keys: str = "TagKeys"
    form: Callable[[Mapping[str, str]], Any] = pairs
    """How tags are written."""


class Shape(ABC):
    """One resource type. `make`, `show`, `change` and `drop` speak to AWS; inputs come without marks."""

    gone: tuple[str, ...] = ()
    """Error codes that mean that it does not exist."""
    taggable = True
    tagging: Tagging | None = None
    """How it is tagged, where that is two operations on a name."""
    unread: tuple[str, ...] = ()
    """Inputs that AWS does not tell; they are taken as they were given."""
    maps: tuple[str, ...] = ()
    """Inputs that are maps with keys of the user's."""
    ordered: tuple[str, ...] = ()
    """Inputs that are lists whose order matters."""

    @abstractmethod
    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str], /) -> str:
        """Create; return the id. `name` is free to be used where the program gives none."""

    @abstractmethod
    def show(self, aws: Aws, id_: str, known: Bag, /) -> Bag | None:
        """All properties as AWS tells them, tags under `tagsAll`; None when it is gone.

        `known` holds the last known properties; empty where the resource is imported.
        """

    @abstractmethod
    def change(self, aws: Aws, id_: str, old: Bag, new: Bag, /) -> None:
        """Change what differs; tags are not its business."""

    @abstractmethod
    def drop(self, aws: Aws, id_: str, known: Bag, /) -> None:
        """Delete."""

    def tag(self, aws: Aws, shown: Bag, add: dict[str, str], remove: list[str], /) -> None:
        """Remove and put tags. What is taggable has a `tagging` or says here how."""
        if self.tagging is None:
            raise NotImplementedError(f"{type(self).__name__} has no tags")
        how, client = self.tagging, aws.client(self.tagging.service)
        name = {how.id: shown[how.of]}
        if remove:
            getattr(client, how.remove)(**name, **{how.keys: remove})
        if add:
            getattr(client, how.add)(**name, **{how.tags: how.form(add)})

    # What the double calls.

    def create(self, aws: Aws, ask: Ask) -> Found:
        """Make a resource. Raises `Refused`; `NotReady` where it was made and something after that went wrong."""
        inputs = reveal(ask.inputs)
        with_default = {**aws.default_tags, **inputs.get("tags", {})} if self.taggable else {}
        try:
            id_ = self.make(aws, f"{ask.name}-{secrets.token_hex(4)[:7]}", inputs, with_default)
        except Begun as error:
            raise NotReady(error.id, {}, [str(_refused(ask, error.cause))], ask.inputs) from error
        except ClientError as error:
            raise _refused(ask, error) from error
        try:
            shown = self.show(aws, id_, inputs)
        except ClientError as error:
            raise NotReady(id_, inputs, [str(_refused(ask, error))], ask.inputs) from error
        if shown is None:
            raise Refused(f"{ask.type} {ask.name}: it was made as {id_} and is gone at once")
        found = Found(shown.get("id", id_), self._outputs(aws, shown, inputs))
        self._taken(ask, found.id, found.outputs)
        return found

    def read(self, aws: Aws, ask: Ask) -> Found | None:
        """A resource as it is, and the inputs that would make it so."""
        inputs = reveal(ask.inputs)
        try:
            shown = self._find(aws, ask.id, {**reveal(ask.outputs), **inputs})
        except ClientError as error:
            raise _refused(ask, error) from error
        if shown is None:
            return None
        outputs = self._outputs(aws, shown, inputs)
        return Found(shown.get("id", ask.id), outputs, self._inputs(ask.type, inputs, outputs))

    def update(self, aws: Aws, ask: Ask) -> Bag:
        """Change a resource in place. Raises `Refused`; `NotReady` where AWS has something else than was sent."""
        new = reveal(ask.inputs)
        old = reveal(ask.old_inputs) if ask.outputs else {}  # without outputs its creation was not finished
        known = {**reveal(ask.outputs), **new}
        try:
            self.change(aws, ask.id, old, new)
            shown = self.show(aws, ask.id, known)
            if shown is not None and self.taggable:
                shown = self._retag(aws, ask.id, shown, new, known)
        except ClientError as error:
            raise _refused(ask, error) from error
        if shown is None:
            raise Refused(f"{ask.type} {ask.id} does not exist any more")
        outputs = self._outputs(aws, shown, new)
        self._taken(ask, ask.id, outputs)
        return outputs

    def delete(self, aws: Aws, ask: Ask) -> None:
        """Delete a resource; one that is gone already is fine."""
        try:
            self.drop(aws, ask.id, {**reveal(ask.outputs), **reveal(ask.inputs)})
        except ClientError as error:
            if code(error) not in self.gone:
                raise _refused(ask, error) from error

    def _find(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        try:
            return self.show(aws, id_, known)
        except ClientError as error:
            if code(error) in self.gone:
                return None
            raise

    def _retag(self, aws: Aws, id_: str, shown: Bag, new: Bag, known: Bag) -> Bag:
        wanted, held = {**aws.default_tags, **new.get("tags", {})}, shown.get("tagsAll", {})
        add = {key: value for key, value in wanted.items() if held.get(key) != value}
        remove = sorted(key for key in held if key not in wanted and not key.startswith("aws:"))
        if not add and not remove:
            return shown
        self.tag(aws, shown, add, remove)
        return self.show(aws, id_, known) or shown

    def _outputs(self, aws: Aws, shown: Bag, inputs: Bag) -> Bag:
        outputs = {"region": aws.region, **{key: inputs[key] for key in self.unread if key in inputs}, **shown}
        outputs.pop("id", None)
        fitted = fit(inputs, outputs, whole=frozenset(("tags", *self.maps)), ordered=frozenset(self.ordered))
        for key, value in fitted.items():
            # An object keeps the parts that AWS added; everything else is written as the program writes it.
            outputs[key] = {**outputs[key], **value} if isinstance(value, dict) else value
        if self.taggable:
            held = {key: value for key, value in shown.get("tagsAll", {}).items() if not key.startswith("aws:")}
            own = inputs.get("tags", {})
            outputs["tagsAll"] = held
            outputs["tags"] = {
                key: value for key, value in held.items() if key in own or not alike(aws.default_tags.get(key), value)
            }
        return outputs

    def _taken(self, ask: Ask, id_: str, outputs: Bag) -> None:
        """Hold that AWS has what was sent: an input that a kind forgets must not pass as kept."""
        given = reveal(ask.inputs)
        now = self._inputs(ask.type, given, outputs) if given else {}
        lost = sorted(key for key, value in given.items() if value not in (None, [], {}, "") and now.get(key) != value)
        if lost:
            reason = f"{ask.type} {ask.name}: the AWS of a rehearsal did not take {', '.join(lost)}"
            raise NotReady(
                id_, outputs, [f"{reason}; to mend it, let its kind in trellis/doubles/aws do so"], ask.inputs
            )

    def _inputs(self, type_: str, given: Bag, outputs: Bag) -> Bag:
        """Inputs that would make it so: those that were given; all that can be, where nothing was (an import)."""
        if not given:
            rule = replacements.rule(type_)
            known = {*rule.replace, *rule.perhaps, *(rule.update or ())} - {"region"} if rule else set()
            return {key: value for key, value in outputs.items() if key in known and value not in (None, [], {}, "")}
        keys = {*given, *(["tags"] if self.taggable and outputs["tags"] else [])}
        found = {key: outputs[key] for key in keys if outputs.get(key) is not None}
        return fit({**found, **given}, found, whole=frozenset(("tags", *self.maps)), ordered=frozenset(self.ordered))  # type: ignore[no-any-return]


def code(error: ClientError) -> str:
    """AWS's error code."""
    found: str = error.response.get("Error", {}).get("Code", "")
    return found


def _refused(ask: Ask, error: ClientError) -> Refused:
    told = error.response.get("Error", {})
    action = error.operation_name
    return Refused(f"{ask.type} {ask.name}: {action}: {told.get('Code')}: {told.get('Message')}")


def mapping(tags: list[dict[str, str]] | None, key: str = "Key", value: str = "Value") -> dict[str, str]:
    """Tags as most services tell them."""
    return {one[key]: one[value] for one in tags or []}


def sent(inputs: Mapping[str, Any], names: Mapping[str, str]) -> Bag:
    """Those inputs that were given, under the names of the API."""
    return {theirs: inputs[ours] for ours, theirs in names.items() if inputs.get(ours) is not None}


def changed(old: Bag, new: Bag, *keys: str) -> bool:
    """Whether one of these inputs differs."""
    return any(old.get(key) != new.get(key) for key in keys)


def capital(value: Any) -> Any:
    """Keys with a capital first letter, at any depth: the provider's objects as many services write them."""
    if isinstance(value, Mapping):
        return {key[:1].upper() + key[1:]: capital(item) for key, item in value.items()}
    return [capital(item) for item in value] if isinstance(value, list) else value


def small(value: Any) -> Any:
    """Keys with a small first letter, at any depth."""
    if isinstance(value, Mapping):
        return {key[:1].lower() + key[1:]: small(item) for key, item in value.items()}
    return [small(item) for item in value] if isinstance(value, list) else value
