"""Split the gathered price sheets into the catalogue's normal form.

Usage: ``python tools/build_catalogue.py FOLDER`` where FOLDER holds ``prices/aws_*.csv`` as described in
``components/catalogue/data/SOURCES.md``. Writes ``instances.csv``, ``ec2_prices.csv``, ``ec2_spot_zones.csv``,
``rds_prices.csv`` and ``other_prices.csv``. The other tables of the catalogue are written by hand.

Figures that follow from other figures (spot estimate, lowest and highest zone price) are dropped here and
computed by the catalogue, so that they can never disagree with what they come from.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

Row = Mapping[str, str]
DATA = Path(__file__).resolve().parent.parent / "components" / "catalogue" / "data"

# Karpenter's label value names only the chip; the A100 comes with two memory sizes that differ in MIG profiles.
ACCELERATOR_BY_CHIP_AND_MIB = {("a100", "40960"): "a100-40gb", ("a100", "81920"): "a100-80gb"}

# The sheet's source names carry dates and remarks; `price_sources.csv` explains each key once.
SOURCE_KEYS = {
    "karpenter-2026-07-20": "karpenter-2026-07",
    "ec2.shop-2025-04-04": "ec2shop-2025-04",
    "scaled(ec2.shop*us-east-1 change)": "ec2shop-scaled",
    "skypilot-v8": "skypilot-v8",
    "skypilot-v8(no on-demand)": "skypilot-v8",
}
INSTANCE_COLUMNS = [
    "name",
    "family",
    "arch",
    "vcpu",
    "memory_gib",
    "accelerator",
    "accelerator_count",
    "gpu_mib",
    "network_mbps",
    "ebs_mbps",
    "efa_interfaces",
    "allocatable_cpu_millis",
    "allocatable_memory_mib",
    "max_pods",
    "local_nvme_gb",
]
EC2_COLUMNS = [
    "name",
    "region",
    "on_demand_usd_h",
    "source",
    "ri1y_noupfront_usd_h",
    "ri3y_noupfront_usd_h",
    "spot_saving_pct",
    "spot_interruption",
]
LOCAL_ZONE = re.compile(r"-.*-")  # use1-atl2-az1: a local zone, whose prices are not the region's


def read(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def write(name: str, header: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with (DATA / name).open("w", newline="", encoding="utf-8") as handle:
        handle.write(f"# {header}\n# Written by tools/build_catalogue.py; sources: SOURCES.md\n")
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(sorted(rows))


def accelerator(row: Row) -> str:
    chip = row["accelerator"]
    return ACCELERATOR_BY_CHIP_AND_MIB.get((chip, row["gpu_mem_mib_each"]), chip)


def instance(row: Row) -> tuple[str, ...]:
    return (
        row["instance_type"],
        row["family"],
        row["arch"],
        row["vcpu"],
        row["memory_gib"],
        accelerator(row),
        row["accelerator_count"],
        row["gpu_mem_mib_each"],
        row["network_mbps"],
        row["ebs_mbps"],
        row["efa"],
        row["alloc_cpu"].removesuffix("m"),
        row["alloc_memory"].removesuffix("Mi"),
        row["max_pods"],
        row["local_nvme_gb"],
    )


def ec2_price(row: Row) -> tuple[str, ...]:
    source = SOURCE_KEYS[row["ondemand_src"]]
    if row["instance_type"] == "trn2.48xlarge":  # in one source only, so marked unsure there
        source = "ec2shop-single"
    return (
        row["instance_type"],
        row["region"],
        row["ondemand_usd_h"],
        source,
        row["ri1y_noupfront_usd_h"],
        row["ri3y_noupfront_usd_h"],
        row["spot_saving_pct"],
        row["spot_interrupt_bucket"],
    )


def main(folder: Path) -> None:
    prices = folder / "prices"
    ec2 = read(prices / "aws_ec2_prices.csv")
    write(
        "instances.csv",
        "EC2 instance types, as of 2026-08-21. gpu_mib: MiB that EC2 reports per GPU; accelerator_count 0 with an"
        " accelerator is a fraction of one.",
        INSTANCE_COLUMNS,
        {instance(row) for row in ec2},
    )
    write(
        "ec2_prices.csv",
        "USD per hour, Linux, shared tenancy; dates per source key in price_sources.csv. A missing row is not offered.",
        EC2_COLUMNS,
        [ec2_price(row) for row in ec2],
    )
    zones = [r for r in read(prices / "aws_p_family_spot_by_az.csv") if r["az_id"] and r["spot_usd_h"]]
    write(
        "ec2_spot_zones.csv",
        "Spot USD per hour by zone id, P family; source key skypilot-v8. Local zones are left out.",
        ("name", "region", "zone_id", "spot_usd_h"),
        [
            (r["instance_type"], r["region"], r["az_id"], r["spot_usd_h"])
            for r in zones
            if not LOCAL_ZONE.search(r["az_id"])
        ],
    )
    write(
        "rds_prices.csv",
        "RDS for PostgreSQL, USD per hour, instance only (no storage), as of 2025-04-04; source key ec2shop-2025-04.",
        [
            "instance_class",
            "region",
            "single_az_usd_h",
            "multi_az_usd_h",
            "ri1y_single_az_usd_h",
            "ri1y_multi_az_usd_h",
        ],
        [tuple(r.values()) for r in read(prices / "aws_rds_postgres.csv")],
    )
    write(
        "other_prices.csv",
        "Services that are not instances, USD per unit; confidence: sure (read in data), likely, unsure (check it).",
        ["service", "item", "region", "unit", "usd", "source", "as_of", "confidence"],
        [
            # A range is as old as its start: the age of a price must never look younger than it is.
            (*list(r.values())[:6], r["as_of"].split("..")[0], r["confidence"])
            for r in read(prices / "aws_other_prices.csv")
        ],
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/build_catalogue.py FOLDER   (the folder that holds prices/aws_ec2_prices.csv)")
    main(Path(sys.argv[1]))
