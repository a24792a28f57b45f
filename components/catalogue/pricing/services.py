"""Pricers of managed services: the EKS control plane, databases, keys, secrets, and storage by stated volume."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from components.catalogue.eks_versions import EksVersion, UnknownEksVersion, eks_version
from components.catalogue.prices import other_or_reference, rds
from components.catalogue.pricing.model import Context, Quote, Resource, Unpriceable, steady
from components.catalogue.pricing.network import listed, quote
from components.catalogue.pricing.read import count, gib, tag, text, truth
from components.catalogue.pricing.volumes import volume

STORED_TAG = "trellis:expected-gib"
"""Tag in which a bucket, file system or registry states how many GiB it is expected to hold."""

INGEST_TAG = "trellis:expected-gib-month"
"""Tag in which a log group states how many GiB it is expected to take in a month."""

WARN_DAYS = 180
"""How long before extended support begins a quote mentions it."""

Pricer = Callable[[Resource, Context, str], Quote]


def eks_cluster(resource: Resource, context: Context, region: str) -> Quote:
    """Price a control plane: 0.10 USD/h, or 0.60 in extended support on the day the caller asks about."""
    version = text(resource.inputs, "version")
    stays = text(resource.inputs, "upgradePolicy", "supportType", default="EXTENDED") == "EXTENDED"
    tier, notes = _support(version, context.as_of, stays=stays)
    price = listed("eks", f"control plane, {tier} support", region)
    left_out = []
    if truth(resource.inputs, "computeConfig", "enabled"):
        left_out.append("EKS Auto Mode's fee, about 12 % on top of each instance it starts")
    found = quote([steady(f"control plane, {tier} support", price)], [price], *left_out)
    return Quote(found.items, found.left_out, (*found.notes, *notes))


def database(resource: Resource, _context: Context, region: str) -> Quote:
    """Price an RDS for PostgreSQL instance: instance hours; its storage has no price in the table."""
    engine = text(resource.inputs, "engine")
    if engine != "postgres":
        raise Unpriceable(f"no price for RDS engine {engine!r} in the table (it has postgres)")
    name = text(resource.inputs, "instanceClass")
    multi = truth(resource.inputs, "multiAz")
    price = rds(name or "", region, multi_az=multi)
    if price is None:
        raise Unpriceable(f"no price for RDS class {name} in {region}")
    stored = count(resource.inputs, "allocatedStorage", default=0.0) or 0.0
    most = count(resource.inputs, "maxAllocatedStorage", default=stored)
    zones = "multi-AZ" if multi else "single AZ"
    return Quote(
        (steady(f"database instance, {zones}", price, 1.0, f"1 {name}"),),
        (f"database storage ({stored:g} GiB, at most {most:g} GiB) and backups: no RDS storage price in the table",),
    )


def kms_key(_resource: Resource, _context: Context, region: str) -> Quote:
    """Price a customer-managed key; requests and rotated key material come on top."""
    price = listed("kms", "customer key", region)
    return quote([steady("customer key", price)], [price], "requests, and further key material after rotations")


def secret(_resource: Resource, _context: Context, region: str) -> Quote:
    """Price a secret in Secrets Manager."""
    price = listed("secretsmanager", "secret", region)
    return quote([steady("secret", price)], [price], "API calls")


def hosted_zone(_resource: Resource, _context: Context, region: str) -> Quote:
    """Price a Route 53 hosted zone."""
    price = listed("route53", "hosted zone", region)
    return quote([steady("hosted zone", price)], [price], "queries")


def stored(service: str, item: str, *left_out: str) -> Pricer:
    """Return a pricer of something billed by what it holds, which only the tag `trellis:expected-gib` can tell."""

    def pricer(resource: Resource, _context: Context, region: str) -> Quote:
        volume_gib = gib(tag(resource.inputs, STORED_TAG))
        if volume_gib is None:
            raise Unpriceable(f"billed by what it holds: state the expected volume in the tag {STORED_TAG}")
        price = listed(service, item, region)
        return quote([steady(item, price, volume_gib, f"{volume_gib:g} GB")], [price], *left_out)

    return pricer


def log_group(resource: Resource, _context: Context, region: str) -> Quote:
    """Price a log group by the intake that its tag states, kept for its retention (archive compresses: upper bound)."""
    intake = gib(tag(resource.inputs, INGEST_TAG))
    if intake is None:
        raise Unpriceable(f"billed by what is written to it: state the expected intake in the tag {INGEST_TAG}")
    ingest = listed("cloudwatch_logs", "ingest", region)
    archive = listed("cloudwatch_logs", "archive", region)
    days = count(resource.inputs, "retentionInDays", default=0.0) or 0.0
    if not days:
        return quote(
            [steady("ingest", ingest, intake, f"{intake:g} GB")],
            [ingest],
            "archive: without retentionInDays it grows for ever",
        )
    kept = intake * days / 30
    parts = [steady("ingest", ingest, intake, f"{intake:g} GB"), steady("archive", archive, kept, f"{kept:g} GB")]
    return quote(parts, [ingest, archive])


def ebs_volume(resource: Resource, _context: Context, region: str) -> Quote:
    """Price an EBS volume."""
    size = count(resource.inputs, "size")
    if size is None:
        raise Unpriceable("size must be set")
    kind = text(resource.inputs, "type", default="gp2") or "gp2"
    disk = volume(region, size, kind, count(resource.inputs, "iops"), count(resource.inputs, "throughput"))
    return Quote((disk.item("volume"),))


def file_system(resource: Resource, context: Context, region: str) -> Quote:
    """Price an EFS file system by stated volume; provisioned throughput comes on top."""
    one_zone = text(resource.inputs, "availabilityZoneName") is not None
    item = "one zone storage" if one_zone else "standard storage"
    found = stored("efs", item, "reads, writes and throughput")(resource, context, region)
    provisioned = count(resource.inputs, "provisionedThroughputInMibps")
    price = other_or_reference("efs", "provisioned throughput", region)
    if not provisioned or price is None:
        return found
    extra = steady("provisioned throughput", price, provisioned, f"{provisioned:g} MiB/s")
    return Quote((*found.items, extra), ("reads and writes",), found.notes)


def _support(version: str | None, on: date | None, *, stays: bool) -> tuple[str, list[str]]:
    """Return (tier, notes). `stays`: the cluster goes on in extended support instead of being upgraded."""
    if version is None:
        return "standard", ["no version set: EKS takes its default, which is in standard support"]
    if on is None:
        return "standard", ["no date given: whether it is in extended support was not judged"]
    try:
        calendar = eks_version(version)
    except UnknownEksVersion:
        return "standard", [f"Kubernetes {version} is not in the EKS calendar: standard support assumed"]
    left = calendar.days_to_extended(on)
    if left is None:
        return "standard", [f"no support dates known for Kubernetes {version}: standard support assumed"]
    if left <= 0:
        return _past(calendar, stays=stays)
    soon = f"extended support, at six times the price, begins in {left} days ({_until(calendar)})"
    return "standard", [soon] if left <= WARN_DAYS else []


def _past(calendar: EksVersion, *, stays: bool) -> tuple[str, list[str]]:
    if not stays:
        return "standard", [f"standard support ended {_until(calendar)}: EKS upgrades this cluster by itself"]
    return "extended", [f"in extended support since {_until(calendar)}: an upgrade saves five sixths"]


def _until(calendar: EksVersion) -> str:
    return "" if calendar.standard_until is None else calendar.standard_until.isoformat()
