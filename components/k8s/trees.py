"""Add-ons that upstream ships as kustomize trees: Applications at a pinned commit, one after the other."""

from __future__ import annotations

import pulumi

from components.k8s.addon import Addon
from components.k8s.argo_cd import application
from components.k8s.objects import custom, metadata
from components.layout import secrets
from components.layout.gitops import generated_secrets, trees

READY = {"pulumi.com/waitFor": "jsonpath={.status.health.status}=Healthy"}
"""What stands on a tree (its interfaces, the next tree) must find it running: Argo CD says when it is."""
FIRST_SYNC = pulumi.CustomTimeouts(create="30m", update="30m")
"""Images of a whole tree are pulled on the first sync; the provider's ten minutes are too short for that."""


class Tree(Addon):
    """An add-on that Argo CD delivers. It depends on Argo CD by its catalogue row, so it goes before it."""

    def prerequisites(self) -> list[pulumi.Resource]:
        """Generated Secrets in the place of those whose content everybody knows."""
        found: list[pulumi.Resource] = []
        for name, (namespace, template) in generated_secrets(self.view, self.row.id).items():
            logical, meta = f"{self._name}-{name}", metadata(name, namespace)
            child = pulumi.ResourceOptions(parent=self)
            generator = custom(logical, secrets.PASSWORD, meta, secrets.password_generator(), child)
            after = pulumi.ResourceOptions(parent=self, depends_on=[generator])
            spec = secrets.generated_secret(name, name, template)
            found += [generator, custom(logical, secrets.EXTERNAL_SECRET, meta, spec, after)]
        return found

    def extras(self) -> None:
        first = list(self.first)
        for name, spec in trees(self.view, self.row.id).items():
            logical = self._name if name == self.row.id else f"{self._name}-{name.removeprefix(f'{self.row.id}-')}"
            opts = pulumi.ResourceOptions(parent=self, depends_on=list(first), custom_timeouts=FIRST_SYNC)
            first.append(application(logical, name, spec, opts, READY))
