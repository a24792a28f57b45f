"""`trellis sandbox`: a control plane of one's own, to look at and to try things in."""

from __future__ import annotations

import json
from typing import Any

import click

from trellis.cli_common import TOOL_FAILED, Codes, known_errors


def _codes() -> Codes:
    from trellis.sandbox import SandboxError
    from trellis.toolchain import ToolUnavailableError

    return {SandboxError: TOOL_FAILED, ToolUnavailableError: TOOL_FAILED}


@click.group()
def sandbox() -> None:
    """A real Kubernetes control plane on this machine, over simulated nodes."""


@sandbox.command()
@click.argument("name", default="default")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the API server on loopback (default: a free one).")
@click.option("--stack", help="Make the nodes that this stack's pools give.")
@click.option("--cluster", help="Which cluster of the stack (default: its only one).")
@click.option("--at", type=click.Choice(["floor", "limit"]), default="limit", show_default=True, help="How many nodes.")
@known_errors(_codes, nothing="started")
def up(name: str, port: int | None, stack: str | None, cluster: str | None, at: Any) -> None:
    """Start sandbox NAME (default: default) and leave it running."""
    from trellis.sandbox import Sandbox, status
    from trellis.toolchain import to_stderr

    there = status(name)
    if there is not None and there.state == "running":
        click.echo(f"sandbox {name} runs already: {there.server}", err=True)
        return
    nodes, version = _nodes(stack, cluster, at) if stack else ([], None)
    made = Sandbox.start(name, port=port, kubernetes_version=version, attached=False, progress=to_stderr)
    try:
        for node in nodes:
            made.api.create(node)
    except BaseException:
        made.stop()
        raise
    made.release()
    click.echo(f"sandbox {name}: Kubernetes {made.kubernetes} at {made.layout.server}, {len(nodes)} nodes", err=True)
    click.echo(f"export KUBECONFIG={made.kubeconfig}")


def _nodes(stack: str, cluster: str | None, at: Any) -> tuple[list[dict[str, Any]], str]:
    """Nodes of a cluster of a stack, and its Kubernetes minor."""
    from components.layout.clusters import views
    from trellis.preview import load_environment
    from trellis.sandbox import SandboxError
    from trellis.sandbox.nodes import nodes_from

    clusters = views(load_environment(stack)[1])
    if (cluster is None and len(clusters) > 1) or (cluster is not None and cluster not in clusters):
        raise SandboxError(f"stack {stack!r} has the clusters {', '.join(clusters)}: name one with --cluster")
    view = clusters[cluster or next(iter(clusters))]
    return nodes_from(view, at), view.cluster.kubernetes_version


@sandbox.command()
@click.argument("name", default="default")
@known_errors(_codes, nothing="started")
def down(name: str) -> None:
    """End sandbox NAME and remove all that it wrote. One that is not there is fine."""
    from trellis.sandbox import down as end

    click.echo(f"sandbox {name}: {'gone' if end(name) else 'there was none'}", err=True)


@sandbox.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def status(form: str) -> None:
    """List the sandboxes of this user."""
    from tabulate import tabulate

    from trellis.sandbox import statuses

    headers = ["name", "state", "kubernetes", "server", "pid", "failure"]
    rows = [[s.name, s.state, s.kubernetes, s.server, s.pid, s.failure.split("\n")[0]] for s in statuses()]
    if form == "json":
        click.echo(json.dumps([dict(zip(headers, row, strict=True)) for row in rows], indent=1))
    else:
        click.echo(tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True))


@sandbox.command()
@click.argument("name", default="default")
@known_errors(_codes, nothing="started")
def kubeconfig(name: str) -> None:
    """Print the path of the kubeconfig of sandbox NAME."""
    from trellis.sandbox import SandboxError
    from trellis.sandbox import status as find

    there = find(name)
    if there is None or there.state != "running":
        raise SandboxError(f"sandbox {name!r} does not run; `trellis sandbox up {name}` starts it")
    click.echo(there.folder / "admin.kubeconfig")
