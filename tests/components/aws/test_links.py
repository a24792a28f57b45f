"""Two clusters in one VPC: what passes between them, and who may deploy where."""

from __future__ import annotations

import json

from components.layout.identities import addon_identities
from components.layout.links import links
from tests.components.aws.builders import SPLIT, aws_of, components, eks, plan, platform, view, waits_for

APPLICATION = {"gitops": {"applications": {"llm": {"path": "llm", "namespace": "ml-production"}}}}


def test_clusters_share_one_network_and_one_database() -> None:
    recorded = plan(SPLIT)
    assert len(aws_of(recorded, "Vpc")) == 1
    assert len(aws_of(recorded, "Cluster")) == 2
    assert len(aws_of(recorded, "Instance")) == 1
    assert aws_of(recorded, "Bucket").keys() == {"artefacts", "data", "models"}


def test_only_named_ports_pass_between_clusters() -> None:
    found = {(link.source, link.target): {o.name: o.first for o in link.openings} for link in links(platform(SPLIT))}
    assert found == {("training", "inference"): {"api": 443}}
    rules = aws_of(plan(SPLIT), "SecurityGroupIngressRule")
    assert {name for name in rules if "-to-" in name} == {"training-to-inference-api"}
    waits = rules["training-to-inference-api"].dependencies
    assert sorted(d.rpartition("::")[2] for d in waits if "eks/cluster:Cluster" in d) == ["inference", "training"]


def test_without_argo_cd_nothing_is_open() -> None:
    off = {"addons": {"argo-cd": False, "katib": False, "kubeflow-pipelines": False}}
    assert links(platform(SPLIT, off)) == ()
    assert links(platform()) == ()


def test_argo_cd_takes_a_role_of_the_other_cluster() -> None:
    recorded = plan(SPLIT, APPLICATION)
    role = aws_of(recorded, "Role")["inference-argo-cd"]
    assert role.inputs["name"] == "trellis-trial-inference-deployed-by-argo-cd"
    [statement] = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    prefix = "arn:aws:iam::111122223333:role/trellis-trial-training-argocd"
    assert statement["Principal"] == {"AWS": [f"{prefix}-application-controller", f"{prefix}-server"]}
    identities = addon_identities(view(SPLIT, cluster="training"))["argo-cd"]
    for identity in identities:
        [allowed] = identity.statements
        assert allowed["Resource"] == [f"arn:aws:iam::111122223333:role/{role.inputs['name']}"]
    trusted = [aws_of(recorded, "Role")[f"training-{one.service_account}"].urn for one in identities]
    assert set(trusted) <= waits_for(recorded)[role.urn], "IAM refuses to trust a role that is not there"


def test_what_argo_cd_may_change_ends_at_its_namespaces() -> None:
    recorded = plan(SPLIT, APPLICATION)
    association = aws_of(recorded, "AccessPolicyAssociation")["inference-argo-cd"].inputs
    assert association["accessScope"] == {"type": "namespace", "namespaces": ["ml-production", "research"]}
    assert association["clusterName"] == "trellis-trial-inference"


def test_argo_cd_waits_for_the_ways_to_other_clusters() -> None:
    recorded = plan(SPLIT)
    before = waits_for(recorded)
    [release] = [
        r for r in recorded.resources if r.type == "kubernetes:helm.sh/v3:Release" and r.name.endswith("argo-cd")
    ]
    wanted = {
        components(recorded, "Reach")["training-to-inference"].urn,
        components(recorded, "Deployer")["inference-argo-cd"].urn,
    }
    assert wanted <= before[release.urn]


def test_one_cluster_needs_no_link_and_no_role() -> None:
    recorded = plan()
    assert not components(recorded, "Deployer")
    assert "argo-cd" not in addon_identities(view())
    assert not {name for name in aws_of(recorded, "SecurityGroupIngressRule") if "-to-" in name}


def test_a_third_cluster_is_linked_too() -> None:
    third = {"clusters": {"edge": eks(roles=["inference"], serviceCidr="172.22.0.0/16")}}
    found = {(link.source, link.target) for link in links(platform(SPLIT, third))}
    assert found == {("training", "inference"), ("training", "edge")}
