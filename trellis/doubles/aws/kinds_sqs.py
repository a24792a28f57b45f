"""SQS queues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from trellis.doubles.aws.shape import Aws, Shape, Tagging, changed
from trellis.doubles.provider import Bag

_ATTRIBUTES = {
    "delaySeconds": "DelaySeconds",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "redrivePolicy": "RedrivePolicy",
    "fifoQueue": "FifoQueue",
}
_GONE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(text: str) -> Any:
    return {"true": True, "false": False}.get(text, int(text) if text.isdigit() else text)


class Queue(Shape):
    """`aws:sqs/queue:Queue`; its id is its URL. A name that is taken is refused where any attribute differs."""

    tagging = Tagging("sqs", id="QueueUrl", of="url", add="tag_queue", remove="untag_queue", form=dict)
    gone = _GONE

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        attributes = {_ATTRIBUTES[key]: _text(value) for key, value in inputs.items() if key in _ATTRIBUTES}
        made = aws.client("sqs").create_queue(QueueName=inputs.get("name", name), Attributes=attributes, tags=tags)
        url: str = made["QueueUrl"]
        return url

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        sqs = aws.client("sqs")
        found = sqs.get_queue_attributes(QueueUrl=id_, AttributeNames=["All"])["Attributes"]
        return {
            "url": id_,
            "name": id_.rpartition("/")[2],
            "arn": found["QueueArn"],
            **{ours: _value(found[theirs]) for ours, theirs in _ATTRIBUTES.items() if theirs in found},
            "tagsAll": sqs.list_queue_tags(QueueUrl=id_).get("Tags", {}),
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        differ = [key for key in _ATTRIBUTES if key in new and changed(old, new, key)]
        if differ:
            attributes = {_ATTRIBUTES[key]: _text(new[key]) for key in differ}
            aws.client("sqs").set_queue_attributes(QueueUrl=id_, Attributes=attributes)

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("sqs").delete_queue(QueueUrl=id_)


class QueuePolicy(Shape):
    """`aws:sqs/queuePolicy:QueuePolicy`: an attribute of a queue; its id is the queue's URL."""

    gone = _GONE
    taggable = False

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        url: str = inputs["queueUrl"]
        self.change(aws, url, {}, inputs)
        return url

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        found = aws.client("sqs").get_queue_attributes(QueueUrl=id_, AttributeNames=["Policy"])
        policy = found.get("Attributes", {}).get("Policy")
        return {"queueUrl": id_, "policy": policy} if policy else None

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        aws.client("sqs").set_queue_attributes(QueueUrl=id_, Attributes={"Policy": new["policy"]})

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("sqs").set_queue_attributes(QueueUrl=id_, Attributes={"Policy": ""})


KINDS: Final[Mapping[str, Shape]] = {
    "aws:sqs/queue:Queue": Queue(),
    "aws:sqs/queuePolicy:QueuePolicy": QueuePolicy(),
}
