"""Pricers of the network: NAT, addresses, endpoints, load balancers."""

from __future__ import annotations

from components.catalogue.prices import Price, other_or_reference
from components.catalogue.pricing.model import Context, LineItem, Quote, Resource, Unpriceable, steady
from components.catalogue.pricing.read import gib, items, tag, text

TRAFFIC_TAG = "trellis:expected-gib-month"
"""Tag in which a NAT gateway or an endpoint states the data it is expected to carry in a month, in GiB."""


def listed(service: str, item: str, region: str) -> Price:
    """Return a service's price, us-east-1's (marked unsure) where the region has none. Raises `Unpriceable`."""
    price = other_or_reference(service, item, region)
    if price is None:
        raise Unpriceable(f"no price for {service} ({item}) in the table")
    return price


def quote(parts: list[LineItem], prices: list[Price], *left_out: str) -> Quote:
    """Return a quote that carries along what the prices say about themselves."""
    return Quote(tuple(parts), left_out, tuple(dict.fromkeys(price.note for price in prices if price.note)))


def nat_gateway(resource: Resource, _context: Context, region: str) -> Quote:
    """Price a NAT gateway: 730 hours, and the traffic that its tag states."""
    hour = listed("nat_gateway", "gateway hour", region)
    data = listed("nat_gateway", "data processed", region)
    parts = [steady("gateway", hour)]
    stated = gib(tag(resource.inputs, TRAFFIC_TAG))
    if stated is None:
        return quote(parts, [hour], f"data processed at {data.usd:g} USD/GB: state it in the tag {TRAFFIC_TAG}")
    return quote([*parts, steady("data processed", data, stated, f"{stated:g} GB")], [hour, data])


def elastic_ip(_resource: Resource, _context: Context, region: str) -> Quote:
    """Price a public IPv4 address, which is billed whether used or not (since 2024-02)."""
    price = listed("ipv4", "public address", region)
    return quote([steady("public IPv4 address", price)], [price])


def vpc_endpoint(resource: Resource, _context: Context, region: str) -> Quote:
    """Price an endpoint: interface endpoints per subnet (one per zone) and hour, gateway endpoints nothing."""
    kind = text(resource.inputs, "vpcEndpointType", default="Gateway")
    if kind == "Gateway":
        price = listed("vpc_endpoint", "gateway endpoint (S3, DynamoDB)", region)
        return quote([steady("gateway endpoint", price)], [])
    if kind != "Interface":
        raise Unpriceable(f"no price for VPC endpoints of type {kind} in the table")
    zones = len(items(resource.inputs, "subnetIds"))
    if not zones:
        raise Unpriceable("subnetIds must be set: an interface endpoint is billed per zone")
    hour = listed("vpc_endpoint", "interface endpoint per AZ", region)
    data = listed("vpc_endpoint", "data processed first PB", region)
    parts = [steady("interface endpoint", hour, zones, f"{zones} zones")]
    stated = gib(tag(resource.inputs, TRAFFIC_TAG))
    if stated is None:
        return quote(parts, [hour], f"data processed at {data.usd:g} USD/GB: state it in the tag {TRAFFIC_TAG}")
    return quote([*parts, steady("data processed", data, stated, f"{stated:g} GB")], [hour, data])


def load_balancer(resource: Resource, _context: Context, region: str) -> Quote:
    """Price an application or network load balancer."""
    kind = text(resource.inputs, "loadBalancerType", default="application")
    services = {"application": "alb", "network": "nlb"}
    if kind not in services:
        raise Unpriceable(f"no price for load balancers of type {kind} in the table")
    return balancer(services[str(kind)], region)


def balancer(service: str, region: str) -> Quote:
    """Price one load balancer, `alb` or `nlb`: its hours; capacity units follow traffic and are left out."""
    hour = listed(service, "load balancer hour", region)
    units = listed(service, "LCU" if service == "alb" else "NLCU", region)
    return quote(
        [steady("load balancer", hour)],
        [hour],
        f"capacity units at {units.usd:g} USD per unit and hour: they follow traffic",
        "public IPv4 addresses, one per zone, where it faces the internet",
    )
