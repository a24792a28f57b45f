"""Buckets, registry, files and database: closed, encrypted, kept where the environment says so."""

from __future__ import annotations

import json

import pytest

from components.layout.names import Names
from components.layout.s3 import Place, access, buckets, own
from components.spec.rules.buckets import MADE, PURPOSES
from components.spec.services import Storage
from tests.components.aws.builders import FILES, KEPT, SPLIT, aws_of, plan, waits_for
from trellis.plan import Plan, Resource

GUARDS = (
    "BucketLifecycleConfiguration",
    "BucketPolicy",
    "BucketPublicAccessBlock",
    "BucketServerSideEncryptionConfiguration",
    "BucketVersioning",
)
NAMES = Names(environment="trial", account_id="111122223333", region="us-east-1")
STATEFUL = {
    "Bucket": {"artefacts", "data", "models"},
    "Repository": {"models", "training"},
    "FileSystem": {"shared"},
    "LustreFileSystem": {"lustre"},
    "Instance": {"mlflow"},
}


@pytest.mark.parametrize("purpose", ["artefacts", "data", "models"])
def test_every_bucket_has_all_its_guards(purpose: str) -> None:
    recorded = plan()
    name = aws_of(recorded, "Bucket")[purpose].inputs["bucket"]
    assert name == f"trellis-trial-111122223333-{purpose}"
    for guard in GUARDS:
        assert aws_of(recorded, guard)[purpose].inputs["bucket"] == name
    block = aws_of(recorded, "BucketPublicAccessBlock")[purpose].inputs
    assert [block[key] for key in sorted(block) if key != "bucket"] == [True] * 4
    assert aws_of(recorded, "BucketVersioning")[purpose].inputs["versioningConfiguration"] == {"status": "Enabled"}


def test_plain_http_is_refused_for_the_bucket_and_its_objects() -> None:
    policy = json.loads(aws_of(plan(), "BucketPolicy")["data"].inputs["policy"])
    [statement] = policy["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Principal"] == "*"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    arn = "arn:aws:s3:::trellis-trial-111122223333-data"
    assert statement["Resource"] == [arn, f"{arn}/*"]


def test_old_versions_and_unfinished_uploads_end() -> None:
    rules = {name: r.inputs["rules"][0] for name, r in aws_of(plan(), "BucketLifecycleConfiguration").items()}
    days = {name: rule["noncurrentVersionExpiration"]["noncurrentDays"] for name, rule in rules.items()}
    assert days == {"data": 30, "artefacts": 30, "models": 90}
    assert {rule["abortIncompleteMultipartUpload"]["daysAfterInitiation"] for rule in rules.values()} == {7}
    assert {rule["status"] for rule in rules.values()} == {"Enabled"}


def test_the_rule_about_buckets_knows_their_names() -> None:
    assert {bucket.purpose for bucket in buckets(Storage())} == set(PURPOSES)
    for purpose in PURPOSES:
        made = MADE.fullmatch(NAMES.bucket(purpose))
        assert made is not None
        assert made.groupdict() == {"environment": "trial", "account": "111122223333", "purpose": purpose}


def test_what_is_expected_to_be_stored_is_stated_for_the_price() -> None:
    recorded = plan({"storage": {"dataGib": 700, "sharedFilesystemGib": 90}})
    assert aws_of(recorded, "Bucket")["data"].inputs["tags"]["trellis:expected-gib"] == "700"
    assert aws_of(recorded, "FileSystem")["shared"].inputs["tags"]["trellis:expected-gib"] == "90"


def test_repositories_share_what_all_images_are_expected_to_take() -> None:
    """Each is tagged with its part; the default stands for a volume that nobody stated."""
    for settings, part in (({}, "10"), ({"imagesGib": 50, "repositories": ["a", "b", "c"]}, "16.6667")):
        made = aws_of(plan({"storage": settings}), "Repository").values()
        assert made
        assert {r.inputs["tags"]["trellis:expected-gib"] for r in made} == {part}


