"""Where charts come from, on loopback: a chart repository, and the reading side of an OCI registry."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONFIG = "application/vnd.cncf.helm.config.v1+json"
LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass
class Origin:
    """A server whose pages a test fills in."""

    host: str
    pages: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """Path -> media type and content."""
    asked: list[str] = field(default_factory=list)
    """Paths that were asked for, in order."""
    cut: set[str] = field(default_factory=set)
    """Paths whose answer breaks off in the middle."""

    def repository(self, charts: Mapping[tuple[str, str], bytes]) -> str:
        """Serve a Helm repository of charts by name and version; return its address."""
        entries: dict[str, list[dict[str, object]]] = {}
        for (name, version), content in charts.items():
            file = f"{name}-{version}.tgz"
            self.pages[f"/charts/{file}"] = ("application/gzip", content)
            digest = hashlib.sha256(content).hexdigest()
            row: dict[str, object] = {
                "apiVersion": "v2",
                "name": name,
                "version": version,
                "urls": [file],
                "digest": digest,
            }
            entries.setdefault(name, []).append(row)
        index = json.dumps({"apiVersion": "v1", "entries": entries}).encode()  # JSON is YAML
        self.pages["/charts/index.yaml"] = ("text/yaml", index)
        return f"http://{self.host}/charts"

    def registry(self, name: str, versions: Mapping[str, bytes]) -> str:
        """Serve an OCI repository with one chart; return its reference."""
        for version, content in versions.items():
            config = json.dumps({"apiVersion": "v2", "name": name, "version": version}).encode()
            manifest = {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": self._blob(name, CONFIG, config),
                "layers": [self._blob(name, LAYER, content)],
            }
            raw = json.dumps(manifest).encode()
            for reference in (version, f"sha256:{hashlib.sha256(raw).hexdigest()}"):
                self.pages[f"/v2/charts/{name}/manifests/{reference}"] = (MANIFEST, raw)
        tags = json.dumps({"name": f"charts/{name}", "tags": sorted(versions)}).encode()
        self.pages[f"/v2/charts/{name}/tags/list"] = ("application/json", tags)
        return f"oci://{self.host}/charts/{name}"

    def _blob(self, name: str, media: str, content: bytes) -> dict[str, object]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.pages[f"/v2/charts/{name}/blobs/{digest}"] = ("application/octet-stream", content)
        return {"mediaType": media, "digest": digest, "size": len(content)}


@contextmanager
def origin() -> Iterator[Origin]:
    """A server on a free port of loopback, gone at the end."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(body=True)

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def _answer(self, *, body: bool) -> None:
            path = self.path.partition("?")[0]
            served.asked.append(path)
            media, content = served.pages.get(path, ("application/json", b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}'))
            self.send_response(200 if path in served.pages else 404)
            self.send_header("Content-Type", media)
            self.send_header("Content-Length", str(len(content)))
            if media == MANIFEST:
                self.send_header("Docker-Content-Digest", f"sha256:{hashlib.sha256(content).hexdigest()}")
            self.end_headers()
            if body:
                self.wfile.write(content[: len(content) // 2] if path in served.cut else content)
            self.close_connection = True

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served = Origin(f"127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()
