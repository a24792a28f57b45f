"""Asks AWS for a resource by its tag or its natural key, as the rows of the catalogue say (`identities`)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import boto3
import jmespath
from botocore.exceptions import BotoCoreError, ClientError

from components.catalogue.identities import TAG, Identity, Question, State, identities, tag
from trellis.engine.identity.finding import Finding, Found, IdentityError, Readiness, Sought

Item = Mapping[str, Any]
_PLACEHOLDER = re.compile(r"{([\w.]+)}")


class _NotGivenError(LookupError):
    """An input that a row speaks of was not given."""


@dataclass(frozen=True, kw_only=True)
class Aws:
    """AWS as one provider of a stack sees it."""

    session: boto3.Session
    region: str
    endpoint: str | None = None
    """Address to ask instead of AWS's own."""
    accounts: tuple[str, ...] = ()
    """Accounts that the provider is allowed to work in; empty where it does not say."""
    _clients: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def client(self, service: str) -> Any:
        """A client of one service."""
        if service not in self._clients:
            name = cast("Any", service)  # the stub lists services as literals
            self._clients[service] = self.session.client(name, region_name=self.region, endpoint_url=self.endpoint)
        return self._clients[service]

    @cached_property
    def account(self) -> str:
        """The account that the credentials lead to. Raises `IdentityError` where the stack belongs to another one."""
        try:
            account = str(self.client("sts").get_caller_identity()["Account"])
        except (BotoCoreError, ClientError) as error:
            raise IdentityError(
                f"AWS does not say who we are, so nobody can be asked what an interrupted update made: {error}. "
                "Nothing was changed; give credentials (`aws sts get-caller-identity` shows them) and run it again"
            ) from error
        if self.accounts and account not in self.accounts:
            raise IdentityError(
                f"the credentials are those of account {account}, but the stack lives in {' or '.join(self.accounts)}; "
                "what an interrupted update made there cannot be seen from here. Nothing was changed; take the stack's "
                "own credentials (AWS_PROFILE) and run it again"
            )
        return account


def from_provider(session: boto3.Session, inputs: Mapping[str, Any], endpoint: str | None = None) -> Aws:
    """AWS as a provider resource is told to see it; `inputs` as in the state, where lists are JSON text."""
    accounts = inputs.get("allowedAccountIds") or "[]"
    return Aws(
        session=session,
        region=str(inputs.get("region") or session.region_name or "us-east-1"),
        endpoint=endpoint,
        accounts=tuple(json.loads(accounts) if isinstance(accounts, str) else accounts),
    )


def find(sought: Sought, aws: Aws) -> Finding:
    """All that exists of a resource. Raises `IdentityError` where AWS does not answer, or the type has no row."""
    row = identities().get(sought.type)
    if row is None:
        raise IdentityError(
            f"nothing says how a {sought.type} is found in AWS by another key than its id. Look whether "
            f"{sought.name!r} was made; if so `pulumi import` it, then clear the rest by `pulumi refresh "
            "--clear-pending-creates`"
        )
    known = {
        "account": aws.account,
        "region": aws.region,
        "tag": tag(sought.stack, sought.type, sought.name),
        **{f"inputs.{key}": value for key, value in sought.inputs.items()},
    }
    return _Search(sought, row, aws, known).run()


