"""VPCs, subnets, route tables and endpoints of EC2 as AWS has them: what refuses to go while others depend on it."""

from __future__ import annotations

from trellis.doubles.aws.gaps import ec2_uses, references
from trellis.doubles.aws.gaps.fill import Bag, Call, Refusal, serves


@serves("ec2", "DeleteVpc", reason="moto looks at no gateway, endpoint or security group")
def delete_vpc(call: Call) -> Bag:
    """A VPC that is empty."""
    _free(f"The vpc '{call.params['VpcId']}'", ec2_uses.of_vpc(call, call.params["VpcId"]))
    return call.moto()


@serves("ec2", "DeleteSubnet", reason="moto deletes it with all that is in it, and leaves its routing behind")
def delete_subnet(call: Call) -> Bag:
    """A subnet in which nothing is; its table forgets it."""
    id_ = call.params["SubnetId"]
    _free(f"The subnet '{id_}'", ec2_uses.of_subnet(call, id_))
    answer = call.moto()
    for table in call.backend.route_tables.values():
        for association in [key for key, served in table._associations.items() if served == id_]:
            del table._associations[association]
    return answer


@serves("ec2", "AssociateRouteTable", reason="moto answers with the other table's association")
def associate(call: Call) -> Bag:
    """A subnet with a table; it may have one."""
    subnet = call.params.get("SubnetId")
    for table in call.backend.route_tables.values():
        for association, served in table._associations.items():
            if subnet is not None and served == subnet:
                message = (
                    f"the specified association for route table {call.params['RouteTableId']} conflicts with an "
                    f"existing association: {association}"
                )
                raise Refusal("Resource.AlreadyAssociated", message)
    return call.moto()


@serves("ec2", "CreateRoute", "ReplaceRoute", reason="moto routes to a NAT gateway that is gone")
def route(call: Call) -> Bag:
    """A route to something that is there."""
    id_ = call.params.get("NatGatewayId")
    nat = call.backend.nat_gateways.get(id_)
    if id_ and (nat is None or nat.state == "deleted"):
        raise Refusal("InvalidNatGatewayID.NotFound", f"The natGateway ID '{id_}' does not exist")
    return call.moto()


@serves("ec2", "CreateVpcEndpoint", reason="moto looks at no reference, and lets two endpoints answer to one name")
def create_endpoint(call: Call) -> Bag:
    """An endpoint for a service that the VPC has none for yet."""
    params = call.params
    call.backend.get_vpc(params["VpcId"])
    references.subnets(call, params.get("SubnetIds", []), "InvalidSubnetID.NotFound")
    references.security_groups(call, params.get("SecurityGroupIds", []), "InvalidGroup.NotFound")
    for table in params.get("RouteTableIds", []):
        call.backend.get_route_table(table)
    for one in call.backend.vpc_end_points.values():
        same = (one.vpc_id, one.service_name) == (params["VpcId"], params["ServiceName"]) and one.state != "deleted"
        if not same:
            continue
        both = sorted(set(one.route_table_ids or []) & set(params.get("RouteTableIds", [])))
        if both:
            message = (
                f"route table {both[0]} already has a route with destination-prefix-list-id for {one.service_name}"
            )
            raise Refusal("RouteAlreadyExists", message)
        if one.private_dns_enabled and params.get("PrivateDnsEnabled"):
            message = "private-dns-enabled cannot be set because there is already a conflicting DNS domain for "
            raise Refusal("InvalidParameter", f"{message}{one.service_name} in the VPC {one.vpc_id}")
    return call.moto()


@serves("ec2", "ModifyVpcEndpoint", reason="moto looks at no reference, and leaves the route tables as they were")
def modify_endpoint(call: Call) -> Bag:
    """Other tables, subnets or groups; each table of a gateway endpoint has a route to it."""
    params = call.params
    references.subnets(call, params.get("AddSubnetIds", []), "InvalidSubnetID.NotFound")
    references.security_groups(call, params.get("AddSecurityGroupIds", []), "InvalidGroup.NotFound")
    for table in params.get("AddRouteTableIds", []):
        call.backend.get_route_table(table)
    answer = call.moto()
    endpoint = call.backend.get_vpc_end_point(params["VpcEndpointId"])
    to = endpoint.destination_prefix_list_id
    if to:
        for table in params.get("AddRouteTableIds", []):
            call.backend.create_route(table, None, gateway_id=endpoint.id, destination_prefix_list_id=to)
        for table in params.get("RemoveRouteTableIds", []):
            call.backend.delete_route(table, to)
    return answer


@serves("ec2", "DeleteVpcEndpoints", reason="moto deletes twice")
def delete_endpoints(call: Call) -> Bag:
    """Endpoints, each once; what could not be deleted is in the answer."""
    failed = []
    for id_ in call.params["VpcEndpointIds"]:
        found = call.backend.vpc_end_points.get(id_)
        if found is None or found.state == "deleted":
            error = {"Code": "InvalidVpcEndpoint.NotFound", "Message": f"The VpcEndpoint Id '{id_}' does not exist"}
            failed.append({"ResourceId": id_, "Error": error})
        else:
            call.backend.delete_vpc_endpoints([id_])
    return {"Unsuccessful": failed}


def _free(what: str, user: str) -> None:
    if user:
        raise Refusal("DependencyViolation", f"{what} has dependencies and cannot be deleted: {user}")
