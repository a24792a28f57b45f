"""Every service account has the role it needs, before its pods, and no role allows more than it must."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest

from components.catalogue.addon_model import PodIdentity
from components.catalogue.addons import addons
from components.layout.identities import addon_identities, team_identities
from components.layout.permissions import GRANTS, REFUSED
from tests.components.aws.builders import (
    ALL_ADDONS,
    FILES,
    MULTI_NODE,
    SPLIT,
    aws_of,
    components,
    documents,
    plan,
    pool,
    view,
    waits_for,
    with_pool,
)
from trellis.plan import Plan, Resource

EVERYTHING = {
    **FILES,
    **with_pool(pool("karpenter", instanceTypes=["p4d.24xlarge"], gpu={"sharing": "exclusive"}, multiNode=MULTI_NODE)),
    "addons": {**ALL_ADDONS["addons"], "cluster-autoscaler": True},
}
PLANS = ((EVERYTHING,), (SPLIT, FILES))

NO_RESOURCE_LEVEL = ("*:Describe*", "*:Get*", "*:List*")
"""Reading calls, for most of which AWS knows no narrower resource than `*`."""
INLINE_LIMIT = 10_240
"""Characters of all inline policies of a role without white space. Source: IAM quotas."""


def accounts() -> list[tuple[str, PodIdentity]]:
    return [(row.id, account) for row in addons().values() for account in row.identities]


def statements(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [s for s in document["Statement"] if s["Effect"] == "Allow"]


def several(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


@pytest.mark.parametrize("layers", PLANS)
def test_no_action_is_a_wildcard(layers: tuple[dict[str, Any], ...]) -> None:
    judged = 0
    for resource, key, document in documents(plan(*layers)):
        for statement in statements(document):
            judged += 1
            for action in several(statement["Action"]):
                assert "*" not in action, f"{resource.name} {key}: {action}"
            assert not {"NotAction", "NotResource", "NotPrincipal"} & statement.keys()
    assert judged > 50


@pytest.mark.parametrize("layers", PLANS)
def test_only_reading_reaches_everything_and_only_in_the_region(layers: tuple[dict[str, Any], ...]) -> None:
    for resource, _, document in documents(plan(*layers)):
        for statement in statements(document):
            if "*" not in several(statement.get("Resource", [])):
                continue
            for action in several(statement["Action"]):
                assert any(fnmatchcase(action, one) for one in NO_RESOURCE_LEVEL), f"{resource.name}: {action} on *"
                free = action.partition(":")[0] in {"iam", "pricing"}  # global services, which know no region
                assert free or "Condition" in statement, f"{resource.name}: {action} on * everywhere"


@pytest.mark.parametrize("layers", PLANS)
def test_resources_are_of_this_account(layers: tuple[dict[str, Any], ...]) -> None:
    """An ARN names the account where ARNs of its service have one; buckets have none, AWS's own images no owner."""
    for resource, _, document in documents(plan(*layers)):
        for statement in statements(document):
            for arn in several(statement.get("Resource", [])):
                if arn == "*":
                    continue
                service, account = arn.split(":")[2], arn.split(":")[4]
                public = service == "s3" or re.search(r":(image|snapshot|parameter/aws/service)/", arn)
                assert account == ("" if public else "111122223333"), f"{resource.name}: {arn}"


@pytest.mark.parametrize("layers", PLANS)
def test_documents_fit_and_are_well_formed(layers: tuple[dict[str, Any], ...]) -> None:
    for resource, _, document in documents(plan(*layers)):
        assert document["Version"] == "2012-10-17"
        assert len(re.sub(r"\s", "", json.dumps(document))) <= INLINE_LIMIT, resource.name
        sids = [s["Sid"] for s in document["Statement"] if "Sid" in s]
        assert len(sids) == len(set(sids)), f"{resource.name}: two statements of one name"
        assert all(re.fullmatch(r"[A-Za-z0-9]+", sid) for sid in sids), resource.name


