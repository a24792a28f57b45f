"""The mesh: mutual TLS, the gateway's door, and routes that end at pods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.components.aws.builders import merged, waits_for
from tests.components.k8s.builders import EXPOSED, MODEL, ON_PREMISES, objects, plan, releases, switched
from tests.support.stacks import recorded as stack_plan
from trellis.plan import Plan
from trellis.preview import stacks

EVERY_STACK = pytest.mark.parametrize("stack", stacks())


def test_mutual_tls_is_strict_in_the_whole_mesh() -> None:
    made = objects(plan(), "PeerAuthentication")
    assert made["istio-system", "default"].inputs["spec"] == {"mtls": {"mode": "STRICT"}}


def test_hidden_gateways_have_no_load_balancer_and_no_door() -> None:
    recorded = plan(MODEL)
    service = releases(recorded)["istio-ingress"].inputs["values"]["service"]
    assert service["type"] == "ClusterIP"
    assert "annotations" not in service
    assert not objects(recorded, "Gateway")


def test_an_exposed_gateway_stands_behind_a_load_balancer_with_the_certificate() -> None:
    recorded = plan(MODEL, EXPOSED)
    release = releases(recorded)["istio-ingress"]
    service = release.inputs["values"]["service"]
    notes = {key.rpartition("aws-load-balancer-")[2]: value for key, value in service["annotations"].items()}
    assert service["loadBalancerClass"] == "service.k8s.aws/nlb"
    assert notes["ssl-cert"] == EXPOSED["exposure"]["certificateArn"]
    assert notes["scheme"] == "internal"
    assert notes["nlb-target-type"] == "ip"
    assert [port["port"] for port in service["ports"]] == [443], "nothing listens in clear"
    controller = releases(recorded)["aws-load-balancer-controller"]
    assert controller.urn in waits_for(recorded)[release.urn], "the load balancer would outlive its controller"


def test_nobody_comes_through_the_gateway_without_a_token() -> None:
    recorded = plan(MODEL, EXPOSED)
    allow = objects(recorded, "AuthorizationPolicy")["istio-ingress", "models"].inputs["spec"]
    assert allow["action"] == "ALLOW"
    (rule,) = allow["rules"]
    (origin,) = rule["from"]
    assert origin["source"] == {"requestPrincipals": ["https://login.example.com/*"]}
    tokens = objects(recorded, "RequestAuthentication")["istio-ingress", "models"].inputs["spec"]
    assert tokens["selector"] == allow["selector"] == {"matchLabels": {"istio": "ingress"}}
    assert tokens["jwtRules"][0]["issuer"] == "https://login.example.com"


def test_the_door_selects_the_gateways_pods_and_the_port_of_its_service() -> None:
    recorded = plan(MODEL, EXPOSED)
    gateway = objects(recorded, "Gateway")["istio-ingress", "models"].inputs["spec"]
    assert gateway["selector"] == {"istio": "ingress"}
    (server,) = gateway["servers"]
    ports = releases(recorded)["istio-ingress"].inputs["values"]["service"]["ports"]
    assert server["port"]["number"] in {port["port"] for port in ports}
    assert server["hosts"] == ["*.ml.example.com"]


def test_on_premises_nothing_is_exposed() -> None:
    recorded = plan(ON_PREMISES, EXPOSED)
    assert releases(recorded)["istio-ingress"].inputs["values"]["service"]["type"] == "ClusterIP"
    assert not objects(recorded, "Gateway")


def test_without_the_mesh_nothing_of_it_is_registered() -> None:
    recorded = plan(switched(False, "istio"), EXPOSED)
    for kind in ("PeerAuthentication", "Gateway", "AuthorizationPolicy", "RequestAuthentication"):
        assert not objects(recorded, kind)


# Routes: VirtualService host -> Service -> pods of each subset


def ends(recorded: Plan) -> dict[str, list[str]]:
    """Destination of every route -> names of the InferenceServices whose pods serve it."""
    services = objects(recorded, "Service")
    found = {}
    for (space, name), route in objects(recorded, "VirtualService").items():
        spec = route.inputs["spec"]
        for http in spec["http"]:
            for target in http["route"]:
                host, subset = target["destination"]["host"], target["destination"]["subset"]
                chosen = services[_service(str(space), host)].inputs["spec"]["selector"]
                wanted = {**chosen, **_subset(recorded, str(space), host, subset)}
                found[f"{space}/{name} -> {host}/{subset}"] = _pods(recorded, str(space), wanted)
    return found


def _service(space: str, host: str) -> tuple[str, str]:
    """A host as Istio reads it: a bare name is one of the route's own namespace."""
    name, _, rest = host.partition(".")
    return (rest.partition(".")[0] or space, name)


def _subset(recorded: Plan, space: str, host: str, subset: str) -> Mapping[str, str]:
    wanted = _service(space, host)
    (labels,) = [
        dict(one["labels"])
        for (where, _), rule in objects(recorded, "DestinationRule").items()
        if _service(str(where), rule.inputs["spec"]["host"]) == wanted
        for one in rule.inputs["spec"]["subsets"]
        if one["name"] == subset
    ]
    return labels


def _pods(recorded: Plan, space: str, wanted: Mapping[str, str]) -> list[str]:
    """KServe puts `predictor.labels` on the pods of an InferenceService."""
    return [
        name
        for (where, name), served in objects(recorded, "InferenceService").items()
        if where == space and wanted.items() <= served.inputs["spec"]["predictor"]["labels"].items()
    ]


@EVERY_STACK
def test_every_route_ends_at_the_pods_of_its_version(stack: str) -> None:
    recorded = stack_plan(stack)
    found = ends(recorded)
    assert found or not objects(recorded, "InferenceService")
    for route, pods in found.items():
        assert len(pods) == 1, f"{route} ends at {pods}"
        assert pods[0].endswith(route.rpartition("/")[2])


@EVERY_STACK
def test_weights_of_every_route_sum_to_a_hundred(stack: str) -> None:
    for route in objects(stack_plan(stack), "VirtualService").values():
        for http in route.inputs["spec"]["http"]:
            assert sum(target["weight"] for target in http["route"]) == 100


def test_a_route_that_ends_nowhere_is_seen() -> None:
    recorded = plan(MODEL)
    assert all(len(pods) == 1 for pods in ends(recorded).values())
    broken = [_relabelled(r.inputs) if r.kind == "InferenceService" else dict(r.inputs) for r in recorded.resources]
    changed = tuple(replace(r, inputs=inputs) for r, inputs in zip(recorded.resources, broken, strict=True))
    assert all(pods == [] for pods in ends(replace(recorded, resources=changed)).values())


def _relabelled(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return merged(inputs, {"spec": {"predictor": {"labels": {"trellis.dev/model": "another"}}}})
