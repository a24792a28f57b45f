"""Regions, node images and the EKS calendar."""

from __future__ import annotations

from datetime import date

import pytest

from components.catalogue.ami import UnknownNodeImage, node_image
from components.catalogue.eks_versions import UnknownEksVersion, eks_version
from components.catalogue.regions import UnknownRegion, region, regions


def test_each_region_has_three_zones_of_its_own() -> None:
    assert len(regions()) == 7
    for found in regions().values():
        assert len(set(found.default_zone_ids)) == 3
        assert len({zone.split("-")[0] for zone in found.zone_ids}) == 1


def test_the_zone_that_eks_refuses_is_not_offered() -> None:
    assert region("us-east-1").default_zone_ids == ("use1-az1", "use1-az2", "use1-az4")


def test_an_unknown_region_lists_those_with_prices() -> None:
    with pytest.raises(UnknownRegion, match=r"'us-est-1'.*eu-west-1") as error:
        region("us-est-1")
    assert error.value.nearest[0] == "us-east-1"


@pytest.mark.parametrize(
    ("image", "driver", "toolkit", "plugin", "mig"),
    [
        ("al2023", False, False, True, True),
        ("bottlerocket", False, False, False, False),
        ("ubuntu", True, True, True, True),
        ("existing-operator", True, True, True, True),
        ("existing-host", False, True, True, True),
    ],
)
def test_who_installs_what(image: str, driver: bool, toolkit: bool, plugin: bool, mig: bool) -> None:
    found = node_image(image).operator
    assert (found.driver, found.toolkit, found.device_plugin, found.mig_manager) == (driver, toolkit, plugin, mig)


def test_image_types_of_managed_groups() -> None:
    assert node_image("al2023").ami_type("amd64", gpu=True) == "AL2023_x86_64_NVIDIA"
    assert node_image("bottlerocket").ami_type("arm64", gpu=False) == "BOTTLEROCKET_ARM_64"
    assert node_image("ubuntu").ami_type("amd64", gpu=True) is None
    with pytest.raises(UnknownNodeImage, match="al2023"):
        node_image("al2")


@pytest.mark.parametrize(
    ("on", "support", "days"),
    [
        (date(2026, 1, 27), "not-released", 424),
        (date(2027, 3, 26), "standard", 1),
        (date(2027, 3, 27), "extended", 0),  # billed from the start of the day that standard support ends
        (date(2028, 3, 27), "ended", -366),
    ],
)
def test_calendar(on: date, support: str, days: int) -> None:
    assert eks_version("1.35").support(on) == support
    assert eks_version("1.35").days_to_extended(on) == days


def test_a_version_without_dates_says_so() -> None:
    assert eks_version("1.36").support(date(2026, 11, 23)) == "unknown"
    assert eks_version("1.36").days_to_extended(date(2026, 11, 23)) is None
    with pytest.raises(UnknownEksVersion, match=r"'1\.99'"):
        eks_version("1.99")
