"""Add-ons that upstream ships as kustomize trees: Applications at a pinned commit, one after the other."""

from __future__ import annotations

import pulumi

from components.k8s.addon import Addon
from components.k8s.argo_cd import application
from components.layout.gitops import trees


class Tree(Addon):
    """An add-on that Argo CD delivers. It depends on Argo CD by its catalogue row, so it goes before it."""

    def extras(self) -> None:
        first: list[pulumi.Resource] = []
        for name, spec in trees(self.row.id).items():
            logical = self._name if name == self.row.id else f"{self._name}-{name.removeprefix(f'{self.row.id}-')}"
            first.append(application(logical, name, spec, pulumi.ResourceOptions(parent=self, depends_on=list(first))))
