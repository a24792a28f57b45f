"""Rules about buckets that workloads name: those that Trellis makes are this environment's own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from components.spec import edits
from components.spec.base import Path, Problem
from components.spec.platform import Platform

PURPOSES = ("artefacts", "data", "models")
MADE = re.compile(rf"^trellis-(?P<environment>.+)-(?P<account>\d{{12}})-(?P<purpose>{'|'.join(PURPOSES)})$")
"""Names of buckets as `components/layout/names.py` gives them; a test holds the two together."""


def buckets_are_of_this_environment(platform: Platform) -> Iterator[Problem]:
    """Where a job or a model names a bucket of Trellis, it is one that this environment makes."""
    if platform.aws is None:
        return
    own = f"trellis-{platform.environment}-{platform.aws.account_id}"
    buckets = [f"{own}-{purpose}" for purpose in PURPOSES]
    for path, uri in _uris(platform):
        bucket, slash, key = uri.removeprefix("s3://").partition("/")
        if not uri.startswith("s3://trellis-") or bucket in buckets:
            continue
        purpose = next((one for one in PURPOSES if bucket.endswith(f"-{one}")), "models")
        message, consequence = _judged(bucket, platform.aws.account_id, writes=path[-1] == "checkpointUri")
        yield Problem(
            path=path,
            value=uri,
            message=message,
            allowed=f"{edits.listed(buckets)}, or a bucket of yours whose name does not begin with trellis-",
            consequence=consequence,
            fix=edits.put(path, f"s3://{own}-{purpose}{slash}{key}"),
            related=(path, ("environment",), ("aws", "accountId")),
        )


def _uris(platform: Platform) -> Iterator[tuple[Path, str]]:
    for name, model in sorted(platform.models.items()):
        for version, row in sorted(model.versions.items()):
            if row.storage_uri is not None:
                yield ("models", name, "versions", version, "storageUri"), row.storage_uri
    for name, job in sorted(platform.training.items()):
        if job.checkpoint_uri is not None:
            yield ("training", name, "checkpointUri"), job.checkpoint_uri


def _judged(bucket: str, account: str, *, writes: bool) -> tuple[str, str]:
    """Message and consequence. The pods' role is given what the file names, so within one account it would get in."""
    who, does = ("the job's", "write checkpoints to") if writes else ("the model's", "read from")
    made = MADE.fullmatch(bucket)
    if made is None:
        return (
            f"Trellis makes no bucket `{bucket}` in any environment",
            f"{who} pods would {does} a bucket that is not there, or is someone else's",
        )
    if made["account"] != account:
        return (
            f"the bucket is of account {made['account']}, and this is {account}",
            f"that account lets no role of this one in, and {who} pods would be refused",
        )
    return (
        f"the bucket is of environment `{made['environment']}`",
        f"{who} role has no business there: it would be let in, and {does} what `{made['environment']}` works on",
    )
