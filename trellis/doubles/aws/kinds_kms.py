"""KMS keys and their names. A key is never gone at once: one that is pending deletion counts as gone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from botocore.exceptions import ClientError

from trellis.doubles.aws.shape import Aws, Shape, Tagging, after, changed, code, mapping, pairs, sent
from trellis.doubles.provider import Bag

_KEY = {
    "description": "Description",
    "policy": "Policy",
    "keyUsage": "KeyUsage",
    "customerMasterKeySpec": "KeySpec",
    "multiRegion": "MultiRegion",
}
_LONGEST_WINDOW_DAYS = 30


class Key(Shape):
    """`aws:kms/key:Key`; its id is the key id."""

    tagging = Tagging("kms", id="KeyId", of="keyId", form=lambda tags: pairs(tags, "TagKey", "TagValue"))
    gone = ("NotFoundException", "KMSInvalidStateException")
    unread = ("deletionWindowInDays", "bypassPolicyLockoutSafetyCheck")

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        kms = aws.client("kms")
        made = kms.create_key(Tags=pairs(tags, "TagKey", "TagValue"), **sent(inputs, _KEY))
        id_: str = made["KeyMetadata"]["KeyId"]
        with after(id_):
            self.change(aws, id_, {}, {key: inputs[key] for key in ("enableKeyRotation", "isEnabled") if key in inputs})
        return id_

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        kms = aws.client("kms")
        found = kms.describe_key(KeyId=id_)["KeyMetadata"]
        if found["KeyState"] == "PendingDeletion":
            return None
        return {
            "keyId": found["KeyId"],
            "arn": found["Arn"],
            "description": found.get("Description", ""),
            "enableKeyRotation": kms.get_key_rotation_status(KeyId=id_)["KeyRotationEnabled"],
            "keyUsage": found.get("KeyUsage", "ENCRYPT_DECRYPT"),
            "customerMasterKeySpec": found.get("KeySpec", "SYMMETRIC_DEFAULT"),
            "isEnabled": found["Enabled"],
            "multiRegion": found.get("MultiRegion", False),
            "policy": kms.get_key_policy(KeyId=id_, PolicyName="default")["Policy"],
            "tagsAll": mapping(kms.list_resource_tags(KeyId=id_)["Tags"], "TagKey", "TagValue"),
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        kms = aws.client("kms")
        if changed(old, new, "isEnabled"):
            (kms.enable_key if new.get("isEnabled", True) else kms.disable_key)(KeyId=id_)
        if changed(old, new, "enableKeyRotation"):
            rotate = new.get("enableKeyRotation", False)
            (kms.enable_key_rotation if rotate else kms.disable_key_rotation)(KeyId=id_)
        if changed(old, new, "description"):
            kms.update_key_description(KeyId=id_, Description=new.get("description", ""))
        if changed(old, new, "policy") and "policy" in new:
            kms.put_key_policy(KeyId=id_, PolicyName="default", Policy=new["policy"])

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        days = known.get("deletionWindowInDays", _LONGEST_WINDOW_DAYS)
        aws.client("kms").schedule_key_deletion(KeyId=id_, PendingWindowInDays=days)


class Alias(Shape):
    """`aws:kms/alias:Alias`; its id is its name, `alias/` included."""

    gone = ("NotFoundException",)
    taggable = False

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        chosen: str = inputs.get("name", f"alias/{name}")
        aws.client("kms").create_alias(AliasName=chosen, TargetKeyId=inputs["targetKeyId"])
        return chosen

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        kms = aws.client("kms")
        pages = kms.get_paginator("list_aliases").paginate()
        found = next((one for page in pages for one in page["Aliases"] if one["AliasName"] == id_), None)
        if found is None:
            return None
        target = found["TargetKeyId"]
        return {
            "name": id_,
            "arn": found["AliasArn"],
            "targetKeyId": target,
            "targetKeyArn": self._arn(aws, target),
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        aws.client("kms").update_alias(AliasName=id_, TargetKeyId=new["targetKeyId"])

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("kms").delete_alias(AliasName=id_)

    def _arn(self, aws: Aws, target: str) -> str:
        try:
            found: str = aws.client("kms").describe_key(KeyId=target)["KeyMetadata"]["Arn"]
        except ClientError as error:
            if code(error) not in self.gone:
                raise
            return ""
        return found


KINDS: Final[Mapping[str, Shape]] = {"aws:kms/key:Key": Key(), "aws:kms/alias:Alias": Alias()}
