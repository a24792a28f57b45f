"""From the objects of a plan to the pods that their controllers would make: pure functions, nothing is asked."""

from trellis.rehearsal.expand.model import Expansion, How, PodSet, Unexpanded, Workload
from trellis.rehearsal.expand.table import expand

__all__ = ["Expansion", "How", "PodSet", "Unexpanded", "Workload", "expand"]
