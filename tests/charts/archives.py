"""Small charts of our own, packed so that the same files give the same bytes."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

SERVER = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec:
      containers:
        - name: main
          image: {{ .Values.image | default "registry.local/server:v1.0.0" }}
"""
FILES: Mapping[str, str] = {"templates/server.yaml": SERVER}


def chart_bytes(name: str, version: str, files: Mapping[str, str] = FILES, **metadata: str) -> bytes:
    """A chart archive."""
    head = {"apiVersion": "v2", "name": name, "version": version, **metadata}
    members = {"Chart.yaml": "".join(f"{key}: {value!r}\n" for key, value in head.items()), **files}
    raw = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for path, text in sorted(members.items()):
            member = tarfile.TarInfo(f"{name}/{path}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return raw.getvalue()


def chart_file(folder: Path, name: str, version: str, files: Mapping[str, str] = FILES, **metadata: str) -> Path:
    """A chart archive on disk."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}.tgz"
    path.write_bytes(chart_bytes(name, version, files, **metadata))
    return path
