"""Guardrails become the pack's configuration; a mistake in them is named, all mistakes at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from policies.config import config_for, to_json
from policies.evaluate import evaluate
from policies.rules import RULES
from policies.settings import ENFORCEMENT, UNSEEN, Settings, SettingsError
from tests.policies.builders import GUARDRAILS, happy, rows


def test_thresholds_land_at_their_rules() -> None:
    config = config_for(GUARDRAILS)
    assert set(config) == {rule.id for rule in RULES} | {UNSEEN}
    assert config["budget-worst-case"] == {
        ENFORCEMENT: "mandatory",
        "monthlyUsd": 60_000,
        "region": "us-east-1",
        "asOf": "2026-11-01",
    }
    assert config["gpus-per-pod-maximum"]["maxGPUsPerPod"] == 8
    assert config["families-allowed"]["allowedFamilies"] == ["g5", "g6", "m7i", "p4d"]
    assert config["spot-for-interruptible-training"]["production"] is False
    assert config["mig-profile-exists-on-gpu"]["existingPools"][0]["name"] == "rack"


def test_absent_guardrails_leave_the_defaults() -> None:
    config = config_for({"environment": "dev"})
    assert config["gpus-per-pod-maximum"] == {ENFORCEMENT: "mandatory"}
    assert config["idle-gpu-pool-minimum-zero"] == {ENFORCEMENT: "advisory"}


def test_the_configuration_is_json_with_stable_bytes() -> None:
    text = to_json(config_for(GUARDRAILS))
    assert text == to_json(config_for(dict(reversed(list(GUARDRAILS.items())))))
    assert json.loads(text) == config_for(GUARDRAILS)
    assert evaluate(rows(happy()), json.loads(text)) == evaluate(rows(happy()), config_for(GUARDRAILS))


def test_notes_are_made_with_the_same_thresholds() -> None:
    config = config_for(GUARDRAILS)
    assert config[UNSEEN]["settings"] == {key: value for key, value in config.items() if key != UNSEEN}


@pytest.mark.parametrize(
    ("guardrails", "says"),
    [
        ({"budgt": {}}, "'budgt'; did you mean budget"),
        ({"budget": {"monthly": 1}}, "guardrail budget has no 'monthly'; did you mean monthlyUsd"),
        ({"budget": 900}, "guardrail budget is 900; it holds monthlyUsd"),
        ({"budget": {"monthlyUsd": -1}}, "guardrail budget.monthlyUsd is -1"),
        ({"maxGpusPerPod": 1.5}, "guardrail maxGpusPerPod is 1.5"),
        ({"allowedFamilies": "g6"}, "guardrail allowedFamilies is 'g6'"),
        ({"production": "yes"}, "guardrail production is 'yes'"),
        ({"existingPools": [{"gpus": 1}]}, "guardrail existingPools is {'gpus': 1}"),
        ({"levels": {"images-pined": "advisory"}}, "'images-pined'; did you mean images-pinned"),
        ({"levels": {"images-pinned": "warn"}}, "'warn'; it must be one of mandatory, advisory, disabled"),
        ({"levels": ["images-pinned"]}, "guardrail levels is ['images-pinned']"),
        ({"zzz": 1}, "has no 'zzz'; known: "),
    ],
)
def test_a_wrong_guardrail_is_named(guardrails: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError) as error:
        config_for(guardrails)
    assert says in str(error.value)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as error:
        config_for({"budgt": 1, "production": "yes", "levels": {"images-pinned": "warn"}})
    assert len(str(error.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("rule_id", "name", "value", "says"),
    [
        ("gpus-per-pod-maximum", "maxGPUsPerPod", "8", "must be a number"),
        ("gpus-per-pod-maximum", "maxGPUsPerPod", 1.5, "must be a whole number"),
        ("gpus-per-pod-maximum", "maxGPUsPerPod", True, "must be a number"),
        ("families-allowed", "allowedFamilies", [1], "must be a list of texts"),
        ("images-pinned", "requireDigest", "no", "must be true or false"),
        ("mig-profile-exists-on-gpu", "existingPools", ["rack"], "must be a list of objects"),
        ("budget-worst-case", "region", 3, "must be text"),
        ("images-pinned", ENFORCEMENT, "warn", "must be mandatory | advisory | disabled"),
    ],
)
def test_a_wrong_setting_in_the_file_is_named(rule_id: str, name: str, value: object, says: str) -> None:
    config = {**config_for(GUARDRAILS), rule_id: {**config_for(GUARDRAILS)[rule_id], name: value}}
    with pytest.raises(SettingsError) as error:
        evaluate(rows(happy()), config)
    assert f"{rule_id}.{name} is {value!r}" in str(error.value)
    assert says in str(error.value)
    assert "stack file" in str(error.value)


def test_a_date_that_is_none_is_named() -> None:
    with pytest.raises(SettingsError, match="write YYYY-MM-DD"):
        evaluate(rows(happy()), {"budget-worst-case": {"monthlyUsd": 1, "asOf": "soon"}})


def test_a_rule_that_does_not_exist_is_named() -> None:
    with pytest.raises(SettingsError, match="names rules that do not exist: images-pined"):
        evaluate([], {"images-pined": {}})


def test_the_engine_hands_over_whole_numbers_as_floats() -> None:
    rule = next(rule for rule in RULES if rule.id == "gpus-per-pod-maximum")
    assert Settings(rule, {"maxGPUsPerPod": 8.0}).whole("maxGPUsPerPod") == 8


def test_every_default_obeys_its_own_schema() -> None:
    for rule in RULES:
        for setting in rule.settings:
            Draft202012Validator.check_schema(dict(setting.schema))
            if setting.default is not None:
                plain = json.loads(json.dumps(setting.default))
                assert not list(Draft202012Validator(dict(setting.schema)).iter_errors(plain)), (rule.id, setting.name)
