"""Images that cannot change under a running platform, and permissions that say what they mean."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from policies.model import Breach, Concern, Level, Outcome, Rule, Scope, Setting, Severity, Unknown
from policies.pods import Container, Pod
from policies.settings import Settings
from policies.stack import Stack
from policies.values import Node, Resource


def _images(stack: Stack, _settings: Settings) -> Sequence[tuple[Pod, Node]]:
    """Images that a resource names itself; a KServe model that a runtime serves names none."""
    places = [(pod, container) for pod in stack.pods for container in pod.containers]
    return [(pod, image) for pod, container in places if not (image := _image(container)).missing]


def _image(container: Container) -> Node:
    return container.node.get("image")


def _pinned(subject: tuple[Pod, Node], _stack: Stack, settings: Settings) -> Iterator[Outcome]:
    pod, node = subject
    image = node.text()
    if isinstance(image, Unknown):
        yield image
        return
    if image is None or "@sha256:" in image:
        return
    # What stands before the last slash may hold a port (`registry:5000/name`), which is no tag.
    tag = image.rpartition("/")[2].partition(":")[2]
    digest = settings.flag("requireDigest")
    if tag and tag not in settings.texts("movingTags") and not digest:
        return
    allowed = "an image with a digest (@sha256:...)" if digest else "an image with a digest, or a tag that stays"
    yield Breach(
        resource=pod.resource,
        path=node.path,
        value=image,
        allowed=allowed,
        consequence="The next pod may run another program than the one that was tested; a rollback changes nothing.",
        fix="append @sha256:<digest>." if digest else "append a version tag such as :v1.0.0, or @sha256:<digest>.",
    )


IMAGES_PINNED = Rule[tuple[Pod, Node]](
    id="images-pinned",
    title="Every container image has a digest or a tag that does not move",
    severity=Severity.HIGH,
    level=Level.MANDATORY,
    concern=Concern.SECURITY,
    scope=Scope.RESOURCE,
    reason="Autoscaling pulls images at any hour: a moving tag mixes versions in one service without a deployment.",
    remediation="Name the version in the tag, or better the digest.",
    subjects=_images,
    check=_pinned,
    settings=(
        Setting(
            name="movingTags",
            schema={"type": "array", "items": {"type": "string"}},
            meaning="Tags that are overwritten by their publishers.",
            guardrail="movingTags",
            default=("latest", "main", "master", "nightly", "stable"),
        ),
        Setting(
            name="requireDigest",
            schema={"type": "boolean"},
            meaning="Whether only a digest will do.",
            guardrail="requireDigest",
            default=False,
        ),
    ),
)

_DOCUMENTS: Mapping[str, str] = {
    "aws:iam/policy:Policy": "policy",
    "aws:iam/rolePolicy:RolePolicy": "policy",
    "aws:iam/userPolicy:UserPolicy": "policy",
    "aws:iam/groupPolicy:GroupPolicy": "policy",
    "aws:iam/role:Role": "inlinePolicies",
}
"""Identity policies. Policies of a key, queue or bucket are not here: in them `*` means the resource itself."""

_ATTACHMENTS = (
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/policyAttachment:PolicyAttachment",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
)


def _permissions(stack: Stack, _settings: Settings) -> Sequence[Resource]:
    return stack.of_type(*sorted(_DOCUMENTS), *_ATTACHMENTS)


def _no_wildcards(resource: Resource, stack: Stack, settings: Settings) -> Iterator[Outcome]:
    if resource.type in _ATTACHMENTS:
        yield from _attached(resource, stack, settings)
        return
    node = resource.inputs.get(_DOCUMENTS[resource.type])
    documents = [part.get("policy") for part in node.items()] if node.path == "inlinePolicies" else [node]
    for document in documents:
        if (unknown := document.unknown) is not None:
            yield unknown
        elif not document.missing:
            yield from _document(resource, document, settings)


def _attached(resource: Resource, stack: Stack, settings: Settings) -> Iterator[Outcome]:
    arn = resource.inputs.text("policyArn")
    if isinstance(arn, Unknown):
        waits_for = {stack.by_urn[urn].type for urn in resource.dependencies if urn in stack.by_urn}
        if "aws:iam/policy:Policy" not in waits_for:  # a policy of this stack is judged where its document stands
            yield arn
        return
    name = (arn or "").rpartition("/")[2]
    if name in settings.texts("refusedManagedPolicies"):
        yield Breach(
            resource=resource,
            path="policyArn",
            value=arn,
            allowed="policies that name what the workload needs",
            consequence="Whoever runs as this role can do nearly everything in the account.",
            fix="write a policy with the actions and resources that are needed.",
        )


def _document(resource: Resource, node: Node, settings: Settings) -> Iterator[Outcome]:
    try:
        document = json.loads(node.raw) if isinstance(node.raw, str) else node.raw
    except json.JSONDecodeError as error:
        yield resource.unknown(node.path, f"it is no JSON ({error})")
        return
    statements = document.get("Statement") if isinstance(document, Mapping) else None
    for index, statement in enumerate(_several(statements)):
        if isinstance(statement, Mapping) and statement.get("Effect") == "Allow":
            label = statement.get("Sid") or index
            yield from _statement(resource, Node(resource, f"{node.path}.Statement[{label}]", statement), settings)


def _statement(resource: Resource, node: Node, settings: Settings) -> Iterator[Outcome]:
    actions = [str(a) for a in _several(node.raw.get("Action"))]
    wild = [a for a in actions if a == "*" or a.endswith(":*")]
    if wild or "NotAction" in node.raw:
        yield Breach(
            resource=resource,
            path=f"{node.path}.Action",
            value=wild or "NotAction",
            allowed="named actions, such as s3:GetObject",
            consequence="The role may do whatever the service can do, now and after AWS adds actions.",
            fix="list the actions that the workload calls.",
        )
    everywhere = "*" in _several(node.raw.get("Resource")) or "NotResource" in node.raw
    free = settings.texts("actionsOnAnyResource")
    bound = [a for a in actions if a not in wild and not any(fnmatchcase(a, pattern) for pattern in free)]
    if everywhere and bound and not node.raw.get("Condition"):
        yield Breach(
            resource=resource,
            path=f"{node.path}.Resource",
            value=f"* for {', '.join(bound)}",
            allowed="ARNs, or a Condition that narrows them (reading actions may use *)",
            consequence="The role may change what belongs to other clusters and teams in the account.",
            fix="name the ARNs, or add a Condition on tags.",
        )


def _several(value: Any) -> list[Any]:
    """IAM writes one or many; this is always many."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


