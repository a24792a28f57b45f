"""The real Helm opens a release offline, with the release's own values and the stack's Kubernetes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.charts.archives import FILES, chart_file
from trellis.charts.objects import Opened
from trellis.charts.render import NotOpenedError, open_release
from trellis.plan import SECRET, UNKNOWN

pytestmark = pytest.mark.cluster

CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.w.dev}
spec: {group: w.dev, scope: Cluster, names: {kind: Widget, plural: widgets}, versions: []}
"""
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n  {}\n"
HOOK = """\
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {helm.sh/hook: "pre-install,pre-upgrade"}}
"""
TEST = "apiVersion: v1\nkind: Pod\nmetadata: {name: try, annotations: {helm.sh/hook: test}}\n"

Opening = Callable[..., list[Opened]]


@pytest.fixture
def opening(helm: Path, tmp_path: Path) -> Opening:
    """Opens a chart with some files, as release `r` in namespace `n`."""

    def opened(
        files: Mapping[str, str], *, kube: str = "1.35", apis: tuple[str, ...] = (), meta: Any = None, **inputs: Any
    ) -> list[Opened]:
        archive = chart_file(tmp_path / "archives", "server", "1.0.0", files, **(meta or {}))
        release = {"name": "r", "namespace": "n", **inputs}
        return open_release(release, archive=archive, helm_path=helm, kube_version=kube, api_versions=apis)

    return opened


def data(found: list[Opened]) -> Any:
    return found[0].manifest["data"]


def text(template: str) -> Mapping[str, str]:
    """A chart of one ConfigMap with this below `data`."""
    return {"templates/map.yaml": MAP.format(template)}


def test_name_namespace_and_values_are_the_releases(opening: Opening) -> None:
    found = opening(text("at: {{ .Release.Namespace }}/{{ .Release.Name }}/{{ .Values.tag }}"), values={"tag": "v1"})
    assert data(found) == {"at": "n/r/v1"}


@pytest.mark.parametrize(
    ("skip", "kinds"), [(False, ["CustomResourceDefinition", "Deployment"]), (True, ["Deployment"])]
)
def test_crds_are_there_unless_the_release_skips_them(opening: Opening, skip: bool, kinds: list[str]) -> None:
    found = opening({**FILES, "crds/widget.yaml": CRD}, skipCrds=skip)
    assert [one.manifest["kind"] for one in found] == kinds
    assert [one.stays for one in found] == [not skip, False][-len(kinds) :]


def test_kubernetes_is_the_stacks(opening: Opening) -> None:
    files = text("minor: {{ .Capabilities.KubeVersion.Minor | quote }}")
    assert data(opening(files, kube="1.34")) == {"minor": "34"}
    assert data(opening(files, kube="1.36")) == {"minor": "36"}


def test_a_chart_for_another_kubernetes_is_not_opened(opening: Opening) -> None:
    with pytest.raises(NotOpenedError, match=r"Helm: .*requires kubeVersion: >=1\.36"):
        opening(FILES, kube="1.35", meta={"kubeVersion": ">=1.36.0-0"})


def test_api_versions_are_what_was_there_before(opening: Opening) -> None:
    files = text('there: {{ .Capabilities.APIVersions.Has "w.dev/v1/Widget" }}')
    assert data(opening(files)) == {"there": False}
    assert data(opening(files, apis=("w.dev/v1", "w.dev/v1/Widget"))) == {"there": True}
    assert data(opening(text('there: {{ .Capabilities.APIVersions.Has "apps/v1/Deployment" }}'))) == {"there": True}


def test_hooks_are_marked_and_tests_left_out(opening: Opening) -> None:
    found = opening({**FILES, "templates/hook.yaml": HOOK, "templates/test.yaml": TEST})
    assert {one.manifest["kind"]: one.hooks for one in found} == {
        "Deployment": (),
        "Job": ("pre-install", "pre-upgrade"),
    }


def test_unknown_values_stay_unknown_wherever_they_arrive(opening: Opening) -> None:
    template = (
        "host: {{ .Values.db.host }}\n  flag: --host={{ .Values.db.host }}\n  coded: {{ .Values.db.host | b64enc }}\n"
        "  sum: {{ .Values.db.host | sha256sum }}\n  cut: {{ .Values.db.host | trunc 3 }}\n"
        "  port: {{ .Values.db.port }}"
    )
    for mark in (UNKNOWN, SECRET):
        found = data(opening(text(template), values={"db": {"host": dict(mark), "port": 5432}}))
        assert found == {**dict.fromkeys(("host", "flag", "coded", "sum", "cut"), UNKNOWN), "port": 5432}


