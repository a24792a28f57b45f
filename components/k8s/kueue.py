"""Kueue in a cluster: the controller, then flavours from the pools and queues from the teams."""

from __future__ import annotations

import pulumi

from components.k8s.addon import Addon
from components.k8s.objects import bare, custom, metadata
from components.layout import queues as layout


class Kueue(Addon):
    """The add-on `kueue`."""

    row_id = "kueue"

    def extras(self) -> None:
        flavours: list[pulumi.Resource] = [
            custom(f"{self._name}-{pool}", f"{layout.API}/ResourceFlavor", metadata(pool), spec, self.child())
            for pool, spec in layout.flavours(self.view).items()
        ]
        for priority, (value, meaning) in layout.PRIORITIES.items():
            bare(
                f"{self._name}-{priority}",
                f"{layout.API}/WorkloadPriorityClass",
                metadata(priority),
                self.child(),
                value=value,
                description=meaning,
            )
        after = pulumi.ResourceOptions(parent=self, depends_on=[*self.releases, *flavours])
        for team, spec in layout.cluster_queues(self.view).items():
            queue = custom(f"{self._name}-{team}", f"{layout.API}/ClusterQueue", metadata(team), spec, after)
            custom(
                f"{self._name}-{team}",
                f"{layout.API}/LocalQueue",
                metadata(layout.LOCAL_QUEUE, team),
                {"clusterQueue": team},
                pulumi.ResourceOptions(parent=self, depends_on=[*self.releases, queue]),
            )
