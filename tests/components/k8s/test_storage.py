"""Storage classes and shared volumes."""

from __future__ import annotations

from components.layout.storage import block_class
from tests.components.aws.builders import FILES, KEPT, waits_for
from tests.components.k8s.builders import ON_PREMISES, TWO_TEAMS, objects, plan, switched, view
from trellis.plan import UNKNOWN

DRIVERS = switched(True, "efs-csi", "fsx-csi")


def test_the_default_class_is_encrypted_gp3_in_the_zone_of_the_pod() -> None:
    made = objects(plan(), "StorageClass")
    assert set(made) == {(None, "gp3-encrypted")}
    inputs = made[None, "gp3-encrypted"].inputs
    assert inputs["metadata"]["annotations"] == {"storageclass.kubernetes.io/is-default-class": "true"}
    assert inputs["provisioner"] == "ebs.csi.aws.com"
    assert inputs["parameters"]["type"] == "gp3"
    assert inputs["parameters"]["encrypted"] == "true"
    assert inputs["volumeBindingMode"] == "WaitForFirstConsumer"
    assert inputs["allowVolumeExpansion"] is True
    assert inputs["reclaimPolicy"] == "Delete"


def test_volumes_carry_the_tags_by_which_costs_are_told_apart() -> None:
    parameters = objects(plan(), "StorageClass")[None, "gp3-encrypted"].inputs["parameters"]
    marks = {value for key, value in parameters.items() if key.startswith("tagSpecification_")}
    assert marks == {"trellis:environment=trial", "trellis:team=ml-platform", "trellis:cost-centre=ai-1000"}


def test_what_is_retained_keeps_its_volumes() -> None:
    assert objects(plan(KEPT), "StorageClass")[None, "gp3-encrypted"].inputs["reclaimPolicy"] == "Retain"


def test_the_class_waits_for_the_driver_that_eks_runs() -> None:
    recorded = plan()
    (driver,) = (r for r in recorded.resources if r.inputs.get("addonName") == "aws-ebs-csi-driver")
    made = objects(recorded, "StorageClass")[None, "gp3-encrypted"]
    assert driver.urn in waits_for(recorded)[made.urn]


def test_there_is_one_default_class() -> None:
    made = objects(plan(FILES, DRIVERS), "StorageClass").values()
    marked = [r for r in made if r.inputs["metadata"].get("annotations")]
    assert len(marked) == 1


def test_shared_files_get_a_class_where_asked() -> None:
    made = objects(plan(FILES, DRIVERS), "StorageClass")[None, "efs"]
    assert made.inputs["parameters"]["provisioningMode"] == "efs-ap"
    assert made.inputs["parameters"]["fileSystemId"] == UNKNOWN
    assert (None, "efs") not in objects(plan(DRIVERS), "StorageClass")


def test_lustre_is_a_volume_and_a_claim_of_each_team() -> None:
    recorded = plan(FILES, DRIVERS, TWO_TEAMS)
    volumes, claims = objects(recorded, "PersistentVolume"), objects(recorded, "PersistentVolumeClaim")
    assert set(volumes) == {(None, "lustre-research"), (None, "lustre-search")}
    assert set(claims) == {("research", "lustre"), ("search", "lustre")}
    for (team, _), claim in claims.items():
        volume = volumes[None, f"lustre-{team}"].inputs["spec"]
        assert claim.inputs["spec"]["volumeName"] == f"lustre-{team}"
        assert volume["claimRef"]["namespace"] == team, "another team must not bind it"
        assert volume["persistentVolumeReclaimPolicy"] == "Retain"
        assert claim.inputs["spec"]["storageClassName"] == volume["storageClassName"] == ""
        assert volume["capacity"]["storage"] == claim.inputs["spec"]["resources"]["requests"]["storage"] == "2400Gi"


def test_on_premises_no_class_is_made() -> None:
    assert not objects(plan(ON_PREMISES), "StorageClass")
    assert block_class(view(ON_PREMISES, cluster="dc1")) == "local-path"