NO_WILDCARD_IAM = Rule[Resource](
    id="no-wildcard-iam",
    title="No role may do everything, or change things everywhere",
    severity=Severity.HIGH,
    level=Level.MANDATORY,
    concern=Concern.SECURITY,
    scope=Scope.RESOURCE,
    reason=(
        "Training code and model servers run what others wrote. With a wildcard one bad package reads every bucket "
        "and starts every instance type that the account can pay for."
    ),
    remediation="Name actions and ARNs; where an action knows no ARN, narrow it by a Condition.",
    subjects=_permissions,
    check=_no_wildcards,
    settings=(
        Setting(
            name="actionsOnAnyResource",
            schema={"type": "array", "items": {"type": "string"}},
            meaning="Actions (with * as a wildcard) that may stand on Resource `*` without a Condition.",
            guardrail="actionsOnAnyResource",
            default=("*:Describe*", "*:Get*", "*:List*", "*:BatchGet*", "*:Head*", "tag:*", "pricing:*"),
        ),
        Setting(
            name="refusedManagedPolicies",
            schema={"type": "array", "items": {"type": "string"}},
            meaning="AWS-managed policies that are never attached, by the end of their ARN.",
            guardrail="refusedManagedPolicies",
            default=("AdministratorAccess", "PowerUserAccess", "IAMFullAccess"),
        ),
    ),
)