@pytest.mark.parametrize("layers", PLANS)
def test_role_names_are_short_enough_and_different(layers: tuple[dict[str, Any], ...]) -> None:
    names = [r.inputs["name"] for r in aws_of(plan(*layers), "Role").values()]
    assert len(names) == len(set(names))
    assert all(len(name) <= 64 for name in names)


def test_a_long_name_is_cut_and_stays_different() -> None:
    names, long = view().names, "a-cluster-with-a-name-of-forty-letters"
    assert names is not None
    one, two = (names.workload_role(long, account) for account in ("load-balancer-controller", "load-balancer-control"))
    assert len(one) == len(two) == 64
    assert one != two
    assert names.workload_role("main", "mlflow") == "trellis-trial-main-mlflow"


@pytest.mark.parametrize(("row", "account"), accounts(), ids=lambda one: getattr(one, "service_account", one))
def test_what_upstream_asks_for_is_granted_or_refused_with_a_reason(row: str, account: PodIdentity) -> None:
    if account.optional and (row, account.service_account) not in GRANTS:
        return  # for a use that the platform does not offer
    grant = GRANTS.get((row, account.service_account))
    if grant is None:
        assert account.managed_policies, f"{row}/{account.service_account}: nobody says what it may do"
        assert not account.actions
        return
    names = view(EVERYTHING).names
    assert names is not None
    given = {action for s in grant(view(EVERYTHING), names) for action in several(s["Action"])}
    refused = REFUSED.get((row, account.service_account), {})
    missing = [a for a in account.actions if a not in given and not any(fnmatchcase(a, one) for one in refused)]
    assert not missing, f"{row}/{account.service_account} asks for {missing}"
    unused = [one for one in refused if not any(fnmatchcase(action, one) for action in account.actions)]
    assert not unused, f"refused, but nobody asks: {unused}"


def test_grants_and_refusals_belong_to_rows() -> None:
    known = {(row, account.service_account) for row, account in accounts()}
    assert GRANTS.keys() <= known
    assert REFUSED.keys() <= GRANTS.keys()


def test_every_account_of_an_enabled_addon_has_its_role() -> None:
    one = view(EVERYTHING)
    found = {(row, i.service_account) for row, identities in addon_identities(one).items() for i in identities}
    wanted = {(row, a.service_account) for row, a in accounts() if row in one.addons and not a.optional}
    assert found == wanted
    assert len(wanted) > 10


def test_a_role_is_tied_to_its_account_before_the_pods_start() -> None:
    recorded = plan(EVERYTHING)
    before = waits_for(recorded)
    bound = aws_of(recorded, "PodIdentityAssociation")
    for row, identities in addon_identities(view(EVERYTHING)).items():
        for identity in identities:
            role = bound[f"main-{identity.service_account}"]
            assert role.inputs["namespace"] == identity.namespace
            for resource in _installed(recorded, f"main-{row}"):
                assert role.urn in before[resource.urn], f"{resource.urn} does not wait for {identity.role_name}"


def test_nodes_do_not_hold_the_rights_of_the_network_plugin() -> None:
    recorded = plan(EVERYTHING)
    attached = {(r.inputs["role"], r.inputs["policyArn"].rpartition("/")[2]) for r in _attachments(recorded)}
    holders = {role for role, policy in attached if policy == "AmazonEKS_CNI_Policy"}
    assert holders == {"trellis-trial-main-aws-node"}
    without = {
        (r.inputs["role"], r.inputs["policyArn"].rpartition("/")[2])
        for r in _attachments(plan({"addons": {"vpc-cni": False}}))
    }
    holders = {role for role, policy in without if policy == "AmazonEKS_CNI_Policy"}
    assert holders == {"trellis-trial-main-node", "trellis-trial-main-karpenter-node"}


