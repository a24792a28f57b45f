"""Finds what part of the program a resource comes from, and what part of the stack file it was made for."""

from __future__ import annotations

from pathlib import Path

from trellis.stackfile import StackFileError, read

NAMED = frozenset({"access", "addons", "applications", "clusters", "models", "pools", "teams", "training", "versions"})
"""Keys of a stack file below which the user gives the names; names of resources are made of these."""


def component(urn: str) -> str:
    """The components that own a resource, outermost first: `AiPlatform > EksSide > Cluster`. Empty where none does."""
    chain = urn.split("::")[2].split("$")[:-1] if urn.count("::") >= 3 else []
    return " > ".join(part.rpartition(":")[2] for part in chain)


def stack_file_place(urn: str, file: Path) -> str | None:
    """Where the stack file names what a resource was made for, as `stacks/Pulumi.dev.yaml:34: models.llm`.

    None where the resource's name holds no name of the file's: it comes from a profile, or every stack has it.
    """
    name = f"-{urn.rpartition('::')[2]}-"
    try:
        places = read(file)[1].places
    except StackFileError:
        return None
    named = [path for path in places if len(path) > 1 and path[-2] in NAMED and f"-{path[-1]}-" in name]
    if not named:
        return None
    best = max(named, key=lambda path: (len(str(path[-1])), len(path)))
    return f"{places[best]}: {'.'.join(map(str, best))}"
