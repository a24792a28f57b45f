"""What Pulumi files under CloudWatch: EventBridge rules with their targets, and log groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trellis.doubles.aws.shape import Aws, Shape, Tagging, after, changed, mapping, pairs, sent
from trellis.doubles.errors import Refused
from trellis.doubles.provider import Bag

_RULE = {
    "eventPattern": "EventPattern",
    "scheduleExpression": "ScheduleExpression",
    "description": "Description",
    "roleArn": "RoleArn",
    "state": "State",
}


class EventRule(Shape):
    """`aws:cloudwatch/eventRule:EventRule` on the default bus; its id is its name.

    EventBridge takes a rule of the same name as a change of it; so does the provider.
    """

    tagging = Tagging("events", id="ResourceARN")
    gone = ("ResourceNotFoundException",)
    unread = ("forceDestroy",)

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        chosen: str = inputs.get("name", name)
        aws.client("events").put_rule(Name=chosen, Tags=pairs(tags), **sent(inputs, _RULE))
        return chosen

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        events = aws.client("events")
        found = events.describe_rule(Name=id_)
        return {
            "name": found["Name"],
            "arn": found["Arn"],
            "eventBusName": found.get("EventBusName", "default"),
            **{ours: found[theirs] for ours, theirs in _RULE.items() if theirs in found},
            "tagsAll": mapping(events.list_tags_for_resource(ResourceARN=found["Arn"])["Tags"]),
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        if changed(old, new, *_RULE):
            aws.client("events").put_rule(Name=id_, **sent(new, _RULE))

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("events").delete_rule(Name=id_)


class EventTarget(Shape):
    """`aws:cloudwatch/eventTarget:EventTarget`; its id is `rule/target id`."""

    gone = ("ResourceNotFoundException",)
    taggable = False

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        id_ = f"{inputs['rule']}/{inputs.get('targetId', name)}"
        self.change(aws, id_, {}, inputs)
        return id_

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        rule, _, target = id_.partition("/")
        rows = aws.client("events").list_targets_by_rule(Rule=rule)["Targets"]
        found = next((one for one in rows if one["Id"] == target), None)
        if found is None:
            return None
        shown = {"rule": rule, "targetId": target, "arn": found["Arn"], "eventBusName": "default"}
        extra = {"roleArn": "RoleArn", "input": "Input", "inputPath": "InputPath"}
        return {**shown, **{ours: found[theirs] for ours, theirs in extra.items() if theirs in found}}

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        rule, _, target = id_.partition("/")
        names = {"arn": "Arn", "roleArn": "RoleArn", "input": "Input", "inputPath": "InputPath"}
        row = {"Id": target, **sent(new, names)}
        answer = aws.client("events").put_targets(Rule=rule, Targets=[row])
        for failed in answer.get("FailedEntries", []):
            raise Refused(f"target of rule {rule}: {failed.get('ErrorCode')}: {failed.get('ErrorMessage')}")

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        rule, _, target = id_.partition("/")
        aws.client("events").remove_targets(Rule=rule, Ids=[target])


class LogGroup(Shape):
    """`aws:cloudwatch/logGroup:LogGroup`; its id is its name. A name that is taken is refused."""

    tagging = Tagging("logs", id="resourceArn", tags="tags", keys="tagKeys", form=dict)
    gone = ("ResourceNotFoundException",)
    unread = ("skipDestroy",)

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        chosen: str = inputs.get("name", name)
        names = {"kmsKeyId": "kmsKeyId", "logGroupClass": "logGroupClass"}
        aws.client("logs").create_log_group(logGroupName=chosen, tags=tags, **sent(inputs, names))
        with after(chosen):
            self._keep(aws, chosen, inputs.get("retentionInDays", 0))
        return chosen

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        logs = aws.client("logs")
        rows = logs.describe_log_groups(logGroupNamePrefix=id_)["logGroups"]
        found = next((one for one in rows if one["logGroupName"] == id_), None)
        if found is None:
            return None
        arn = found["arn"].removesuffix(":*")
        return {
            "name": id_,
            "arn": arn,
            "retentionInDays": found.get("retentionInDays", 0),
            "kmsKeyId": found.get("kmsKeyId", ""),
            "logGroupClass": found.get("logGroupClass", "STANDARD"),
            "tagsAll": logs.list_tags_for_resource(resourceArn=arn).get("tags", {}),
        }

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        if changed(old, new, "retentionInDays"):
            self._keep(aws, id_, new.get("retentionInDays", 0))

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        if not known.get("skipDestroy"):
            aws.client("logs").delete_log_group(logGroupName=id_)

    def _keep(self, aws: Aws, name: str, days: int) -> None:
        logs = aws.client("logs")
        if days:
            logs.put_retention_policy(logGroupName=name, retentionInDays=days)
        else:
            logs.delete_retention_policy(logGroupName=name)


KINDS: Final[Mapping[str, Shape]] = {
    "aws:cloudwatch/eventRule:EventRule": EventRule(),
    "aws:cloudwatch/eventTarget:EventTarget": EventTarget(),
    "aws:cloudwatch/logGroup:LogGroup": LogGroup(),
}
