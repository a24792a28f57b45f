"""EC2's route tables, their routes, and whom they serve."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, Final

from trellis.doubles.aws.ec2_shape import Ec2, outputs
from trellis.doubles.aws.shape import Aws, Shape, changed, sent
from trellis.doubles.errors import Refused
from trellis.doubles.provider import Bag

_MISSING_TABLE = "InvalidRouteTableID.NotFound"


def _table(aws: Aws, id_: str) -> Bag:
    found: Bag = aws.client("ec2").describe_route_tables(RouteTableIds=[id_])["RouteTables"][0]
    return found


class RouteTable(Ec2):
    """`aws:ec2/routeTable:RouteTable`; its routes are resources of their own."""

    gone = (_MISSING_TABLE,)
    kind = "route-table"

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        made = aws.client("ec2").create_route_table(VpcId=inputs["vpcId"], TagSpecifications=self.tagged(tags))
        id_: str = made["RouteTable"]["RouteTableId"]
        return id_

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        return outputs(aws, "route-table", id_, _table(aws, id_), {"VpcId", "OwnerId"})

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        del aws, id_, old, new  # only its tags change in place

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        self.retried(aws, lambda: aws.client("ec2").delete_route_table(RouteTableId=id_))


class Route(Shape):
    """`aws:ec2/route:Route`; imported as `TABLE_DESTINATION`."""

    gone = (_MISSING_TABLE, "InvalidRoute.NotFound")
    taggable = False
    _destinations: Final = {
        "destinationCidrBlock": "DestinationCidrBlock",
        "destinationIpv6CidrBlock": "DestinationIpv6CidrBlock",
        "destinationPrefixListId": "DestinationPrefixListId",
    }
    _targets: Final = {
        "gatewayId": "GatewayId",
        "natGatewayId": "NatGatewayId",
        "egressOnlyGatewayId": "EgressOnlyInternetGatewayId",
        "transitGatewayId": "TransitGatewayId",
        "networkInterfaceId": "NetworkInterfaceId",
        "vpcPeeringConnectionId": "VpcPeeringConnectionId",
        "vpcEndpointId": "VpcEndpointId",
    }

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        wanted = sent(inputs, {**self._destinations, **self._targets})
        aws.client("ec2").create_route(RouteTableId=inputs["routeTableId"], **wanted)
        return self._id(inputs["routeTableId"], self._destination(inputs))

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        if known.get("routeTableId"):
            table, destination = known["routeTableId"], self._destination(known)
        else:
            table, _, destination = id_.partition("_")
        if not destination:
            raise Refused(f"aws:ec2/route:Route is imported as TABLE_DESTINATION, such as rtb-1_0.0.0.0/0, not {id_!r}")
        for row in _table(aws, table)["Routes"]:
            told = {ours: row[theirs] for ours, theirs in self._destinations.items() if row.get(theirs)}
            if destination in told.values():
                targets = {ours: row.get(theirs) for ours, theirs in self._targets.items()}
                state = {"origin": row.get("Origin"), "state": row.get("State")}
                return {"id": self._id(table, destination), "routeTableId": table, **told, **targets, **state}
        return None

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        wanted = sent(new, {**self._destinations, **self._targets})
        aws.client("ec2").replace_route(RouteTableId=new["routeTableId"], **wanted)

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        aws.client("ec2").delete_route(RouteTableId=known["routeTableId"], **sent(known, self._destinations))

    def _destination(self, inputs: Bag) -> str:
        return next((inputs[key] for key in self._destinations if inputs.get(key)), "")

    def _id(self, table: str, destination: str) -> str:
        return f"r-{table}{zlib.crc32(destination.encode())}"


class RouteTableAssociation(Shape):
    """`aws:ec2/routeTableAssociation:RouteTableAssociation`; imported as `SUBNET/TABLE`."""

    gone = ("InvalidAssociationID.NotFound",)
    taggable = False

    def make(self, aws: Aws, name: str, inputs: Bag, tags: dict[str, str]) -> str:
        wanted = sent(inputs, {"routeTableId": "RouteTableId", "subnetId": "SubnetId", "gatewayId": "GatewayId"})
        id_: str = aws.client("ec2").associate_route_table(**wanted)["AssociationId"]
        return id_

    def show(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        found = self._association(aws, id_, known)
        if found is None:
            return None
        told = {"subnetId": found.get("SubnetId"), "gatewayId": found.get("GatewayId")}
        return {"id": found["RouteTableAssociationId"], "routeTableId": found["RouteTableId"], **told}

    def change(self, aws: Aws, id_: str, old: Bag, new: Bag) -> None:
        found = self._association(aws, id_, old)
        if found is not None and changed(old, new, "routeTableId"):
            aws.client("ec2").replace_route_table_association(
                AssociationId=found["RouteTableAssociationId"], RouteTableId=new["routeTableId"]
            )

    def drop(self, aws: Aws, id_: str, known: Bag) -> None:
        found = self._association(aws, id_, known)
        if found is not None:
            aws.client("ec2").disassociate_route_table(AssociationId=found["RouteTableAssociationId"])

    def _association(self, aws: Aws, id_: str, known: Bag) -> Bag | None:
        """By id, by import id, or by whom it serves: AWS gives an association another id when its table changes."""
        of_known = known.get("subnetId") or known.get("gatewayId")
        served: Bag | None = None
        for one in self._all(aws):
            of = one.get("SubnetId") or one.get("GatewayId")
            if id_ in (one["RouteTableAssociationId"], f"{of}/{one['RouteTableId']}"):
                return dict(one)
            if of_known is not None and of == of_known:
                served = dict(one)
        return served

    def _all(self, aws: Aws) -> list[Any]:
        pages = aws.client("ec2").get_paginator("describe_route_tables").paginate()
        return [one for page in pages for table in page["RouteTables"] for one in table["Associations"]]


KINDS: Final[Mapping[str, Shape]] = {
    "aws:ec2/routeTable:RouteTable": RouteTable(),
    "aws:ec2/route:Route": Route(),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": RouteTableAssociation(),
}
