"""Runs the policy pack. `pulumi preview --policy-pack policies` starts this file in its own folder.

Only this file may construct a `PolicyPack`: the constructor serves the engine and never returns.
"""

import sys
from pathlib import Path

# The engine runs the pack in this folder; the rules are imported as part of the project, one level up.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pulumi_policy import EnforcementLevel, PolicyPack

from policies import pack

PolicyPack(name=pack.NAME, enforcement_level=EnforcementLevel.ADVISORY, policies=pack.policies())