def test_state_is_kept_where_the_environment_keeps_it_and_only_there() -> None:
    kept, open_ = plan(FILES, KEPT), plan(FILES)
    for kind, names in STATEFUL.items():
        assert aws_of(kept, kind).keys() == names
        for resource in aws_of(kept, kind).values():
            assert resource.protect, resource.urn
            assert resource.retain_on_delete, resource.urn
        for resource in aws_of(open_, kind).values():
            assert not resource.protect, resource.urn
            assert not resource.retain_on_delete, resource.urn


def test_a_retained_bucket_keeps_its_guards() -> None:
    """Retained, but with its policy and its public access block deleted, a bucket would be worse than gone."""
    kept = plan(KEPT)
    for guard in GUARDS:
        assert all(r.retain_on_delete for r in aws_of(kept, guard).values()), guard


def test_only_an_unprotected_bucket_is_emptied_by_a_destroy() -> None:
    assert {r.inputs["forceDestroy"] for r in aws_of(plan(), "Bucket").values()} == {True}
    assert {r.inputs["forceDestroy"] for r in aws_of(plan(KEPT), "Bucket").values()} == {False}
    assert {r.inputs["forceDelete"] for r in aws_of(plan(KEPT), "Repository").values()} == {False}


def test_repositories_never_move_a_tag_and_drop_untagged_images_only() -> None:
    recorded = plan()
    repository = aws_of(recorded, "Repository")["models"].inputs
    assert repository["name"] == "trellis-trial/models"
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    rules = json.loads(aws_of(recorded, "LifecyclePolicy")["models"].inputs["policy"])["rules"]
    assert [rule["selection"]["tagStatus"] for rule in rules] == ["untagged"]


def test_files_exist_only_where_asked_for() -> None:
    assert not aws_of(plan(), "FileSystem")
    assert not aws_of(plan(), "LustreFileSystem")
    assert not {"main-efs-csi", "main-fsx-csi"} & aws_of(plan(), "Addon").keys()


def test_asking_for_files_brings_their_drivers() -> None:
    assert {"main-efs-csi", "main-fsx-csi"} <= aws_of(plan(FILES), "Addon").keys()
    switched_off = plan(FILES, {"addons": {"efs-csi": False}})
    assert "main-efs-csi" not in aws_of(switched_off, "Addon")


def test_shared_files_can_be_mounted_in_each_zone_by_tls() -> None:
    recorded = plan(FILES)
    assert aws_of(recorded, "FileSystem")["shared"].inputs["encrypted"] is True
    assert aws_of(recorded, "MountTarget").keys() == {"shared-use1-az1", "shared-use1-az2", "shared-use1-az4"}
    statements = json.loads(aws_of(recorded, "FileSystemPolicy")["shared"].inputs["policy"])["Statement"]
    denied = [s for s in statements if s["Effect"] == "Deny"]
    assert [s["Condition"] for s in denied] == [{"Bool": {"aws:SecureTransport": "false"}}]
    [allowed] = [s for s in statements if s["Effect"] == "Allow"]
    assert allowed["Condition"] == {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}}


def test_lustre_stands_where_training_runs_and_shows_the_data_bucket() -> None:
    recorded = plan(FILES)
    association = aws_of(recorded, "DataRepositoryAssociation")["lustre"]
    assert association.inputs["dataRepositoryPath"] == "s3://trellis-trial-111122223333-data"
    assert aws_of(recorded, "Bucket")["data"].urn in waits_for(recorded)[association.urn]
    [subnet] = [d for d in aws_of(recorded, "LustreFileSystem")["lustre"].dependencies if "ec2/subnet" in d]
    assert subnet.endswith("::private-use1-az1")


