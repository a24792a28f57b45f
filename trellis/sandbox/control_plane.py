"""What a control plane consists of: files to write and processes to start. Nothing here starts anything."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from trellis.sandbox.pki import Authority, Pair, signing_key, write_private

HOST = "127.0.0.1"
BINARIES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")
USERS: Mapping[str, tuple[str, ...]] = {
    "admin": ("trellis-admin", "system:masters"),
    "controller-manager": ("system:kube-controller-manager",),
    "scheduler": ("system:kube-scheduler",),
    "kwok": ("trellis-kwok", "system:masters"),  # it stands in for the kubelets of all nodes at once
}
"""Whose kubeconfig is written: the user's name, then groups. Kubernetes gives the system users their rights itself."""
_FRONT_PROXY = "front-proxy-client"


@dataclass(frozen=True)
class Layout:
    """Where the files and ports of one sandbox are."""

    folder: Path
    api_port: int
    etcd_port: int
    service_cidr: str

    @property
    def server(self) -> str:
        """Address of the API server."""
        return f"https://{HOST}:{self.api_port}"

    def pki(self, name: str) -> str:
        """Path of a certificate or key."""
        return str(self.folder / "pki" / name)

    def kubeconfig(self, user: str = "admin") -> Path:
        """Path of a kubeconfig."""
        return self.folder / f"{user}.kubeconfig"


def write_files(layout: Layout, first_service_ip: str) -> None:
    """Write certificates, keys, kubeconfigs and KWOK's configuration."""
    folder = layout.folder / "pki"
    folder.mkdir(mode=0o700)
    (layout.folder / "logs").mkdir()
    authority, front = Authority("trellis-sandbox"), Authority("trellis-sandbox-front-proxy")
    (folder / "ca.crt").write_bytes(authority.certificate)
    (folder / "front-proxy-ca.crt").write_bytes(front.certificate)
    service = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")
    hosts = ("localhost", HOST, first_service_ip, *service)
    authority.server("kube-apiserver", hosts).write(folder, "apiserver")
    authority.server("etcd", ("localhost", HOST), also_client=True).write(folder, "etcd")
    authority.client("kube-apiserver-etcd-client").write(folder, "etcd-client")
    front.client(_FRONT_PROXY).write(folder, "front-proxy")
    private, public = signing_key()
    write_private(folder / "sa.key", private)
    (folder / "sa.pub").write_bytes(public)
    for name, identity in USERS.items():
        pair = authority.client(*identity)
        if name == "admin":
            pair.write(folder, name)
        write_private(layout.kubeconfig(name), _kubeconfig(layout, authority.certificate, name, pair))
    stages = files("trellis.sandbox").joinpath("stages.yaml").read_text(encoding="utf-8")
    (layout.folder / "kwok.yaml").write_text(stages, encoding="utf-8")


def _kubeconfig(layout: Layout, ca: bytes, user: str, pair: Pair) -> bytes:
    def inline(content: bytes) -> str:
        return base64.b64encode(content).decode()

    name = f"trellis-{layout.folder.name}"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": layout.server, "certificate-authority-data": inline(ca)}}],
        "users": [
            {
                "name": user,
                "user": {"client-certificate-data": inline(pair.certificate), "client-key-data": inline(pair.key)},
            }
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
        "current-context": name,
    }
    return json.dumps(document, indent=1).encode()  # JSON is YAML, which every client reads


def phases(layout: Layout, tools: Mapping[str, Path]) -> list[dict[str, Any]]:
    """What the supervisor starts: store and API server first; the others give up soon where none answers."""

    def component(name: str, arguments: list[str]) -> dict[str, Any]:
        return {"name": name, "argv": [str(tools[name]), *arguments]}

    ready = {"port": layout.api_port, "path": "/readyz", "ca": layout.pki("ca.crt")}
    return [
        {
            "components": [component("etcd", _etcd(layout)), component("kube-apiserver", _api_server(layout))],
            "ready": ready,
        },
        {
            "components": [
                component("kube-controller-manager", _controller_manager(layout)),
                component("kube-scheduler", _scheduler(layout)),
                component("kwok", _kwok(layout)),
            ]
        },
    ]


def _etcd(layout: Layout) -> list[str]:
    clients = f"https://{HOST}:{layout.etcd_port}"
    identity = [f"--{who}{what}" for who in ("", "peer-") for what in _etcd_identity(layout)]
    return [
        f"--data-dir={layout.folder / 'etcd'}",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls=https://{HOST}:0",  # one member: nobody connects here
        "--socket-reuse-port",  # the port is kept free by us until etcd has it
        *identity,
        # A sandbox is thrown away, so nothing needs to survive a crash of the machine; writes are ten times faster.
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _etcd_identity(layout: Layout) -> list[str]:
    return [
        "client-cert-auth",
        f"trusted-ca-file={layout.pki('ca.crt')}",
        f"cert-file={layout.pki('etcd.crt')}",
        f"key-file={layout.pki('etcd.key')}",
    ]


def _api_server(layout: Layout) -> list[str]:
    pki = layout.pki
    return [
        f"--bind-address={HOST}",
        f"--advertise-address={HOST}",
        f"--secure-port={layout.api_port}",
        "--permit-port-sharing",  # the port is kept free by us until the API server has it
        f"--tls-cert-file={pki('apiserver.crt')}",
        f"--tls-private-key-file={pki('apiserver.key')}",
        f"--client-ca-file={pki('ca.crt')}",
        f"--etcd-servers=https://{HOST}:{layout.etcd_port}",
        f"--etcd-cafile={pki('ca.crt')}",
        f"--etcd-certfile={pki('etcd-client.crt')}",
        f"--etcd-keyfile={pki('etcd-client.key')}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",  # beside the defaults, Pod Security among them
        "--allow-privileged",  # as on EKS: Pod Security admission decides, namespace by namespace
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki('sa.pub')}",
        f"--service-account-signing-key-file={pki('sa.key')}",
        f"--service-cluster-ip-range={layout.service_cidr}",
        "--endpoint-reconciler-type=none",  # an endpoint on loopback is not allowed, and nobody routes to it
        "--enable-aggregator-routing",
        f"--proxy-client-cert-file={pki('front-proxy.crt')}",
        f"--proxy-client-key-file={pki('front-proxy.key')}",
        f"--requestheader-client-ca-file={pki('front-proxy-ca.crt')}",
        f"--requestheader-allowed-names={_FRONT_PROXY}",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--profiling=false",
    ]


def _controller_manager(layout: Layout) -> list[str]:
    return [
        f"--kubeconfig={layout.kubeconfig('controller-manager')}",
        "--secure-port=0",
        "--leader-elect=false",
        "--use-service-account-credentials",
        f"--root-ca-file={layout.pki('ca.crt')}",
        f"--service-account-private-key-file={layout.pki('sa.key')}",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
        "--profiling=false",
    ]


def _scheduler(layout: Layout) -> list[str]:
    return [
        f"--kubeconfig={layout.kubeconfig('scheduler')}",
        "--secure-port=0",
        "--leader-elect=false",
        "--profiling=false",
    ]


def _kwok(layout: Layout) -> list[str]:
    return [
        f"--kubeconfig={layout.kubeconfig('kwok')}",
        f"--config={layout.folder / 'kwok.yaml'}",
        "--manage-all-nodes",
        "--node-lease-duration-seconds=40",
        "--cidr=10.0.0.1/8",
        "--node-ip=10.0.0.1",
    ]
