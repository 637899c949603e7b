#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the hex vectors of proto/PROTOCOL.md, as an empty daemon answers them: run it, look at them, paste them.

    PYTHONPATH=build/dev/python:clients/python EVAUTH_SERVER=127.0.0.1:7420 tests/tools/make_vectors.py
"""

import struct

import evauth_pb2 as pb
from evauth_client import METHODS, Client

TARIFF = pb.Tariff(id="t", currency="EUR", elements=[pb.TariffElement(price_components=[pb.PriceComponent(
    type=pb.TARIFF_DIMENSION_TYPE_ENERGY, price=pb.Decimal(units=25, scale=2))])])
WORLD = pb.ChangeSet(actor="doc", changes=[
    pb.Change(put_tariff=TARIFF),
    pb.Change(put_charge_group=pb.ChargeGroup(id="g", type=pb.CHARGE_GROUP_TYPE_OTHER, tariff_id="t")),
    pb.Change(put_charge_point=pb.ChargePoint(id="P1", evses=[pb.Evse(evse_id="NL*EVC*E1")])),
    pb.Change(put_customer=pb.Customer(id="c")),
    pb.Change(put_token=pb.Token(uid="04A1B2", type=pb.TOKEN_TYPE_RFID, customer_id="c", valid_until=1800000000)),
    pb.Change(attach_charge_points=pb.AttachChargePoints(charge_group_id="g", charge_point_ids=["P1"])),
    pb.Change(attach_customers=pb.AttachCustomers(charge_group_id="g", customer_ids=["c"])),
])
VECTORS = [
    ("A whole small world in one change set: it becomes revision 2.", WORLD),
    ("A card that was read as `04:a1:b2`, at an EVSE: ALLOWED, with the spellings of the store.",
     pb.AuthorizeRequest(token_uid="04:a1:b2", token_type=pb.TOKEN_TYPE_RFID, evse_id="nlevce1", at=1700000000)),
    ("The same card from the second of its valid_until on: DENIED.",
     pb.AuthorizeRequest(token_uid="04A1B2", charge_point_id="P1", at=1800000000)),
    ("A card nobody knows.", pb.AuthorizeRequest(token_uid="04FF", charge_point_id="P1", at=1700000000)),
    ("What customer c pays in group g.", pb.GetTariffRequest(charge_group_id="g", customer_id="c")),
    ("A malformed question: no charge point. Status 3 and an Error.", pb.AuthorizeRequest(token_uid="04FF")),
]


def varint(data, at):
    value, shift = 0, 0
    while True:
        value |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if not data[at - 1] & 128:
            return value, at


def fields(body):
    """Yields (number, bytes of the field)."""
    at = 0
    while at < len(body):
        key, after = varint(body, at)
        if key & 7 == 2:
            size, after = varint(body, after)
            after += size
        else:
            _, after = varint(body, after)
        yield key >> 3, body[at:after]
        at = after


def show(kind, header, body, message):
    """One block: the header, then a line for each field."""
    length, version_kind, status, method, request_id = struct.unpack(">IBBHI", header)
    print(f"```{kind}")
    print(f"{header.hex(' ')}  # length {length}, version 1, kind {version_kind & 15}, status {status}, "
          f"method {method}, id {request_id}")
    for number, data in fields(body):
        field = message.DESCRIPTOR.fields_by_number[number]
        value = type(message).FromString(data)
        text = " ".join(str(value).split()) if len(data) < 60 else field.name
        print(f"{data.hex(' ')}  # {text}")
    print("```")


def main():
    client = Client()
    for text, request in VECTORS:
        client.send(request)
        number, response = METHODS[type(request)]
        body = request.SerializeToString()
        print(f"\n{text}\n")
        show("request", struct.pack(">IBBHI", len(body) + 8, 0x11, 0, number, client.last_id), body, request)
        kind, status, method, request_id, body = client.receive()
        print()
        show("response", struct.pack(">IBBHI", len(body) + 8, 0x10 | kind, status, method, request_id), body,
             pb.Error() if status else response())


if __name__ == "__main__":
    main()