def test_lustre_answers_on_its_ports_both_ways() -> None:
    recorded = plan(FILES)
    ports = {(r.inputs["fromPort"], r.inputs["toPort"]) for r in _rules(recorded, "SecurityGroupIngressRule", "lustre")}
    assert ports == {(988, 988), (1018, 1023)}
    names = {r.name for r in _rules(recorded, "SecurityGroupEgressRule", "lustre")}
    assert names == {"lustre-lustre", "lustre-lustre-more", "main-lustre-lustre-out", "main-lustre-lustre-more-out"}


def test_the_database_is_reached_by_its_cluster_and_by_tls_only() -> None:
    recorded = plan(SPLIT)
    rules = [r for r in aws_of(recorded, "SecurityGroupIngressRule").values() if r.inputs.get("toPort") == 5432]
    assert [r.name for r in rules] == ["training-database-postgres"]
    assert "referencedSecurityGroupId" in rules[0].inputs
    parameters = aws_of(recorded, "ParameterGroup")["mlflow"].inputs
    assert parameters["family"] == "postgres17"
    assert parameters["parameters"] == [{"name": "rds.force_ssl", "value": "1"}]
    instance = aws_of(recorded, "Instance")["mlflow"].inputs
    assert instance["publiclyAccessible"] is False
    assert instance["storageEncrypted"] is True


def test_nobody_writes_the_database_password_down() -> None:
    instance = aws_of(plan(), "Instance")["mlflow"].inputs
    assert instance["manageMasterUserPassword"] is True
    assert not {key for key in instance if key.lower().startswith("password")}


def test_a_kept_database_leaves_a_snapshot_and_an_open_one_does_not() -> None:
    kept, gone = (aws_of(plan(*layers), "Instance")["mlflow"].inputs for layers in ([KEPT], []))
    assert (kept["deletionProtection"], kept["skipFinalSnapshot"]) == (True, False)
    assert kept["finalSnapshotIdentifier"] == "trellis-trial-mlflow-final"
    assert (gone["deletionProtection"], gone["skipFinalSnapshot"]) == (False, True)
    assert "finalSnapshotIdentifier" not in gone


def test_no_database_without_mlflow() -> None:
    recorded = plan({"addons": {"mlflow": False}})
    assert not aws_of(recorded, "Instance")
    assert "databaseHost" not in recorded.outputs


def test_outputs_name_what_people_look_for() -> None:
    outputs = plan(FILES).outputs
    assert outputs["buckets"]["models"] == "trellis-trial-111122223333-models"
    assert outputs["registry"]["models"] == "111122223333.dkr.ecr.us-east-1.amazonaws.com/trellis-trial/models"
    assert {"databaseHost", "lustre", "sharedFiles"} <= outputs.keys()
    main = outputs["clusters"]["main"]
    assert main["interruptionQueue"] == "trellis-trial-main-interruption"
    assert main["kubeconfigCommand"] == "aws eks update-kubeconfig --region us-east-1 --name trellis-trial-main"


def test_a_place_opens_itself_and_what_is_below_but_no_neighbour() -> None:
    place = Place.of("s3://models/llm/v1/")
    assert place.objects == ("arn:aws:s3:::models/llm/v1", "arn:aws:s3:::models/llm/v1/*")
    listing, objects = access("Models", [place], ["s3:GetObject"])
    assert listing["Resource"] == ["arn:aws:s3:::models"]
    assert listing["Condition"] == {"StringLike": {"s3:prefix": ["llm/v1", "llm/v1/*"]}}
    assert objects["Resource"] == list(place.objects)


def test_a_whole_bucket_may_be_listed_without_a_prefix() -> None:
    listing, objects = access("Data", [own(NAMES, "data")], ["s3:GetObject"])
    assert "Condition" not in listing
    assert objects["Resource"] == ["arn:aws:s3:::trellis-trial-111122223333-data/*"]
    assert access("Nothing", [], ["s3:GetObject"]) == ()


def _rules(recorded: Plan, kind: str, name: str) -> list[Resource]:
    return [r for r in aws_of(recorded, kind).values() if f"{name}-" in r.name]
