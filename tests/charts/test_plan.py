"""What is opened joins the plan of a real stack: tree, rules, cost, rendering; what is not, is listed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from components.catalogue import pricing
from tests.charts.archives import chart_file
from tests.support.stacks import AS_OF, platform, recorded
from trellis.charts import api_versions, opening
from trellis.charts.objects import Opened
from trellis.charts.opening import RELEASE, resources_of, with_opened_charts
from trellis.charts.pull import pull
from trellis.charts.rows import charts, named
from trellis.cli import main
from trellis.judge import judge
from trellis.manifests import write
from trellis.plan import SECRET, UNKNOWN, Plan, Resource
from trellis.report import machine, markdown, text

GPU_SERVER = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  template:
    spec:
      containers:
        - name: main
          image: registry.local/server:v1.0.0
          resources: {requests: {nvidia.com/gpu: 1}, limits: {nvidia.com/gpu: 2}}
"""
HOOK = """\
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {helm.sh/hook: pre-install}}
spec: {template: {spec: {containers: [{name: main, image: "registry.local/migrate:v1.0.0"}]}}}
"""
KEDA = {"templates/server.yaml": GPU_SERVER, "templates/hook.yaml": HOOK}
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m}}\ndata: {{at: {{{{ {} }}}}}}\n"
KUBERNETES = {"main": "1.35"}


@pytest.fixture(scope="module")
def dev() -> Plan:
    """The dev stack as its program registers it."""
    return recorded("dev").recorded


def release(plan: Plan, name: str) -> Resource:
    return next(r for r in plan.of_type(RELEASE) if r.name == name)


def give(folder: Path, name: str, files: Mapping[str, str]) -> None:
    """Put a chart of ours into the cache in the place of one of the catalogue's."""
    (chart,) = named([name], charts())
    chart_file(folder, name, chart.version, files)
    assert pull([chart], lambda _line: None, folder)[0].problem == ""


def of(release: Resource, *manifests: dict[str, Any]) -> list[Resource]:
    return resources_of(release, [Opened(one, "c/templates/a.yaml") for one in manifests])


