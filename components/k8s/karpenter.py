"""Karpenter in a cluster: the controller, then a NodePool and an EC2NodeClass for each of its pools."""

from __future__ import annotations

from components.k8s.addon import Addon
from components.k8s.objects import custom, metadata
from components.layout import karpenter as layout


class Karpenter(Addon):
    """The add-on `karpenter`."""

    row_id = "karpenter"

    def extras(self) -> None:
        names = self.view.names
        if names is None:
            return
        for pool_name, pool in self.view.karpenter_pools.items():
            custom(
                f"{self._name}-{pool_name}",
                "karpenter.k8s.aws/v1/EC2NodeClass",
                metadata(pool_name),
                layout.node_class(self.view, names, pool_name, pool),
                self.child(),
            )
            custom(
                f"{self._name}-{pool_name}",
                "karpenter.sh/v1/NodePool",
                metadata(
                    pool_name,
                    labels=layout.node_labels(pool_name, pool),
                    annotations={layout.UTILISATION: f"{pool.expected_utilisation_percent}%"},
                ),
                layout.node_pool(pool_name, pool),
                self.child(),
            )
            shares = layout.overlay(pool_name, pool)
            if shares is not None:
                custom(
                    f"{self._name}-{pool_name}",
                    "karpenter.sh/v1alpha1/NodeOverlay",
                    metadata(pool_name),
                    shares,
                    self.child(),
                )
