"""How the network is reached, and how it reaches AWS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_network

from policies import names
from policies.model import Breach, Concern, Level, Outcome, Rule, Scope, Setting, Severity, Unknown
from policies.settings import Settings
from policies.stack import Stack
from policies.values import Resource


def _networks(stack: Stack, _settings: Settings) -> Sequence[Resource]:
    """VPCs with GPU nodes in them; the clusters instead where the VPC is made elsewhere."""
    on_aws = bool(stack.clusters) or any(pool.origin == "managed" for pool in stack.pools)
    if not on_aws or not any(pool.has_gpus for pool in stack.pools):
        return ()
    return stack.of_type(names.VPC) or stack.clusters


def _pull_endpoints(network: Resource, stack: Stack, settings: Settings) -> Iterator[Outcome]:
    if network.type != names.VPC:
        yield network.unknown("vpcConfig", "the VPC is made elsewhere, so its endpoints cannot be seen")
        return
    found: dict[str, Resource] = {}
    unseen = False
    for endpoint in stack.of_type(names.VPC_ENDPOINT):
        if not _belongs(endpoint, network, stack):
            continue
        service = endpoint.inputs.text("serviceName")
        if isinstance(service, Unknown):
            unseen = True
            yield service
        elif service is not None:
            found[_short(service)] = endpoint
    for service in settings.texts("endpoints"):
        if service not in found and not unseen:
            kind = "Gateway" if service == "s3" else "Interface"
            yield Breach(
                resource=network,
                path="",
                value=f"without an endpoint for {service}",
                allowed=f"a {kind} endpoint for {service}",
                consequence=(
                    "Every model and image that a GPU node pulls crosses the NAT gateway and is paid for by the GB."
                ),
                fix=f"add a VPC endpoint (type {kind}) for {service}.",
            )


def _belongs(endpoint: Resource, vpc: Resource, stack: Stack) -> bool:
    """Whether an endpoint is in a VPC. Its `vpcId` is unknown in a preview, so the dependency says it."""
    if len(stack.of_type(names.VPC)) == 1:
        return True
    return vpc.urn in endpoint.dependencies or (endpoint.parent is not None and endpoint.parent == vpc.parent)


def _short(service: str) -> str:
    """`com.amazonaws.us-east-1.ecr.api` -> `ecr.api`."""
    parts = service.split(".")
    return ".".join(parts[3:]) if service.startswith("com.amazonaws.") else service


MODEL_PULL_ENDPOINTS = Rule[Resource](
    id="model-pull-endpoints",
    title="A VPC with GPU nodes has endpoints for S3 and ECR",
    severity=Severity.MEDIUM,
    level=Level.ADVISORY,
    concern=Concern.COST,
    scope=Scope.STACK,
    reason=(
        "Models and images are tens of gigabytes, pulled by each new node. Through a NAT gateway each gigabyte costs "
        "money and time; the S3 gateway endpoint is free."
    ),
    remediation="Add an S3 gateway endpoint and interface endpoints for ecr.api and ecr.dkr.",
    subjects=_networks,
    check=_pull_endpoints,
    settings=(
        Setting(
            name="endpoints",
            schema={"type": "array", "items": {"type": "string"}},
            meaning="AWS services (the end of the endpoint's service name) that must be reached without NAT.",
            guardrail="modelPullEndpoints",
            default=("s3", "ecr.api", "ecr.dkr"),
        ),
    ),
)


def _clusters(stack: Stack, _settings: Settings) -> Sequence[Resource]:
    return stack.clusters


def _not_public(cluster: Resource, _stack: Stack, settings: Settings) -> Iterator[Outcome]:
    config = cluster.inputs.get("vpcConfig")
    public = config.text("endpointPublicAccess")
    if isinstance(public, Unknown):
        yield public
        return
    if public == "false":
        return
    node = config.get("publicAccessCidrs")
    if node.missing:
        stated = "public (EKS' default)" if public is None else "public"
        yield _open(cluster, config.get("endpointPublicAccess").path, f"{stated} to 0.0.0.0/0")
        return
    shortest = settings.whole("shortestPrefix") or 0
    for item in node.items():
        cidr = item.text()
        if isinstance(cidr, Unknown):
            yield cidr
        elif cidr is not None and _too_wide(cidr, shortest):
            yield _open(cluster, item.path, cidr)


def _too_wide(cidr: str, shortest: int) -> bool:
    try:
        network = ip_network(cidr, strict=False)
    except ValueError:
        return True  # AWS would refuse it; until it is corrected nobody knows who is let in
    return network.prefixlen < (shortest if network.version == 4 else min(shortest * 4, 128))


def _open(cluster: Resource, path: str, value: str) -> Breach:
    return Breach(
        resource=cluster,
        path=path,
        value=value,
        allowed="endpointPublicAccess false, or publicAccessCidrs with the ranges that people deploy from",
        consequence="Anyone on the internet reaches the Kubernetes API server and may try credentials on it.",
        fix="set the endpoint to private, or list the CIDR ranges of your office, VPN or CI.",
    )


NO_PUBLIC_CLUSTER_ENDPOINT = Rule[Resource](
    id="no-public-cluster-endpoint",
    title="The Kubernetes API server is not open to the internet",
    severity=Severity.CRITICAL,
    level=Level.MANDATORY,
    concern=Concern.SECURITY,
    scope=Scope.RESOURCE,
    reason="EKS opens the endpoint to 0.0.0.0/0 unless told otherwise; one leaked token then is enough from anywhere.",
    remediation="Use endpoint `private`, or `restricted` with the CIDR ranges that need it.",
    subjects=_clusters,
    check=_not_public,
    settings=(
        Setting(
            name="shortestPrefix",
            schema={"type": "integer", "minimum": 1, "maximum": 32},
            meaning="Widest range allowed, as IPv4 prefix length (IPv6: four times it): 8 stops 0.0.0.0/1 too.",
            guardrail="shortestPrefix",
            default=8,
        ),
    ),
)