def test_chance_is_unknown_too(opening: Opening) -> None:
    assert data(opening(text("password: {{ randAlphaNum 20 }}"))) == {"password": UNKNOWN}


def test_a_list_of_objects_that_depends_on_unknown_values_is_not_opened(opening: Opening) -> None:
    files = {"templates/a.yaml": '{{- if hasPrefix "a" .Values.x }}\n' + MAP.format("a: b") + "{{- end }}\n"}
    with pytest.raises(NotOpenedError, match="which objects the chart makes depends on values"):
        opening(files, values={"x": dict(UNKNOWN)})


def test_the_charts_own_schema_is_held(opening: Opening) -> None:
    schema = '{"type": "object", "properties": {"replicas": {"type": "integer"}}}'
    with pytest.raises(NotOpenedError, match=r"Helm: .*replicas.*got string, want integer") as error:
        opening({**FILES, "values.schema.json": schema}, values={"replicas": "two"})
    assert "\n" not in str(error.value)


def test_a_template_that_fails_is_not_opened(opening: Opening) -> None:
    with pytest.raises(NotOpenedError, match="say what you want"):
        opening(text('a: {{ required "say what you want" .Values.missing }}'))


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ({"postrender": "cat"}, "postrender, which only the real installation honours"),
        ({"namespace": dict(UNKNOWN)}, "known only after deployment"),
        ({"name": ""}, "it has no name of its own"),
    ],
)
def test_what_only_a_deployment_decides_is_not_opened(opening: Opening, inputs: Any, why: str) -> None:
    with pytest.raises(NotOpenedError, match=why):
        opening(FILES, **inputs)


def test_rendering_reaches_neither_network_nor_the_users_files(
    opening: Opening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    files = text('home: {{ lookup "v1" "Secret" "n" "a" | toJson | quote }}\n  ip: "{{ getHostByName "localhost" }}"')
    assert data(opening(files)) == {"home": "{}", "ip": ""}
    assert not (tmp_path / "home").exists()


def test_rendering_gets_nothing_of_the_users_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither plugins nor settings nor tokens: what is rendered is the same for everybody."""
    teller = tmp_path / "helm"
    listing = "$(/usr/bin/env | /usr/bin/sed 's/=.*//; s/^/    /' | /usr/bin/sort)"
    teller.write_text(f"#!/bin/sh\ncat <<END\n{MAP.format('told: |')}{listing}\nEND\n")
    teller.chmod(0o755)
    monkeypatch.setenv("HELM_PLUGINS", "/plugins")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted")
    archive = chart_file(tmp_path, "server", "1.0.0")
    found = open_release({"name": "r"}, archive=archive, helm_path=teller, kube_version="1.35")
    names = set(data(found)["told"].split()) - {"PWD", "SHLVL", "_", "OLDPWD"}
    helms = {"HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"}
    assert names == {"HOME", "HTTPS_PROXY", "HTTP_PROXY", "KUBECONFIG"} | helms


def test_a_schema_from_elsewhere_is_not_fetched(opening: Opening) -> None:
    """A chart may name a schema by address, and Helm would ask for it."""
    with pytest.raises(NotOpenedError, match=r"Helm: .*127\.0\.0\.1:9"):
        opening({**FILES, "values.schema.json": '{"$ref": "http://schemas.invalid/a.json"}'})


def test_the_same_question_is_asked_once(opening: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def template(*arguments: Any) -> str:
        asked.append(arguments)
        return f"---\n# Source: c/templates/a.yaml\n{MAP.format('a: b')}"

    monkeypatch.setattr("trellis.charts.helm.template", template)
    first = opening(FILES, values={"a": 1})
    assert opening(FILES, values={"a": 1}) == first
    assert len(asked) == 2, "two renderings, once"
    for changed in ({"values": {"a": 2}}, {"kube": "1.36"}, {"apis": ("w.dev/v1",)}, {"skipCrds": True}, {"name": "s"}):
        before = len(asked)
        opening(FILES, **{"values": {"a": 1}, **changed})
        assert len(asked) == before + 2, changed


def test_an_answer_that_was_cut_short_is_asked_for_again(opening: Opening, cache: Path) -> None:
    first = opening(FILES)
    (kept,) = (cache / "rendered").iterdir()
    kept.write_bytes(kept.read_bytes()[:20])
    assert opening(FILES) == first


def test_a_cache_that_cannot_be_written_is_no_error(opening: Opening, cache: Path) -> None:
    cache.mkdir()
    (cache / "rendered").write_text("a file where the folder should be")
    assert opening(FILES)
