"""The tables hold together."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from components.catalogue import ami, eks_versions, hardware, mig, prices, regions, tables
from components.catalogue.pricing.registry import PRICERS, listed_types
from components.catalogue.tables import DATA, nearest, rows

KEYS = {
    "accelerators.csv": ("id",),
    "ec2_prices.csv": ("name", "region"),
    "ec2_spot_zones.csv": ("name", "region", "zone_id"),
    "eks_versions.csv": ("version",),
    "instances.csv": ("name",),
    "mig_profiles.csv": ("gpu", "profile"),
    "node_images.csv": ("id",),
    "other_prices.csv": ("service", "item", "region"),
    "price_sources.csv": ("key",),
    "priced_types.csv": ("type",),
    "rds_prices.csv": ("instance_class", "region"),
    "regions.csv": ("region",),
}
DATE = re.compile(r"^20\d\d(-(0[1-9]|1[0-2])(-([0-2]\d|3[01]))?)?$")
MONEY = re.compile(r"(_usd_h|^usd)$|^spot_usd_h$")


def test_every_table_that_is_explained_is_checked_here() -> None:
    """`data/` also holds tables of other rooms, with tests of their own; SOURCES.md lists those of this one."""
    listed = re.findall(r"^\| `(\w+\.csv)` \|", (DATA / "SOURCES.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(KEYS)
    assert set(KEYS) <= {path.name for path in DATA.glob("*.csv")}


@pytest.mark.parametrize("table", sorted(KEYS))
def test_rows_are_whole_and_keys_unique(table: str) -> None:
    found = rows(table)
    assert found
    counts = Counter(tuple(row[column] for column in KEYS[table]) for row in found)
    assert [key for key, count in counts.items() if count > 1] == []
    for row in found:
        assert None not in row, f"{table}: a row has too many cells: {row}"
        assert None not in row.values(), f"{table}: a row has too few cells: {row}"
        assert all(value == value.strip() for value in row.values()), row


@pytest.mark.parametrize("table", sorted(KEYS))
def test_every_table_is_explained(table: str) -> None:
    assert f"`{table}`" in (DATA / "SOURCES.md").read_text(encoding="utf-8")
    assert (DATA / table).read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("table", sorted(KEYS))
def test_money_is_positive_and_confidence_known(table: str) -> None:
    for row in rows(table):
        for column, value in row.items():
            if MONEY.search(column) and value:
                free = row.get("item", "").startswith("gateway endpoint")
                assert float(value) > 0 or free, row
            if column == "confidence":
                assert value in prices.RANK, row
            if column == "as_of":
                assert DATE.match(value), row


def test_every_price_has_its_instance_and_region() -> None:
    for table in ("ec2_prices.csv", "ec2_spot_zones.csv"):
        for row in rows(table):
            assert row["name"] in hardware.instance_types(), row
            assert row["region"] in regions.regions(), row
    unpriced = set(hardware.instance_types()) - {row["name"] for row in rows("ec2_prices.csv")}
    assert unpriced == set()


def test_every_spot_zone_is_a_zone_of_its_region() -> None:
    disallowed = {"use1-az3"}  # exists, but may hold no EKS cluster subnets
    for row in rows("ec2_spot_zones.csv"):
        assert row["zone_id"] in {*regions.region(row["region"]).zone_ids, *disallowed}, row


def test_every_source_key_is_explained() -> None:
    keys = {row["key"] for row in rows("price_sources.csv")}
    assert {row["source"] for row in rows("ec2_prices.csv")} <= keys


def test_every_price_has_a_known_spot_bucket_and_saving() -> None:
    for row in rows("ec2_prices.csv"):
        assert row["spot_interruption"] in {"", "<5%", "5-10%", "10-15%", "15-20%", ">20%"}
        assert bool(row["spot_interruption"]) == bool(row["spot_saving_pct"])
        assert not row["spot_saving_pct"] or 0 <= float(row["spot_saving_pct"]) <= 90


def test_every_accelerator_is_known_and_used() -> None:
    used = {row["accelerator"] for row in rows("instances.csv")} - {""}
    assert used == set(hardware.gpus())


def test_unsure_fields_are_fields() -> None:
    for gpu in hardware.gpus().values():
        assert set(gpu.unsure_fields) <= set(hardware.Gpu.__slots__), gpu.id
        assert gpu.confidence != "sure" or len(gpu.unsure_fields) < 2, gpu.id


def test_instances_are_sane() -> None:
    for kind in hardware.instance_types().values():
        assert kind.vcpu > 0
        assert kind.memory_gib > 0
        assert kind.arch in {"amd64", "arm64"}
        assert kind.name.startswith(f"{kind.family}.")
        if kind.allocatable_cpu_millis is not None:
            assert kind.allocatable_cpu_millis <= 1000 * kind.vcpu
        if kind.allocatable_memory_mib is not None:
            assert kind.allocatable_memory_mib <= 1024 * kind.memory_gib
        if kind.gpu is not None:
            assert kind.gpu_memory_mib > 0, kind.name
            assert (kind.gpu_count > 0) != (kind.gpu_fraction > 0), kind.name


def test_mig_profiles_follow_from_their_slices() -> None:
    for gpu in hardware.gpus().values():
        found = mig.profiles(gpu)
        assert bool(found) == gpu.mig_capable
        for profile in found:
            assert profile.resource == mig.resource_name(profile.name)
            assert profile.name.startswith(f"{profile.compute_slices}g.")
            assert all(s + profile.memory_slices <= gpu.mig_memory_slices for s in profile.starts), profile
            if not profile.media_extensions:
                # Runs of memory that do not overlap, as far as there is compute for them.
                runs = {start // profile.memory_slices for start in profile.starts}
                assert profile.max_per_gpu == min(len(runs), gpu.mig_compute_slices // profile.compute_slices)
                alone = mig.check_layout(gpu, {profile.name: profile.max_per_gpu})
                assert alone.legal, (profile, alone.reason)
                assert not mig.check_layout(gpu, {profile.name: profile.max_per_gpu + 1}).legal, profile


def test_node_images_have_one_driver_owner() -> None:
    for image in ami.node_images().values():
        assert image.operator.driver == (image.driver_owner == "operator"), image.id
        assert image.platform in {"eks", "existing"}
        assert image.karpenter_alias is None or "@v" in image.karpenter_alias, "an alias must be pinned"


def test_eks_calendar_is_in_order() -> None:
    dated = [v for v in eks_versions.eks_versions().values() if v.released]
    for version in dated:
        assert version.standard_until is not None
        assert version.extended_until is not None
        assert version.released is not None
        assert version.released < version.standard_until < version.extended_until
        assert (version.extended_until - version.standard_until).days in (365, 366)
    assert [v.released for v in dated] == sorted(v.released for v in dated if v.released)


def test_types_have_one_home_and_exist_in_the_provider() -> None:
    assert set(PRICERS) & set(listed_types()) == set()
    for row in rows("priced_types.csv"):
        assert row["status"] in {"free", "unpriced"}
        assert row["why"]
    package = Path(pytest.importorskip("pulumi_aws").__file__).parent
    for kind in sorted({*PRICERS, *listed_types()}):
        provider, module = kind.split(":")[:2]
        if provider != "aws":
            continue
        source = "".join(p.read_text(encoding="utf-8") for p in _files(package, module.split("/")))
        assert f"'{kind}'" in source, f"pulumi-aws has no resource type {kind}"


def _files(package: Path, module: list[str]) -> list[Path]:
    folder = package / module[0]
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", module[1]).lower()
    named = folder / f"{snake}.py"
    return [named] if named.exists() else sorted(folder.glob("*.py"))


@pytest.mark.parametrize("line", ["a,1,2", "a"])
def test_a_broken_row_is_seen(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check on whole rows looks for None: a row with a cell too many or too few must show one."""
    (tmp_path / "x.csv").write_text(f"# note\nname,usd\n{line}\n", encoding="utf-8")
    monkeypatch.setattr(tables, "DATA", tmp_path)
    (row,) = tables.rows("x.csv")
    assert None in row or None in row.values()


def test_nearest_names_are_offered() -> None:
    assert nearest("g6.xlrge", hardware.instance_types())[0] == "g6.xlarge"
    assert nearest("zzzz", hardware.instance_types()) == []


def test_catalogue_is_light() -> None:
    """Import and first use: under 0.1 s of CPU where nothing else runs; the bound leaves room for a busy machine."""
    script = (
        "import sys, time; t = time.process_time()\n"
        "from components.catalogue import ami, hardware, mig, prices, pricing, regions\n"
        "hardware.instance_types(); mig.profiles('h100'); prices.spot('p5.48xlarge', 'us-east-1')\n"
        "prices.other('x', 'y', 'z'); prices.rds('x', 'y', multi_az=True); regions.regions(); ami.node_images()\n"
        "took = time.process_time() - t\n"
        "heavy = {'pulumi', 'pydantic', 'yaml', 'boto3', 'pandas', 'components.spec'} & set(sys.modules)\n"
        "print(took, *sorted(heavy))\n"
    )
    runs = []
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603 - our own interpreter
        took, *heavy = done.stdout.split()
        assert heavy == [], f"the catalogue's tables pull in {heavy}"
        runs.append(float(took))
    assert min(runs) < 0.2
