"""The tables equal the gathered sheets that they were made from."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import pytest

from components.catalogue import hardware, mig, prices
from components.catalogue.tables import rows
from tests.support.shared import require_shared
from tools import build_catalogue

SHEET_GPUS = {
    "A100-40GB": "a100-40gb",
    "A100-80GB": "a100-80gb",
    "H100-80GB": "h100",
    "H200-141GB": "h200",
    "B200-180GB": "b200",
    "B300-288GB": "b300",
}


def sheet(name: str) -> list[Mapping[str, str]]:
    with (require_shared() / name).open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def test_rebuilding_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = require_shared()
    monkeypatch.setattr(build_catalogue, "DATA", tmp_path)
    build_catalogue.main(folder)
    built = sorted(tmp_path.glob("*.csv"))
    assert len(built) == 5
    for path in built:
        kept = prices.__file__.replace("prices.py", f"data/{path.name}")
        assert path.read_text(encoding="utf-8") == Path(kept).read_text(encoding="utf-8"), path.name


def test_derived_figures_agree_with_the_sheet() -> None:
    """The sheet stores the spot estimate and the lowest and highest zone price; the catalogue computes them."""
    seen = 0
    for row in sheet("prices/aws_ec2_prices.csv"):
        found = prices.spot(row["instance_type"], row["region"])
        zones = prices.spot_by_zone(row["instance_type"], row["region"])
        if row["spot_az_min_usd_h"]:
            assert min(zones.values()) == float(row["spot_az_min_usd_h"])
            assert max(zones.values()) == float(row["spot_az_max_usd_h"])
        elif row["spot_est_usd_h"]:
            assert found is not None
            assert found.expected == pytest.approx(float(row["spot_est_usd_h"]), abs=1e-5)
        else:
            assert found is None
        seen += 1
    assert seen == len(rows("ec2_prices.csv"))


def test_mig_profiles_are_those_of_the_sheet() -> None:
    for row in sheet("facts/mig_profiles.csv"):
        found = mig.profile(SHEET_GPUS[row["gpu"]], row["profile"])
        assert found.compute_slices == int(row["compute_slices_of_7"])
        assert found.memory_slices == int(row["memory_slices_of_8"])
        assert found.max_per_gpu == int(row["max_per_gpu"])
        assert found.starts == tuple(map(int, row["placement_starts"].split()))
        assert found.resource == row["k8s_resource_mixed_strategy"]
        for name in row["aws_instance_types"].split():
            kind = hardware.instance_type(name)
            assert kind.gpu is not None
            assert kind.gpu.id == found.gpu
            assert kind.mig_capable
