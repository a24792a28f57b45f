"""Pricers of Kubernetes objects that make AWS start something billed: load balancers and volumes.

All other objects run on nodes, which their pools pay for. On an existing cluster (no region) nothing is billed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.catalogue.pricing.model import Context, LineItem, Quote, Resource, Unpriceable
from components.catalogue.pricing.network import balancer
from components.catalogue.pricing.read import count, dig, gib, items, quantity
from components.catalogue.pricing.volumes import volume

STORAGE_CLASS = "kubernetes:storage.k8s.io/v1:StorageClass"
EBS_PROVISIONER = "ebs.csi.aws.com"
SHARED_PROVISIONERS = frozenset({"efs.csi.aws.com", "s3.csi.aws.com"})
"""Drivers whose volumes are parts of a file system or bucket, which is a resource, and priced, of its own."""

VOLUME_TYPES = ("gp3", "gp2", "io2", "st1")
"""EBS volume types, by which storage classes are usually named."""

ALB_CLASS = "alb"


def service(resource: Resource, _context: Context, region: str) -> Quote | None:
    """Price a Service of type LoadBalancer as one network load balancer; other Services cost nothing."""
    return balancer("nlb", region) if dig(resource.inputs, "spec", "type") == "LoadBalancer" else None


def ingress(resource: Resource, context: Context, region: str) -> Quote | None:
    """Price an Ingress of class `alb` as one application load balancer; others share their controller's.

    Ingresses of one group share one: it is priced at the first of them.
    """
    if dig(resource.inputs, "spec", "ingressClassName") != ALB_CLASS:
        return None
    group = _group(resource)
    first = min(
        (
            one.urn
            for one in context.siblings.by_urn.values()
            if group and one.type == resource.type and _group(one) == group
        ),
        default=resource.urn,
    )
    return balancer("alb", region) if first == resource.urn else None


def _group(resource: Resource) -> str | None:
    annotations = dig(resource.inputs, "metadata", "annotations")
    name = annotations.get("alb.ingress.kubernetes.io/group.name") if isinstance(annotations, Mapping) else None
    return name if isinstance(name, str) else None


def claim(resource: Resource, context: Context, region: str) -> Quote | None:
    """Price a PersistentVolumeClaim as the EBS volume it makes; a part of a file system costs nothing more."""
    return Owner(resource, context, region).volumes(dig(resource.inputs, "spec"), 1)


def stateful_set(resource: Resource, context: Context, region: str) -> Quote | None:
    """Price the volumes that a StatefulSet claims for each replica."""
    owner = Owner(resource, context, region)
    replicas = int(count(resource.inputs, "spec", "replicas", default=1.0) or 0)
    templates = items(resource.inputs, "spec", "volumeClaimTemplates")
    return _together(owner.volumes(dig(template, "spec"), replicas) for template in templates)


def release(resource: Resource, context: Context, region: str) -> Quote | None:
    """Price what a chart's values ask for in the usual shapes; None where they ask for nothing billed.

    `service.type: LoadBalancer`, `persistence.{enabled, size}` and `volumeClaimTemplate`, wherever they stand; times
    the `replicas` beside or above them. What a chart does by its own defaults is not seen here.
    """
    values = dig(resource.inputs, "values")
    return _together(Owner(resource, context, region).wants(values, 1)) if isinstance(values, Mapping) else None


@dataclass(frozen=True, slots=True)
class Owner:
    """The resource that asks for volumes, and where."""

    resource: Resource
    context: Context
    region: str

    def wants(self, values: Mapping[str, Any], replicas: int) -> Iterator[Quote | None]:
        """Find what a chart's values ask for."""
        stated = quantity(values.get("replicas", values.get("replicaCount")))
        here = replicas if stated is None else int(stated)
        for key, value in values.items():
            if not isinstance(value, Mapping):
                continue
            if key == "service" and value.get("type") == "LoadBalancer":
                yield balancer("nlb", self.region)
            elif key == "persistence" and value.get("enabled") is True:
                size, kind = value.get("size"), value.get("storageClass", value.get("storageClassName"))
                yield self.volumes({"resources": {"requests": {"storage": size}}, "storageClassName": kind}, here)
            elif key == "volumeClaimTemplate":
                yield self.volumes(value.get("spec"), here)
            else:
                yield from self.wants(value, here)

    def volumes(self, spec: Any, number: int) -> Quote | None:
        """Price one claim, so many times. None where its class makes no volume of its own."""
        kind = self.ebs_kind(dig(spec, "storageClassName"))
        if kind is None:
            return None
        size = gib(dig(spec, "resources", "requests", "storage"))
        if size is None:
            return Quote((), ("a persistent volume whose size the plan does not say",))
        return Quote((volume(self.region, size, kind).item("persistent volumes", number),))

    def ebs_kind(self, storage_class: Any) -> str | None:
        """Return the EBS volume type behind a storage class; None for shared drivers. Raises `Unpriceable`."""
        if storage_class is None:
            return "gp3"  # the platform's default class
        found = self.context.siblings.near(self.resource, STORAGE_CLASS, storage_class)
        if found is None:
            known = (kind for kind in VOLUME_TYPES if str(storage_class).startswith(kind))
            by_name = next(known, None)
            if by_name is None:
                raise Unpriceable(f"storage class {storage_class!r} is not in the plan, so what it makes is not known")
            return by_name
        provisioner = dig(found.inputs, "provisioner")
        if provisioner in SHARED_PROVISIONERS:
            return None
        if provisioner != EBS_PROVISIONER:
            raise Unpriceable(f"no price for volumes of {provisioner} in the table")
        return str(dig(found.inputs, "parameters", "type") or "gp3")


def _together(quotes: Iterator[Quote | None]) -> Quote | None:
    parts = [quote for quote in quotes if quote is not None]
    found: list[LineItem] = [item for quote in parts for item in quote.items]
    left_out = tuple(dict.fromkeys(text for quote in parts for text in quote.left_out))
    notes = tuple(dict.fromkeys(text for quote in parts for text in quote.notes))
    return Quote(tuple(found), left_out, notes) if found or left_out else None
