"""The Kubernetes provider of a rehearsal, over a real API server. tests/doubles/kubernetes lists what it matches."""

from trellis.doubles.kubernetes.double import KubernetesDouble

__all__ = ["KubernetesDouble"]
