"""Instance types and accelerators."""

from __future__ import annotations

import pytest

from components.catalogue import hardware
from components.catalogue.hardware import UnknownGpu, UnknownInstanceType, family, gpu, instance_type


def test_a_gpu_type_says_what_its_nodes_offer() -> None:
    kind = instance_type("g6.12xlarge")
    assert (kind.family, kind.arch, kind.vcpu, kind.memory_gib) == ("g6", "amd64", 48, 192)
    assert kind.gpu is not None
    assert (kind.gpu.id, kind.gpu_count, kind.gpu.resource) == ("l4", 4, "nvidia.com/gpu")
    assert kind.gpu_memory_gib == pytest.approx(22.35, abs=0.01)  # 22888 MiB / 1024
    assert not kind.mig_capable


def test_the_two_a100_are_told_apart() -> None:
    small, big = instance_type("p4d.24xlarge").gpu, instance_type("p4de.24xlarge").gpu
    assert small is not None
    assert big is not None
    assert (small.id, small.chip, big.id, big.chip) == ("a100-40gb", "a100", "a100-80gb", "a100")


@pytest.mark.parametrize(("name", "share"), [("g6f.large", 1 / 8), ("g6f.2xlarge", 1 / 4), ("gr6f.4xlarge", 1 / 2)])
def test_a_fraction_of_a_gpu_is_no_gpu(name: str, share: float) -> None:
    kind = instance_type(name)
    assert (kind.gpu_count, kind.gpu_fraction) == (0, share)
    assert not kind.mig_capable


def test_aws_chips_are_not_gpus() -> None:
    kind = instance_type("inf2.xlarge")
    assert kind.gpu is None
    assert kind.gpu_count == 0
    assert kind.accelerator is not None
    assert (kind.accelerator_count, kind.accelerator.resource) == (1, "aws.amazon.com/neuron")


def test_plain_types_have_none() -> None:
    kind = instance_type("m7i.large")
    assert (kind.gpu, kind.accelerator, kind.gpu_count, kind.efa, kind.local_nvme_gb) == (None, None, 0, False, 0)


def test_efa_counts_interfaces() -> None:
    assert instance_type("p5.48xlarge").efa_interfaces == 32
    assert instance_type("p5.48xlarge").network_gbps == 3200


def test_what_no_source_lists_is_none_not_zero() -> None:
    old = instance_type("p3.2xlarge")
    assert (old.max_pods, old.allocatable_cpu_millis, old.network_gbps) == (None, None, None)


def test_mig_on_aws_is_more_than_mig() -> None:
    assert instance_type("p5.4xlarge").mig_capable
    assert gpu("rtx-pro-server-6000").mig_capable
    assert not instance_type("g7e.2xlarge").mig_capable


def test_no_throughput_is_not_unknown_throughput() -> None:
    assert gpu("t4").bf16_tflops == 0
    assert gpu("rtx-pro-server-6000").fp16_tflops is None


def test_family_is_smallest_first() -> None:
    names = [kind.name for kind in family("g6")]
    assert names[0] == "g6.xlarge"
    assert names[-1] == "g6.48xlarge"
    assert family("x99") == ()


def test_an_unknown_type_offers_the_nearest() -> None:
    with pytest.raises(UnknownInstanceType, match=r"no instance type 'g6\.xlrge'.*g6\.xlarge") as error:
        instance_type("g6.xlrge")
    assert error.value.nearest[0] == "g6.xlarge"


def test_an_unknown_gpu_offers_the_nearest() -> None:
    with pytest.raises(UnknownGpu, match="'A100-40GB'") as error:
        gpu("A100-40GB")
    assert error.value.nearest[0] == "a100-40gb"


def test_tables_cannot_be_changed_by_a_caller() -> None:
    with pytest.raises(TypeError):
        hardware.instance_types()["x"] = instance_type("g6.xlarge")  # type: ignore[index] # that is what is tested
