"""The program that `pulumi up` runs: load the stack's configuration, build the platform, export its outputs."""

from trellis.program import run

run()
