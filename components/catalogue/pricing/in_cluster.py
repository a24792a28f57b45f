"""Pricers of Kubernetes objects that make AWS start something billed: load balancers and volumes.

All other objects run on nodes, which their pools pay for. On an existing cluster (no region) nothing is billed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components.catalogue.pricing.model import Context, LineItem, Quote, Resource, Unpriceable
from components.catalogue.pricing.network import balancer
from components.catalogue.pricing.read import count, dig, gib, items
from components.catalogue.pricing.volumes import volume

STORAGE_CLASS = "kubernetes:storage.k8s.io/v1:StorageClass"
EBS_PROVISIONER = "ebs.csi.aws.com"
SHARED_PROVISIONERS = {"efs.csi.aws.com": "EFS file system", "s3.csi.aws.com": "bucket"}
"""Drivers whose volumes are parts of something that is a resource, and priced, of its own."""

ALB_CLASS = "alb"


def service(resource: Resource, _context: Context, region: str) -> Quote | None:
    """Price a Service of type LoadBalancer as one network load balancer; other Services cost nothing."""
    return balancer("nlb", region) if dig(resource.inputs, "spec", "type") == "LoadBalancer" else None


def ingress(resource: Resource, _context: Context, region: str) -> Quote | None:
    """Price an Ingress of class `alb` as one application load balancer; others share their controller's."""
    return balancer("alb", region) if dig(resource.inputs, "spec", "ingressClassName") == ALB_CLASS else None


def claim(resource: Resource, context: Context, region: str) -> Quote | None:
    """Price a PersistentVolumeClaim as the EBS volume it makes; a part of a file system costs nothing more."""
    return _volumes(dig(resource.inputs, "spec"), 1, context, region)


def stateful_set(resource: Resource, context: Context, region: str) -> Quote | None:
    """Price the volumes that a StatefulSet claims for each replica."""
    replicas = int(count(resource.inputs, "spec", "replicas", default=1.0) or 0)
    templates = items(resource.inputs, "spec", "volumeClaimTemplates")
    return _together(_volumes(dig(t, "spec"), replicas, context, region) for t in templates)


def release(resource: Resource, context: Context, region: str) -> Quote | None:
    """Price what a chart's values ask for in the usual shapes; None where they ask for nothing billed.

    `service.type: LoadBalancer`, `persistence.{enabled, size}` and `volumeClaimTemplate`, wherever they stand; times
    the `replicas` beside or above them. What a chart does by its own defaults is not seen here.
    """
    values = dig(resource.inputs, "values")
    return _together(_wants(values, 1, context, region)) if isinstance(values, Mapping) else None


def _wants(values: Mapping[str, Any], replicas: int, context: Context, region: str) -> Iterator[Quote | None]:
    stated = values.get("replicas", values.get("replicaCount"))
    here = stated if isinstance(stated, int) and not isinstance(stated, bool) else replicas
    for key, value in values.items():
        if not isinstance(value, Mapping):
            continue
        if key == "service" and value.get("type") == "LoadBalancer":
            yield balancer("nlb", region)
        elif key == "persistence" and value.get("enabled") is True:
            size, kind = value.get("size"), value.get("storageClass", value.get("storageClassName"))
            claimed = {"resources": {"requests": {"storage": size}}, "storageClassName": kind}
            yield _volumes(claimed, here, context, region)
        elif key == "volumeClaimTemplate":
            yield _volumes(value.get("spec"), here, context, region)
        else:
            yield from _wants(value, here, context, region)


def _volumes(spec: Any, number: int, context: Context, region: str) -> Quote | None:
    """Price one claim, so many times. None where its class makes no volume of its own."""
    kind = _ebs_kind(dig(spec, "storageClassName"), context)
    if kind is None:
        return None
    size = gib(dig(spec, "resources", "requests", "storage"))
    if size is None:
        return Quote((), ("a persistent volume whose size the plan does not say",))
    return Quote((volume(region, size, kind).item("persistent volumes", number),))


def _ebs_kind(storage_class: Any, context: Context) -> str | None:
    """Return the EBS volume type behind a storage class; None for shared drivers. Raises `Unpriceable`."""
    if storage_class is None:
        return "gp3"  # the platform's default class
    found = context.siblings.by_object.get((STORAGE_CLASS, str(storage_class)))
    if found is None:
        for kind in ("gp3", "gp2", "io2", "st1"):
            if str(storage_class).startswith(kind):
                return kind
        raise Unpriceable(f"storage class {storage_class!r} is not in the plan, so what it makes is not known")
    provisioner = dig(found.inputs, "provisioner")
    if provisioner == EBS_PROVISIONER:
        return str(dig(found.inputs, "parameters", "type") or "gp3")
    if provisioner in SHARED_PROVISIONERS:
        return None
    raise Unpriceable(f"no price for volumes of {provisioner} in the table")


def _together(quotes: Iterator[Quote | None]) -> Quote | None:
    parts = [quote for quote in quotes if quote is not None]
    found: list[LineItem] = [item for quote in parts for item in quote.items]
    left_out = tuple(dict.fromkeys(text for quote in parts for text in quote.left_out))
    notes = tuple(dict.fromkeys(text for quote in parts for text in quote.notes))
    return Quote(tuple(found), left_out, notes) if found or left_out else None
