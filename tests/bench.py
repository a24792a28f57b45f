"""Timings of previews: `make bench`. Prints; asserts nothing, because machines differ."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml
from tabulate import tabulate

from trellis.judge import judge
from trellis.paths import STACKS
from trellis.preview import preview_environment
from trellis.report.text import to_text

RUNS = 5
SIZES = (1, 125, 250, 500, 1000)
AS_OF = "2026-11-01"


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def whole_process(stack: str) -> list[float]:
    """Seconds of `trellis preview STACK` as people run it, after one run that is not counted."""
    command = [sys.executable, "-m", "trellis.cli", "preview", stack, "--as-of", AS_OF]

    def run() -> None:
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, cwd=STACKS.parent)  # noqa: S603 - our own command

    run()
    return [seconds(run) for _ in range(RUNS)]


def stack_with(models: int, folder: Path) -> None:
    """Write the dev stack with a number of models in place of its own."""
    stack = yaml.safe_load((STACKS / "Pulumi.dev.yaml").read_text(encoding="utf-8"))
    platform = stack["config"]["trellis:platform"]
    one = platform["models"]["llm-inference"]
    # Whatever grows with the models, so that no rule finds the stack too small for them.
    platform["teams"]["ml-production"] = {
        "gpus": 4 * models + 8,
        "cpu": 40 * models + 64,
        "memoryGib": 160 * models + 256,
    }
    pool = platform["clusters"]["main"]["pools"]["gpu-inference"]
    pool |= {"instanceTypes": ["g6.48xlarge"], "limits": {"gpus": 4 * models + 8}}  # few nodes: subnets bound them
    platform["models"] = {f"model-{i:04d}": {**one, "service": f"model-{i:04d}"} for i in range(models)}
    (folder / "Pulumi.dev.yaml").write_text(yaml.safe_dump(stack), encoding="utf-8")


def growth() -> list[list[object]]:
    """Rows of models, resources, seconds, milliseconds for each model; imports are paid before."""
    rows: list[list[object]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "profiles").symlink_to(STACKS / "profiles")
        for models in (1, *SIZES):  # the first run warms up and is not shown
            stack_with(models, folder)
            plan, _ = preview_environment("dev", folder=folder, as_of=AS_OF)

            def work() -> None:
                to_text(judge(*preview_environment("dev", folder=folder, as_of=AS_OF)))

            taken = seconds(work)
            rows.append([models, len(plan.resources), f"{taken:.2f}", f"{1000 * taken / len(plan.resources):.2f}"])
    return rows[1:]


def main() -> None:
    """Print both tables."""
    taken = whole_process("prod")
    print(f"trellis preview prod, whole process, warm, {RUNS} runs: ", end="")
    print(f"median {statistics.median(taken):.2f} s (min {min(taken):.2f}, max {max(taken):.2f})\n")
    head = ["models", "resources", "seconds", "ms per resource"]
    print(tabulate(growth(), headers=head, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    main()
