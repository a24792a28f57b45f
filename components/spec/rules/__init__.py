"""Rules that no schema can say, because they look at several fields at once or at the catalogue.

Each rule takes the platform and yields problems. A rule is silent where another has spoken: an unknown instance type is
one problem, not five. The order here is the order of a stack file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from components.spec.base import Problem
from components.spec.platform import Platform
from components.spec.rules import (
    addons,
    clusters,
    endpoints,
    gpu,
    guardrails,
    instances,
    mig,
    models,
    names,
    network,
    placement,
    pools,
    quotas,
    services,
    training,
)

Rule = Callable[[Platform], Iterable[Problem]]

RULES: tuple[Rule, ...] = (
    clusters.eks_needs_aws,
    network.region_is_known,
    network.zones_are_known,
    network.three_zones,
    network.vpc_has_a_size_that_aws_allows,
    network.subnets_fit,
    network.subnets_hold_the_nodes,
    network.service_ranges_are_apart,
    network.public_subnets_lie_beside_private_ones,
    clusters.kubernetes_version_can_be_created,
    clusters.addons_support_the_kubernetes_version,
    clusters.shared_services_run_once,
    clusters.workloads_have_a_cluster,
    endpoints.api_server_is_not_open,
    endpoints.endpoint_ranges_are_of_their_kind,
    endpoints.somebody_can_deploy,
    endpoints.one_access_entry_per_principal,
    endpoints.one_cluster_behind_one_context,
    instances.instance_types_are_known,
    instances.instance_types_are_offered,
    instances.one_architecture_per_pool,
    instances.families_are_allowed,
    instances.allowed_families_exist,
    instances.accelerators_can_be_used,
    instances.efa_types_have_efa,
    instances.system_nodes_have_no_gpus,
    pools.fixed_size_without_autoscaler,
    pools.reserved_pools_name_their_reservation,
    pools.a_reservation_is_for_one_type,
    pools.limits_name_what_is_bought,
    pools.limits_hold_a_node,
    pools.pool_teams_exist,
    pools.purposes_fit_the_cluster,
    network.pools_live_in_zones_of_the_network,
    gpu.one_gpu_model_per_pool,
    gpu.shared_pools_have_one_gpu_count,
    gpu.gpu_pools_say_how_gpus_are_shared,
    gpu.existing_gpus_are_known,
    mig.mig_needs_a_gpu_that_can,
    mig.mig_layouts_can_be_placed,
    mig.mig_single_has_one_profile,
    mig.one_mig_strategy_per_cluster,
    gpu.sharing_is_set_by_the_operator,
    gpu.one_owner_of_the_gpu_driver,
    gpu.images_can_be_picked,
    gpu.sharing_is_allowed,
    addons.addons_are_known,
    addons.addons_have_a_cluster,
    addons.needed_addons_are_on,
    addons.asked_addons_are_on,
    addons.asked_addons_have_a_cluster,
    services.certificates_lie_beside_the_load_balancer,
    services.exposed_interfaces_have_a_way_in,
    services.exposure_stands_before_eks,
    services.storage_may_grow,
    models.weights_sum_to_100,
    models.versions_say_what_is_served,
    models.replicas_have_a_range,
    models.ports_are_free,
    models.headers_are_header_names,
    models.env_names_are_variables,
    placement.pools_exist,
    placement.gpus_are_asked_of_gpu_pools,
    placement.slices_are_named_on_mig_pools,
    placement.pods_ask_for_gpus_that_a_node_has,
    placement.pods_fit_a_node,
    placement.shared_memory_is_part_of_memory,
    training.spot_only_for_what_may_be_interrupted,
    training.training_on_spot_keeps_checkpoints,
    training.training_owns_its_gpus,
    training.models_stay_off_training_pools,
    training.nodes_live_longer_than_jobs,
    quotas.workload_teams_exist,
    quotas.pools_hold_what_always_runs,
    quotas.jobs_fit_the_number_of_nodes,
    quotas.team_quotas_hold_what_always_runs,
    names.namespaces_are_free,
    names.services_have_one_owner,
    names.versions_have_one_owner,
    names.pool_names_are_free,
    names.applications_have_one_owner,
    names.labels_can_be_set,
    guardrails.budget_alerts_rise,
    guardrails.teams_cost_less_than_the_environment,
    guardrails.lists_name_things_once,
)


def rule_id(rule: Rule) -> str:
    """The id of a rule: its name with dashes, such as `weights-sum-to-100`."""
    return str(getattr(rule, "__name__", rule)).replace("_", "-")
