"""The control plane guards itself as a real one does: TLS, authentication, RBAC, Pod Security, loopback."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
import requests

from trellis.kube.client import Api, ApiError
from trellis.sandbox import Sandbox

pytestmark = pytest.mark.cluster


def namespace(sandbox: Sandbox, name: str, level: str | None = None) -> None:
    labels = {"pod-security.kubernetes.io/enforce": level} if level else {}
    sandbox.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})


def pod(name: str, where: str, **container: Any) -> dict[str, Any]:
    one = {"name": "main", "image": "example.com/image:1", **container}
    meta = {"name": name, "namespace": where}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [one]}}


def test_nobody_is_refused_but_asked_for_its_health(shared_sandbox: Sandbox) -> None:
    nobody = shared_sandbox.as_nobody()
    assert nobody.call("GET", "/readyz") == "ok"
    with pytest.raises(ApiError, match=r'403 Forbidden: .*User "system:anonymous" cannot list resource "secrets"'):
        nobody.call("GET", "/api/v1/secrets")


def test_rights_are_those_that_were_bound(shared_sandbox: Sandbox) -> None:
    namespace(shared_sandbox, "rights")
    api = shared_sandbox.api
    api.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "reader", "namespace": "rights"}})
    path = "/api/v1/namespaces/rights/serviceaccounts/reader/token"
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
    token = api.call("POST", path, request)["status"]["token"]

    def code() -> int:
        url = f"{shared_sandbox.layout.server}/api/v1/namespaces/rights/configmaps"
        headers = {"Authorization": f"Bearer {token}"}
        ca = str(shared_sandbox.folder / "pki/ca.crt")
        return requests.get(url, headers=headers, verify=ca, timeout=10).status_code

    assert code() == 403
    meta = {"name": "reader", "namespace": "rights"}
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]
    group = "rbac.authorization.k8s.io"
    api.apply({"apiVersion": f"{group}/v1", "kind": "Role", "metadata": meta, "rules": rules})
    subject = {"kind": "ServiceAccount", "name": "reader", "namespace": "rights"}
    role = {"apiGroup": group, "kind": "Role", "name": "reader"}
    binding = {"apiVersion": f"{group}/v1", "kind": "RoleBinding", "metadata": meta}
    api.apply({**binding, "subjects": [subject], "roleRef": role})
    assert code() == 200


@pytest.mark.parametrize(
    ("level", "refused"), [("restricted", True), ("baseline", True), ("privileged", False), (None, False)]
)
def test_each_namespace_has_its_pod_security_level(shared_sandbox: Sandbox, level: str | None, refused: bool) -> None:
    name = f"level-{level or 'none'}".lower()
    namespace(shared_sandbox, name, level)
    wish = pod("wish", name, securityContext={"privileged": True})
    if not refused:
        shared_sandbox.api.create(wish)
        return
    with pytest.raises(ApiError, match=f'403 Forbidden: .*violates PodSecurity "{level}:latest".*privileged'):
        shared_sandbox.api.create(wish)


def test_a_certificate_of_another_authority_is_no_identity(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    from trellis.kube.client import Access
    from trellis.sandbox.pki import Authority

    Authority("trellis-sandbox").client("trellis-admin", "system:masters").write(tmp_path, "forged")
    ca = shared_sandbox.folder / "pki/ca.crt"
    forged = Api(Access(shared_sandbox.layout.server, ca, tmp_path / "forged.crt", tmp_path / "forged.key"))
    with pytest.raises((ApiError, requests.RequestException)):
        forged.call("GET", "/api/v1/secrets")


def test_a_client_that_does_not_know_the_authority_does_not_trust_it(shared_sandbox: Sandbox) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{shared_sandbox.layout.server}/readyz", timeout=10)


@pytest.mark.parametrize("port", ["api_port", "etcd_port"])
def test_it_listens_on_one_loopback_address_only(shared_sandbox: Sandbox, port: str) -> None:
    number = getattr(shared_sandbox.layout, port)
    with socket.create_connection(("127.0.0.1", number), timeout=5):
        pass
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", number), timeout=5)


def test_the_store_speaks_to_the_api_server_only(shared_sandbox: Sandbox) -> None:
    url = f"https://127.0.0.1:{shared_sandbox.layout.etcd_port}/version"
    pki = shared_sandbox.folder / "pki"
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(url, verify=str(pki / "ca.crt"), timeout=10)
    known = (str(pki / "etcd-client.crt"), str(pki / "etcd-client.key"))
    assert requests.get(url, verify=str(pki / "ca.crt"), cert=known, timeout=10).status_code == 200


def test_a_field_that_no_schema_has_is_refused(shared_sandbox: Sandbox) -> None:
    wrong = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "default"}, "date": {}}
    with pytest.raises(ApiError, match=r"unknown field|\.date: field not declared in schema"):
        shared_sandbox.api.apply(wrong, dry_run=True)