def test_secrets_are_the_platforms_and_the_databases_only() -> None:
    shared, apart = _statements("external-secrets", {}), _statements("external-secrets", SPLIT, cluster="inference")
    arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret"
    assert [s["Resource"] for s in shared] == [[f"{arn}:trellis/*"], [f"{arn}:rds!db-*"]]
    tag = "secretsmanager:ResourceTag/aws:rds:primaryDBInstanceArn"
    assert shared[1]["Condition"] == {
        "StringEquals": {tag: "arn:aws:rds:us-east-1:111122223333:db:trellis-trial-mlflow"}
    }
    assert [s["Resource"] for s in apart] == [[f"{arn}:trellis/*"]]
    renamed = _statements("external-secrets", {"monitoring": {"grafanaCredentials": "grafana-admin"}})
    assert f"{arn}:grafana-admin-??????" in renamed[0]["Resource"]


def test_a_team_reads_its_models_and_what_its_models_name() -> None:
    model = {
        "team": "research",
        "service": "reader",
        "runtime": "triton",
        "versions": {"v1": {"release": "v1.0.0", "storageUri": "s3://elsewhere/llm/v1", "weight": 100}},
    }
    found = team_identities(view({"models": {"reader": model}, "teams": {"other": {}}}))
    assert found.keys() == {"research-models", "research-training", "other-models", "other-training"}
    objects = next(s for s in found["research-models"].statements if s["Sid"] == "ModelsObjects")
    assert objects["Action"] == ["s3:GetObject"]
    own = "arn:aws:s3:::trellis-trial-111122223333-models/research"
    assert objects["Resource"] == sorted([own, f"{own}/*", *(f"arn:aws:s3:::elsewhere/llm/v1{x}" for x in ("", "/*"))])
    assert "elsewhere" not in json.dumps(found["other-models"].statements)


def test_training_reads_data_and_writes_only_its_teams_results() -> None:
    job = {
        "team": "research",
        "pool": "pool",
        "image": "registry/train:1",
        "command": ["train"],
        "resources": {"gpus": 1},
        "checkpointUri": "s3://checkpoints/run",
    }
    statements = team_identities(view({"training": {"run": job}}))["research-training"].statements
    can = {(a, r) for s in statements for a in s["Action"] for r in s["Resource"]}
    bucket = "arn:aws:s3:::trellis-trial-111122223333"
    assert ("s3:GetObject", f"{bucket}-data/*") in can
    assert ("s3:PutObject", f"{bucket}-data/*") not in can
    assert ("s3:PutObject", f"{bucket}-artefacts/research/*") in can
    assert ("s3:PutObject", "arn:aws:s3:::checkpoints/run/*") in can


def test_roles_go_where_the_work_is() -> None:
    assert team_identities(view(SPLIT, cluster="inference")).keys() == {"research-models"}
    assert team_identities(view(SPLIT, cluster="training")).keys() == {"research-training"}


def test_pod_identity_is_the_only_way_in() -> None:
    recorded = plan(EVERYTHING)
    for name in components(recorded, "WorkloadRole"):
        trust = json.loads(aws_of(recorded, "Role")[name].inputs["assumeRolePolicy"])
        [statement] = trust["Statement"]
        assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
        assert statement["Action"] == ["sts:AssumeRole", "sts:TagSession"]


def _attachments(recorded: Plan) -> list[Resource]:
    return list(aws_of(recorded, "RolePolicyAttachment").values())


def _statements(row: str, *layers: Mapping[str, Any], cluster: str = "main") -> list[Mapping[str, Any]]:
    [identity] = addon_identities(view(*layers, cluster=cluster))[row]
    return list(identity.statements)


def _installed(recorded: Plan, component: str) -> list[Resource]:
    """What installs an add-on: its releases, its EKS add-on, or the Application that brings it."""
    kinds = ("aws:eks/addon:Addon", "kubernetes:helm.sh/v3:Release", "kubernetes:argoproj.io/v1alpha1:Application")
    parents = {r.urn for r in recorded.resources if r.name == component and not r.custom}
    found = [r for r in recorded.resources if r.parent in parents and r.type in kinds]
    assert found, component
    return found