@dataclass(frozen=True)
class _Search:
    sought: Sought
    row: Identity
    aws: Aws
    known: Mapping[str, Any]

    def run(self) -> Finding:
        found: dict[str, Found] = {}
        foreign: set[str] = set()
        for item in self._items():
            readiness = _readiness(self.row.state, item)
            if readiness is None:
                continue
            try:
                one = self._found(item, readiness)
            except _NotGivenError as error:
                raise self._unanswerable(error) from error
            if self._ours(item):
                found[one.id] = one
            elif self._is_named():
                foreign.add(one.id)
        return Finding(found=tuple(found[key] for key in sorted(found)), foreign=tuple(sorted(foreign - set(found))))

    def _found(self, item: Item, readiness: Readiness) -> Found:
        known = self._with(item)
        return Found(
            id=_text(self.row.id, known),
            known_as=_text(self.row.known_as or "", known),
            readiness=readiness,
            state=_told(self.row, item),
        )

    def _items(self) -> Iterator[Item]:
        for item in self._answers(self.row.look, self.known):
            if self.row.each is None:
                yield item
                continue
            for more in self._answers(self.row.each, self._with(item)):
                yield {**item, **more}

    def _with(self, item: Item) -> Mapping[str, Any]:
        return {**self.known, **{f"found.{key}": value for key, value in item.items()}}

    def _answers(self, question: Question, known: Mapping[str, Any]) -> Iterator[Item]:
        wanted = {key: _text(value, known) for key, value in question.match.items() if _is_given(value, known)}
        for page in self._pages(question, known):
            for item in jmespath.search(question.items, page) or ():
                if all(jmespath.search(key, item) == value for key, value in wanted.items()):
                    yield item

    def _pages(self, question: Question, known: Mapping[str, Any]) -> Iterator[Item]:
        try:
            send = _filled(question.send, known)
        except _NotGivenError as error:
            raise self._unanswerable(error) from error
        client = self.aws.client(question.service)
        try:
            if client.can_paginate(question.call):
                yield from client.get_paginator(question.call).paginate(**send)
            else:
                yield getattr(client, question.call)(**send)
        except ClientError as error:
            if error.response["Error"]["Code"] not in question.missing:
                raise self._unanswered(question, error) from error
        except BotoCoreError as error:
            raise self._unanswered(question, error) from error

    def _ours(self, item: Item) -> bool:
        if self.row.tags is None:
            return True
        if isinstance(self.row.tags, str):
            tags = _plain(jmespath.search(self.row.tags, item))
        else:
            pages = self._pages(self.row.tags, self._with(item))
            tags = {
                key: value
                for page in pages
                for key, value in _plain(jmespath.search(self.row.tags.items, page)).items()
            }
        if not tags and self.row.created_without_tags:
            return True
        return bool(tags.get(TAG) == self.known["tag"])

    def _is_named(self) -> bool:
        """Whether an answer was the one that an input names, so that another owner's is in our way."""
        look = self.row.look
        asks = bool(look.match) or "{inputs." in json.dumps(look.send)
        return asks and all(_is_given(value, self.known) for value in look.match.values())

    def _unanswered(self, question: Question, error: Exception) -> IdentityError:
        return IdentityError(
            f"AWS was asked ({question.service} {question.call}) whether {self.sought.type} {self.sought.name!r} "
            f"was made by an interrupted update, and answered: {error}. Nothing was changed; see that the credentials "
            "may call this and that the region is right, then run it again"
        )

    def _unanswerable(self, error: _NotGivenError) -> IdentityError:
        return IdentityError(
            f"{self.sought.type} {self.sought.name!r} may have been made by an interrupted update, but its state does "
            f"not tell {error}, by which it would be found. Nothing was changed; look for it in AWS, `pulumi import` "
            "it if it is there, and clear the rest by `pulumi refresh --clear-pending-creates`"
        )


def _readiness(state: State | None, item: Item) -> Readiness | None:
    """None means that it is as good as deleted."""
    if state is None:
        return Readiness.READY
    told = str(jmespath.search(state.field, item) or "").casefold()
    if told in state.gone:
        return None
    # A service that does not tell a state (older APIs) has none to wait for.
    return (
        Readiness.BROKEN
        if told in state.broken
        else (Readiness.READY if told in state.ready or not told else Readiness.PASSING)
    )


def _told(row: Identity, item: Item) -> str:
    return str(jmespath.search(row.state.field, item) or "") if row.state else ""


def _plain(tags: Any) -> dict[str, str]:
    """Tags as a mapping; services write them as a mapping or as a list of pairs, each in its own case."""
    if isinstance(tags, Mapping):
        return {str(key): str(value) for key, value in tags.items()}
    pairs = [{key.casefold().removeprefix("tag"): value for key, value in pair.items()} for pair in tags or ()]
    return {str(pair["key"]): str(pair.get("value", "")) for pair in pairs}


def _is_given(text: str, known: Mapping[str, Any]) -> bool:
    return all(known.get(key) is not None for key in _PLACEHOLDER.findall(text))


def _text(text: str, known: Mapping[str, Any]) -> str:
    def fill(found: re.Match[str]) -> str:
        value = known.get(found[1])
        if value is None:
            raise _NotGivenError(found[1].removeprefix("inputs."))
        return str(value)

    return _PLACEHOLDER.sub(fill, text)


def _filled(value: Any, known: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(one, known) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, known) for one in value]
    return _text(value, known) if isinstance(value, str) else value
