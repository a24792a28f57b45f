"""ECR repositories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trellis.doubles.aws.shape import Aws, Shape, Tagging, changed, mapping, pairs
from trellis.doubles.provider import Bag


class Repository(Shape):
    """`aws:ecr/repository:Repository`; its id is its name. One with images goes only by `forceDelete`."""

    tagging = Tagging("ecr", id="resourceArn", tags="tags", keys="tagKeys")
    gone = ("RepositoryNotFoundException",)
    unread = ("forceDelete",)

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        chosen: str = inputs.get("name", name)
        encryption = [
            {"encryptionType": one["encryptionType"], **({"kmsKey": one["kmsKey"]} if "kmsKey" in one else {})}
            for one in inputs.get("encryptionConfigurations", [])
        ]
        aws.client("ecr").create_repository(
            repositoryName=chosen,
            tags=pairs(tags),
            imageTagMutability=inputs.get("imageTagMutability", "MUTABLE"),
            imageScanningConfiguration=inputs.get("imageScanningConfiguration", {"scanOnPush": False}),
            **({"encryptionConfiguration": encryption[0]} if encryption else {}),
        )
        return chosen

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        ecr = aws.client("ecr")
        found = ecr.describe_repositories(repositoryNames=[id_])["repositories"][0]
        return {
            "name": found["repositoryName"],
            "arn": found["repositoryArn"],
            "registryId": found["registryId"],
            "repositoryUrl": found["repositoryUri"],
            "imageTagMutability": found["imageTagMutability"],
            "imageScanningConfiguration": found["imageScanningConfiguration"],
            "encryptionConfigurations": [found["encryptionConfiguration"]],
            "tagsAll": mapping(ecr.list_tags_for_resource(resourceArn=found["repositoryArn"])["tags"]),
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        ecr = aws.client("ecr")
        if changed(old, new, "imageTagMutability"):
            wanted = new.get("imageTagMutability", "MUTABLE")
            ecr.put_image_tag_mutability(repositoryName=id_, imageTagMutability=wanted)
        if changed(old, new, "imageScanningConfiguration"):
            scanning = new.get("imageScanningConfiguration", {"scanOnPush": False})
            ecr.put_image_scanning_configuration(repositoryName=id_, imageScanningConfiguration=scanning)

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("ecr").delete_repository(repositoryName=id_, force=bool(known.get("forceDelete")))


class LifecyclePolicy(Shape):
    """`aws:ecr/lifecyclePolicy:LifecyclePolicy`; its id is the repository's name."""

    gone = ("LifecyclePolicyNotFoundException", "RepositoryNotFoundException")
    taggable = False

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        repository: str = inputs["repository"]
        self.change(aws, repository, {}, inputs)
        return repository

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        found = aws.client("ecr").get_lifecycle_policy(repositoryName=id_)
        return {"repository": id_, "registryId": found["registryId"], "policy": found["lifecyclePolicyText"]}

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        aws.client("ecr").put_lifecycle_policy(repositoryName=id_, lifecyclePolicyText=new["policy"])

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("ecr").delete_lifecycle_policy(repositoryName=id_)


KINDS: Final[Mapping[str, Shape]] = {
    "aws:ecr/repository:Repository": Repository(),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": LifecyclePolicy(),
}
