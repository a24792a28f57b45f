"""What a request names must exist: AWS refuses where moto takes any text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from trellis.doubles.aws.gaps.fill import Call, Refusal, backend


def role(call: Call, arn: str, code: str = "InvalidParameterException") -> None:
    """A role of this account by its ARN. Roles of other accounts are not looked at, nor does AWS look."""
    if not arn.startswith(f"arn:aws:iam::{call.account}:role/"):
        return
    known = {one.arn for one in _iam(call).roles.values()}
    if arn not in known:
        raise Refusal(code, f"Role with arn: {arn}, does not exist")


def subnets(call: Call, ids: Iterable[str], code: str = "InvalidParameterException") -> list[Any]:
    """Moto's subnets by id."""
    by_id = {key: one for zone in _ec2(call).subnets.values() for key, one in zone.items()}
    ids = list(ids)
    missing = [one for one in ids if one not in by_id]
    if missing:
        raise Refusal(code, f"The subnet ID(s) '{', '.join(missing)}' do not exist")
    return [by_id[one] for one in ids]


def security_groups(call: Call, ids: Iterable[str], code: str = "InvalidParameterException") -> None:
    """Security groups by id."""
    known = {key for groups in _ec2(call).groups.values() for key in groups}
    missing = [one for one in ids if one not in known]
    if missing:
        raise Refusal(code, f"The security group(s) '{', '.join(missing)}' do not exist")


def launch_template(call: Call, given: dict[str, Any], code: str = "InvalidParameterException") -> None:
    """A launch template by id or name, and its version where that is a number."""
    found = next(
        (
            one
            for one in _ec2(call).launch_templates.values()
            if given.get("id") == one.id or (given.get("name") and given["name"] == one.name)
        ),
        None,
    )
    if found is None:
        raise Refusal(code, f"Launch template details: {given} do not exist")
    version = str(given.get("version") or "$Default")
    if version.isdigit() and int(version) not in {one.number for one in found.versions}:
        raise Refusal(code, f"Launch template {found.id} has no version {version}")


def usable_key(call: Call, arn: str, code: str = "InvalidParameterException") -> None:
    """A KMS key by ARN that is not on its way out."""
    keys = backend("kms", call.account, call.region).keys
    found = keys.get(arn.rpartition("/")[2])
    if found is None or found.key_state != "Enabled":
        state = "does not exist" if found is None else f"is {found.key_state}"
        raise Refusal(code, f"The KMS key {arn} {state}")


def bucket(call: Call, name: str, code: str) -> None:
    """An S3 bucket by name."""
    if name not in backend("s3", call.account, call.region).buckets:
        raise Refusal(code, f"The bucket {name} does not exist")


def _iam(call: Call) -> Any:
    return backend("iam", call.account, call.region)


def _ec2(call: Call) -> Any:
    return backend("ec2", call.account, call.region)
