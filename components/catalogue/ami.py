"""Node images, and who owns the GPU driver on each: the image or the NVIDIA GPU Operator, never both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from components.catalogue.tables import CatalogueError, flag, nearest, rows, whole


class UnknownNodeImage(CatalogueError):  # noqa: N818 - the name reads as what it says where it is caught
    """A node image that the ownership table does not list; `nearest` holds those that look like it."""

    def __init__(self, name: str, nearest: list[str]) -> None:
        self.name = name
        self.nearest = nearest
        super().__init__(f"no node image {name!r} in the catalogue; it has {', '.join(node_images())}")


@dataclass(frozen=True, slots=True)
class DriverOwnership:
    """What the GPU Operator may install on such nodes: values of its chart's `<name>.enabled` switches."""

    driver: bool
    toolkit: bool
    device_plugin: bool
    mig_manager: bool


@dataclass(frozen=True, slots=True)
class NodeImage:
    """An operating system that nodes may run."""

    id: str
    title: str
    platform: str
    """`eks` or `existing`."""
    karpenter_alias: str | None
    """Pinned `amiSelectorTerms` alias; None where the image needs an id of its own. With an alias Karpenter picks the
    GPU variant by itself. Pinned, because `@latest` replaces all nodes on each image release."""
    operator: DriverOwnership
    driver_owner: str
    """`image` or `operator`."""
    supported_by: str
    """Who answers when the GPU stack fails there: AWS or NVIDIA."""
    source: str
    note: str
    ami_types: Mapping[tuple[str, bool], str]
    """EKS `amiType` of a managed node group by (arch, with NVIDIA GPU); empty where EKS has none."""
    os_device: str | None
    """Device of the volume that holds only the system; None where it shares the data volume."""
    os_gib: int
    data_device: str | None
    """Device of the volume that holds images and pods, whose size a pool states; None for existing nodes."""

    def ami_type(self, arch: str, *, gpu: bool) -> str | None:
        """Return the EKS `amiType` for `amd64` or `arm64` nodes; None where EKS has none for this image."""
        return self.ami_types.get((arch, gpu))


def node_image(name: str) -> NodeImage:
    """Return a node image. Raises `UnknownNodeImage`."""
    known = node_images()
    if name not in known:
        raise UnknownNodeImage(name, nearest(name, known))
    return known[name]


@cache
def node_images() -> Mapping[str, NodeImage]:
    """Return all node images by id."""
    found = {}
    for row in rows("node_images.csv"):
        cells = {
            ("amd64", False): row["ami_type_amd64"],
            ("arm64", False): row["ami_type_arm64"],
            ("amd64", True): row["ami_type_amd64_nvidia"],
            ("arm64", True): row["ami_type_arm64_nvidia"],
        }
        found[row["id"]] = NodeImage(
            id=row["id"],
            title=row["title"],
            platform=row["platform"],
            karpenter_alias=row["karpenter_alias"] or None,
            operator=DriverOwnership(
                driver=flag(row["driver"]),
                toolkit=flag(row["toolkit"]),
                device_plugin=flag(row["device_plugin"]),
                mig_manager=flag(row["mig_manager"]),
            ),
            driver_owner=row["driver_owner"],
            supported_by=row["supported_by"],
            source=row["source"],
            note=row["note"],
            ami_types=MappingProxyType({key: value for key, value in cells.items() if value}),
            os_device=row["os_device"] or None,
            os_gib=whole(row["os_gib"]),
            data_device=row["data_device"] or None,
        )
    return MappingProxyType(found)
