"""Where AWS says no and moto does not, in services that moto otherwise has."""

from __future__ import annotations

from typing import Any

from trellis.doubles.aws.gaps.fill import Bag, Call, Refusal, serves


def _key(call: Call, id_: str) -> Any:
    return call.backend.keys.get(id_.rpartition("/")[2])


@serves("kms", "ScheduleKeyDeletion", reason="moto schedules twice")
def schedule(call: Call) -> Bag:
    """A key's deletion, once."""
    found = _key(call, call.params["KeyId"])
    if found is not None and found.key_state == "PendingDeletion":
        raise Refusal("KMSInvalidStateException", f"{found.arn} is pending deletion.")
    return call.moto()


@serves("kms", "CreateAlias", "UpdateAlias", reason="moto names a key that is pending deletion")
def alias(call: Call) -> Bag:
    """A name for a key that stays."""
    found = _key(call, call.params["TargetKeyId"])
    if found is not None and found.key_state == "PendingDeletion":
        raise Refusal("KMSInvalidStateException", f"{found.arn} is pending deletion.")
    return call.moto()
