"""The table of identities: complete for what the stacks register, and true to the pages of the provider."""

from __future__ import annotations

import importlib
import inspect
import re
from functools import cache
from typing import Any, cast

import boto3
import jmespath
import pytest

from components.catalogue.identities import LONGEST_VALUE, TAG, Identity, Question, identities, tag, tagged_types
from tests.support.stacks import recorded
from trellis.plan import Resource
from trellis.preview import stacks

pytestmark = pytest.mark.filterwarnings("ignore:.*has been deprecated in favor of:DeprecationWarning")
NOBODY = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")  # noqa: S106 - no secret
PLACEHOLDER = re.compile(r"{(inputs\.\w+|found\.\w+|tag|account|region)}")
NO_PAGE = {"aws:ec2/launchTemplate:LaunchTemplate", "aws:eks/addon:Addon"}
"""Types whose docstring lacks the section "Import"; their ids are the launch template's id and `cluster:addon`."""
FREE = {"aws:cloudwatch/eventRule:EventRule"}
"""The page shows a rule on a bus of its own; ours are on the default one, whose name it lets us leave out."""


@cache
def _registered() -> tuple[tuple[str, Resource], ...]:
    """Every AWS resource of every stack, with the stack's name."""
    return tuple((stack, one) for stack in stacks() for one in recorded(stack).resources if one.type.startswith("aws:"))


def test_every_registered_type_has_a_row_and_every_row_a_type() -> None:
    assert set(identities()) == {resource.type for _, resource in _registered()}


def test_every_taggable_resource_carries_its_own_tag() -> None:
    wrong = {
        (stack, resource.type, resource.name): tags
        for stack, resource in _registered()
        if resource.type in tagged_types()
        and (tags := resource.inputs.get("tags", {})).get(TAG) != tag(stack, resource.type, resource.name)
    }
    assert wrong == {}


def test_no_two_resources_of_a_stack_share_a_tag() -> None:
    values = [tag(stack, resource.type, resource.name) for stack, resource in _registered()]
    assert len(values) == len(set(values))


@cache
def _class(type_: str) -> Any:
    _, module, name = type_.split(":")
    return getattr(importlib.import_module(f"pulumi_aws.{module.partition('/')[0]}"), name)


def _inputs(type_: str) -> set[str]:
    """Engine-side names. Where an input is called as the resource, the resource's own class has a longer name."""
    source, name = inspect.getmodule(_class(type_)), _class(type_).__name__
    args = getattr(source, f"{name}InitArgs", None) or getattr(source, f"{name}Args")
    return {
        getattr(one.fget, "_pulumi_name", key) for key, one in inspect.getmembers(args) if isinstance(one, property)
    }


@pytest.mark.parametrize("type_", sorted(identities()))
def test_a_type_is_untagged_exactly_where_the_sdk_has_no_tags(type_: str) -> None:
    assert ("tags" in _inputs(type_)) == (type_ in tagged_types())


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in _texts(one)]
    return [text for one in value for text in _texts(one)] if isinstance(value, list) else [str(value)]


def _questions(row: Identity) -> list[Question]:
    return [one for one in (row.look, row.each, row.tags) if isinstance(one, Question)]


@pytest.mark.parametrize("type_", sorted(identities()))
def test_placeholders_name_inputs_that_exist(type_: str) -> None:
    row = identities()[type_]
    texts = [row.id, *(text for one in _questions(row) for text in (*_texts(one.send), *one.match.values()))]
    assert all("{" not in PLACEHOLDER.sub("", text) for text in texts), texts
    named = {found.removeprefix("inputs.") for text in texts for found in PLACEHOLDER.findall(text) if "." in found}
    assert {one for one in named if not one.startswith("found.")} <= _inputs(type_)


@pytest.mark.parametrize("type_", sorted(identities()))
def test_questions_are_calls_that_aws_has(type_: str) -> None:
    for question in _questions(identities()[type_]):
        client: Any = NOBODY.client(cast("Any", question.service))  # its stub lists services as literals
        shape = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[question.call])
        assert set(question.send) <= set(shape.input_shape.members if shape.input_shape else ())
        jmespath.compile(question.items)
        field = re.search(r"[A-Za-z]\w*", question.items)
        answers = set(shape.output_shape.members)
        assert field is None or field[0] in answers or "[?" in question.items


@pytest.mark.parametrize("type_", sorted(set(identities()) - NO_PAGE - FREE))
def test_import_ids_have_the_shape_that_the_providers_page_shows(type_: str) -> None:
    source = inspect.getmodule(_class(type_))
    assert source is not None
    shown = re.findall(rf"\$ pulumi import {re.escape(type_)} \S+ (\S+)", inspect.getsource(source))
    assert shown, "the page has no example"
    assert any(_separators(one) == _separators(PLACEHOLDER.sub("x", identities()[type_].id)) for one in shown), shown


def _separators(text: str) -> list[str]:
    """What stands between the parts of an id, ARNs, URLs and networks taken as parts."""
    whole = re.sub(r"arn:[^#,]*|https?://\S+|\d+\.\d+\.\d+\.\d+/\d+|^alias/[\w-]+", "x", text)
    return re.findall(r"[^\w-]|_(?=x|\d)", whole)


def test_tables_that_only_names_tell_apart_say_which() -> None:
    """Without a tag in the answer, the physical name has to be fixed by the spec."""
    assert {type_ for type_, row in identities().items() if not row.untagged and row.tags is None} == {
        "aws:budgets/budget:Budget"
    }


def test_a_tag_that_aws_would_refuse_is_refused_here() -> None:
    assert tag("dev", "aws:ec2/vpc:Vpc", "vpc") == "dev/aws:ec2/vpc:Vpc/vpc"
    with pytest.raises(ValueError, match=r"but it has \* \?"):
        tag("dev", "aws:ec2/vpc:Vpc", "a*?")
    longest = "x" * (LONGEST_VALUE - len("dev/aws:ec2/vpc:Vpc/"))
    assert len(tag("dev", "aws:ec2/vpc:Vpc", longest)) == LONGEST_VALUE
    with pytest.raises(ValueError, match="has 257 characters"):
        tag("dev", "aws:ec2/vpc:Vpc", f"{longest}x")
