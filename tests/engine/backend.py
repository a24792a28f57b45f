"""The state of a stack as the file of its backend has it, to be edited to what a killed engine leaves."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pulumi import automation


class BackendFile:
    """The file of one stack in a backend that is a folder. `stack import` will not do: it drops pending operations."""

    def __init__(self, stack: automation.Stack) -> None:
        root = Path(str(stack.workspace.env_vars["PULUMI_BACKEND_URL"]).removeprefix("file://"))
        project = stack.workspace.project_settings().name
        self.path = root / ".pulumi" / "stacks" / project / f"{stack.name}.json"

    def state(self) -> dict[str, Any]:
        """Resources and pending operations."""
        latest: dict[str, Any] = json.loads(self.path.read_text())["checkpoint"]["latest"]
        return latest

    def edit(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the state in place."""
        document = json.loads(self.path.read_text())
        change(document["checkpoint"]["latest"])
        self.path.write_text(json.dumps(document))

    def row(self, name: str) -> dict[str, Any]:
        """A resource by its name in the program."""
        found: dict[str, Any] = next(row for row in self.state()["resources"] if row["urn"].endswith(f"::{name}"))
        return found

    def forget(self, name: str) -> dict[str, Any]:
        """Leave what a killed engine leaves of a creation; return the resource as it was."""
        row = self.row(name)
        begun = {key: value for key, value in row.items() if key not in ("id", "outputs")}

        def change(latest: dict[str, Any]) -> None:
            latest["resources"] = [one for one in latest["resources"] if one["urn"] != row["urn"]]
            latest.setdefault("pending_operations", []).append({"resource": begun, "type": "creating"})

        self.edit(change)
        return row

    def begin(self, name: str, kind: str) -> None:
        """Leave what a killed engine leaves of a change or a deletion."""
        row = copy.deepcopy(self.row(name))
        self.edit(lambda latest: latest.update(pending_operations=[{"resource": row, "type": kind}]))