@pytest.mark.cluster
@pytest.mark.usefixtures("helm")
class TestOpened:
    """A stack with one chart in the cache."""

    @pytest.fixture
    def opened(self, dev: Plan, tmp_path: Path) -> Plan:
        give(tmp_path / "archives", "keda", KEDA)
        return with_opened_charts(dev, KUBERNETES)

    def test_objects_stand_below_their_release_and_are_marked(self, dev: Plan, opened: Plan) -> None:
        keda = release(dev, "main-keda")
        added = [r for r in opened.resources if r.urn not in dev.by_urn]
        assert [(r.type, r.name, r.hooks) for r in added] == [
            ("kubernetes:apps/v1:Deployment", "main-keda/keda/keda", ()),
            ("kubernetes:batch/v1:Job", "main-keda/keda/migrate", ("pre-install",)),
        ]
        assert {(r.opened_from, r.parent, r.provider) for r in added} == {(keda.urn, keda.urn, keda.provider)}
        assert "main-keda" not in {row.name for row in opened.not_opened}
        assert len(opened.not_opened) == len(list(dev.of_type(RELEASE))) - 1

    def test_without_the_marked_ones_it_is_the_plan_that_was_recorded(self, dev: Plan, opened: Plan) -> None:
        assert opened.recorded == dev
        assert opened != dev

    def test_rules_see_them_and_name_the_release(self, opened: Plan) -> None:
        judged = judge(opened, platform("dev"))
        (finding,) = [f for f in judged.report.findings if f.rule == "gpu-limit-equals-request"]
        assert finding.resource == "Deployment keda/keda (from Helm release main-keda)"
        assert judged.verdict == "blocked"
        for shown in (text.to_text(judged), markdown.to_markdown(judged)):
            assert "Deployment keda/keda (from Helm release main-keda)" in shown
            assert "kubernetes:batch/v1:Job main-keda/keda/migrate (hook: pre-install)" in shown
            assert "2 opened from charts" in shown
            assert "main-keda (keda" not in shown
        rows = [r for r in machine.document(judged)["plan"]["resources"] if "openedFrom" in r]
        assert [(r["openedFrom"], r["hooks"]) for r in rows] == [
            (release(opened, "main-keda").urn, []),
            (release(opened, "main-keda").urn, ["pre-install"]),
        ]

    def test_rendering_writes_them_beside_what_helm_is_told(self, opened: Plan, tmp_path: Path) -> None:
        count = write(opened, tmp_path / "out")
        assert count == len(list((tmp_path / "out").rglob("*.*"))) - 1
        (told,) = (tmp_path / "out").rglob("*-keda-keda.release")
        job = yaml.safe_load((told.parent / "main-keda" / "job-keda-migrate.yaml").read_text(encoding="utf-8"))
        assert (job["kind"], job["metadata"]["namespace"]) == ("Job", "keda")

    def test_preview_stops_for_what_a_chart_does(self, tmp_path: Path) -> None:
        give(tmp_path / "archives", "keda", KEDA)
        found = CliRunner().invoke(main, ["preview", "dev", "--as-of", AS_OF])
        assert found.exit_code == 3
        assert "Deployment keda/keda (from Helm release main-keda)" in found.stdout

    def test_values_known_later_stay_unknown(self, dev: Plan, tmp_path: Path) -> None:
        give(tmp_path / "archives", "mlflow", {"templates/m.yaml": MAP.format(".Values.backendStore.postgres.host")})
        opened = with_opened_charts(dev, KUBERNETES)
        (found,) = [r for r in opened.resources if r.opened_from]
        assert found.inputs["data"] == {"at": UNKNOWN}
        assert judge(opened, platform("dev")).unknowns["kubernetes:core/v1:ConfigMap data.at"] == 1

    def test_kubernetes_is_that_of_the_releases_own_cluster(self, tmp_path: Path) -> None:
        for name in ("keda", "cert-manager"):
            give(
                tmp_path / "archives", name, {"templates/m.yaml": MAP.format(".Capabilities.KubeVersion.Minor | quote")}
            )
        opened = with_opened_charts(recorded("split").recorded, {"inference": "1.35", "training": "1.34"})
        found = {r.name.partition("/")[0]: r.inputs["data"]["at"] for r in opened.resources if r.opened_from}
        assert found == {"inference-keda": "35", "inference-cert-manager": "35", "training-cert-manager": "34"}

    def test_what_helm_refuses_is_listed_with_its_reason(self, dev: Plan, tmp_path: Path) -> None:
        give(tmp_path / "archives", "keda", {"templates/m.yaml": '{{ fail "not this way" }}'})
        opened = with_opened_charts(dev, KUBERNETES)
        (reason,) = [row.reason for row in opened.not_opened if row.name == "main-keda"]
        assert reason.startswith("Helm: ")
        assert "not this way" in reason
        assert opened.recorded == dev


