"""ECR repositories: a tag never moves, and every image is scanned when it comes in."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.layout import volumes
from components.layout.names import Names
from components.spec.platform import Protection
from components.spec.services import Storage

UNTAGGED_DAYS = 14
"""Days that an image without a tag is kept. Tagged ones are never dropped: one may be running."""


@dataclass(frozen=True, kw_only=True)
class RegistryArgs:
    """What the repositories need besides the spec."""

    names: Names
    protection: Protection


class Registry(pulumi.ComponentResource):
    """The environment's repositories."""

    def __init__(
        self, name: str, spec: Storage, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("trellis:aws:Registry", name, None, opts)
        protection = args.protection
        for repository in sorted(spec.repositories):
            made = aws.ecr.Repository(
                repository,
                name=args.names.repository(repository),
                image_tag_mutability="IMMUTABLE",
                image_scanning_configuration={"scan_on_push": True},
                encryption_configurations=[{"encryption_type": "AES256"}],
                force_delete=not (protection.protect or protection.retain),
                tags=volumes.held(spec.images_gib, among=len(spec.repositories)),
                opts=pulumi.ResourceOptions(
                    parent=self, protect=protection.protect, retain_on_delete=protection.retain
                ),
            )
            aws.ecr.LifecyclePolicy(
                repository,
                repository=made.name,
                policy=json.dumps({"rules": [_UNTAGGED]}, sort_keys=True),
                opts=pulumi.ResourceOptions(parent=self, retain_on_delete=protection.retain),
            )
        self.register_outputs({})


_UNTAGGED = {
    "rulePriority": 1,
    "description": f"drop images without a tag after {UNTAGGED_DAYS} days",
    "selection": {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": UNTAGGED_DAYS,
    },
    "action": {"type": "expire"},
}
