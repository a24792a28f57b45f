"""The act `autoscale`: the stack's own NodePools under the real Karpenter, with our instance and price tables."""

from trellis.rehearsal.autoscale.act import NAME, run

__all__ = ["NAME", "run"]
