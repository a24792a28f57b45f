"""Training jobs of the stack file."""

from __future__ import annotations

import pulumi

from components.k8s.objects import custom, metadata
from components.layout import training as layout
from components.layout.clusters import ClusterView
from components.spec.workloads import TrainingJob as JobSpec


class TrainingJob(pulumi.ComponentResource):
    """One job: a TrainJob, with a runtime of its own where no shared one serves."""

    def __init__(self, name: str, spec: JobSpec, view: ClusterView, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trellis:k8s:TrainingJob", name, None, opts)
        first: list[pulumi.Resource] = []
        # A job cannot change while it runs: another spec is another job of the same name, after the first is gone.
        anew = pulumi.ResourceOptions(parent=self, replace_on_changes=["spec"], delete_before_replace=True)
        runtime = layout.own_runtime(view, spec)
        if runtime is not None:
            first = [custom(name, layout.RUNTIME, metadata(name, spec.team), runtime, anew)]
        custom(
            name,
            layout.TRAIN_JOB,
            metadata(name, spec.team, labels=layout.job_labels(view, spec), annotations=layout.job_annotations(spec)),
            layout.train_job(view, name, spec),
            pulumi.ResourceOptions.merge(anew, pulumi.ResourceOptions(depends_on=first)),
        )
        self.register_outputs({})
