"""One owner for each object: what the stack file makes, Argo CD may neither change nor delete.

Both write into teams' namespaces. An object that stands in the stack file and in Git as well would go back and forth
between two contents, unseen. The API server refuses Argo CD's write instead, and its Application says why.
"""

from __future__ import annotations

from typing import Any

from components.layout.clusters import ClusterView, views
from components.layout.gitops import NAMESPACE
from components.layout.links import argo_cd_targets
from components.layout.network_policies import TEAM_LABEL

Spec = dict[str, Any]
NAME = "one-owner.trellis.dev"
OWNER_LABEL, OWNER = "app.kubernetes.io/managed-by", "trellis"
CONTROLLER = f"system:serviceaccount:{NAMESPACE}:argocd-application-controller"
_LABELS = "oldObject.metadata.labels"


def writers(view: ClusterView) -> tuple[str, ...]:
    """CEL conditions that tell Argo CD's requests in a cluster: its account there, its role from another cluster."""
    found = [f"request.userInfo.username == '{CONTROLLER}'"] if "argo-cd" in view.addons else []
    names = view.names
    elsewhere = [one for one in views(view.platform).values() if view.name in argo_cd_targets(one)]
    if elsewhere and names is not None:
        session = f"arn:aws:sts::{names.account_id}:assumed-role/{names.argo_cd_target_role(view.name)}/"
        found.append(f"request.userInfo.username.startsWith('{session}')")
    return tuple(found)


def policy(view: ClusterView) -> Spec | None:
    """Spec of the ValidatingAdmissionPolicy; None in a cluster to which Argo CD does not deploy."""
    conditions = writers(view)
    if not conditions:
        return None
    rule = {
        "apiGroups": ["*"],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE", "DELETE"],
        "resources": ["*"],
    }
    free = (
        f"oldObject == null || !has({_LABELS}) || !('{OWNER_LABEL}' in {_LABELS})"
        f" || {_LABELS}['{OWNER_LABEL}'] != '{OWNER}'"
    )
    message = "the stack file owns this object: change it there, or take it out there before Git delivers it"
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "namespaceSelector": {"matchExpressions": [{"key": TEAM_LABEL, "operator": "Exists"}]},
            "resourceRules": [rule],
        },
        "matchConditions": [{"name": "argo-cd", "expression": " || ".join(conditions)}],
        "validations": [{"expression": free, "message": message, "reason": "Forbidden"}],
    }


def binding() -> Spec:
    """Spec of the binding that puts it in force."""
    return {"policyName": NAME, "validationActions": ["Deny"]}