def test_without_helm_what_is_cached_is_listed(dev: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give(tmp_path / "archives", "keda", KEDA)
    monkeypatch.setattr(opening, "find", lambda _name: None)
    plan = with_opened_charts(dev, KUBERNETES)
    (reason,) = [row.reason for row in plan.not_opened if row.name == "main-keda"]
    assert reason == "Helm is not here; `trellis toolchain install helm` brings it"


def test_a_broken_lock_file_opens_nothing_and_is_said(dev: Plan, lock_file: Path) -> None:
    lock_file.write_text("a: b")
    plan = with_opened_charts(dev, KUBERNETES)
    assert plan.recorded == dev
    assert len(plan.not_opened) == len(list(dev.of_type(RELEASE)))
    assert all("Restore the file" in row.reason for row in plan.not_opened)


def test_with_an_empty_cache_the_listing_is_all_that_is_new(dev: Plan) -> None:
    plan = with_opened_charts(dev, KUBERNETES)
    assert replace(plan, not_opened=()).to_json() == dev.to_json()
    assert [row.name for row in plan.not_opened] == sorted(r.name for r in dev.of_type(RELEASE))


def test_every_format_lists_what_was_not_opened() -> None:
    def run(form: str) -> str:
        found = CliRunner().invoke(main, ["preview", "dev", "--format", form, "--as-of", AS_OF])
        assert found.exit_code == 0
        return found.stdout

    rows = json.loads(run("json"))["plan"]["notOpened"]
    assert len(rows) > 10
    for shown in (run("text"), run("markdown")):
        assert f"({len(rows)})" in shown
        for row in rows:
            assert row["reason"] in shown
            assert f"{row['name']} ({row['chart']} {row['version']})" in shown


def test_api_versions_are_those_that_came_before(dev: Plan) -> None:
    kserve = api_versions.before(dev, release(dev, "main-kserve-kserve-resources"))
    first = api_versions.before(dev, release(dev, "main-cert-manager"))
    assert {"cert-manager.io/v1", "cert-manager.io/v1/Certificate"} <= set(kserve)
    assert "serving.kserve.io/v1beta1/InferenceService" in kserve, "from the chart with the CRDs, which goes first"
    assert not [one for one in first if one.startswith("serving.kserve.io")]
    own = api_versions.before(dev, release(dev, "main-gpu-operator"))
    assert "nvidia.com/v1/ClusterPolicy" in own, "Helm installs crds/ before it renders"
    skipped = api_versions.before(dev, replace(release(dev, "main-gpu-operator"), inputs={"skipCrds": True}))
    assert "nvidia.com/v1/ClusterPolicy" not in skipped


def test_objects_get_the_namespace_that_helm_gives_them(dev: Plan) -> None:
    keda = release(dev, "main-keda")
    meta = {"metadata": {"name": "a"}}
    found = of(
        keda,
        {"apiVersion": "v1", "kind": "Service", **meta},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", **meta},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "elsewhere"}},
    )
    assert [r.name for r in found] == ["main-keda/keda/a", "main-keda/a", "main-keda/elsewhere/a"]
    assert found[0].type == "kubernetes:core/v1:Service"
    assert found[0].urn == f"{keda.urn.rpartition('::')[0]}$kubernetes:core/v1:Service::main-keda/keda/a"


def test_two_objects_of_one_name_are_two_resources(dev: Plan, tmp_path: Path) -> None:
    """Such as a Job that is a hook before installing, and another one before upgrading."""
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"}}
    found = of(release(dev, "main-keda"), job, job)
    assert len({r.urn for r in found}) == 2
    plan = replace(dev, resources=(*dev.resources, *found))
    count = write(plan, tmp_path)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == count + 1, "and the index"
    assert count == write(dev, tmp_path) + 2


def test_what_a_secret_holds_is_not_in_the_plan(dev: Plan) -> None:
    held = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"k": "cGxhbnRlZA=="}}
    (found,) = of(release(dev, "main-keda"), {**held, "stringData": {"p": "planted"}})
    assert (found.inputs["data"], found.inputs["stringData"]) == ({"k": SECRET}, {"p": SECRET})


def test_what_helm_leaves_behind_is_retained(dev: Plan) -> None:
    keep = {"annotations": {"helm.sh/resource-policy": "keep"}, "name": "a"}
    keda = release(dev, "main-keda")
    kept, gone = of(
        keda,
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": keep},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}},
    )
    assert (kept.retain_on_delete, gone.retain_on_delete) == (True, False)


@pytest.mark.parametrize(("balancers", "counted"), [(0, 1), (1, 1), (2, 2)])
def test_a_release_and_its_objects_are_paid_for_once(dev: Plan, balancers: int, counted: int) -> None:
    """The values ask for one load balancer; the dearer of both views counts."""
    asked = replace(release(dev, "main-keda"), inputs={"values": {"service": {"type": "LoadBalancer"}}})
    service = {"apiVersion": "v1", "kind": "Service", "spec": {"type": "LoadBalancer"}}
    objects = of(asked, *({**service, "metadata": {"name": str(number)}} for number in range(balancers)))
    alone = pricing.total([asked.document()], "us-east-1").cost.worst
    both = pricing.total([r.document() for r in (asked, *objects)], "us-east-1").cost.worst
    assert alone > 0
    assert both == pytest.approx(alone * counted)


def test_objects_of_a_release_whose_values_ask_for_nothing_are_paid_for(dev: Plan) -> None:
    asked = replace(release(dev, "main-keda"), inputs={"namespace": "keda", "values": {}})
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"type": "LoadBalancer"}}
    found = pricing.total([r.document() for r in (asked, *of(asked, service))], "us-east-1")
    assert [one.urn.rpartition("$")[2] for one in found.priced] == ["kubernetes:core/v1:Service::main-keda/keda/a"]
