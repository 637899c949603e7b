#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the demo network as import lines: `deploy/demo/make_demo.py > deploy/demo/network.jsonl`.

A small operator, EVC, around Amsterdam: an office with its own charge group, employees' chargers at home, a car park
shared with all customers, a street open to roaming, a taxi company that is a provider of its own, and chargers that
were just delivered. All people, cards and companies are made up.
"""

import hashlib
import json

FIRST = ("Anna Bram Carla Daan Emma Fleur Gijs Hanna Iris Jan Karin Lars Maud Niels Olga Pieter Quirine Ruben Sanne "
         "Tim Ursula Victor Wouter Yara Zoë").split()
LAST = ("de_Jong Jansen de_Vries Bakker Visser Smit Meijer Mulder Bos Vos Peters Hendriks Dekker Brouwer Dijkstra Kok "
        "Jacobs Vermeulen Schouten Willems Maas Prins Postma Kuipers Veenstra").split()
EXPIRED, FUTURE = 1704067200, 4070908800  # 2024-01-01, 2099-01-01

lines = []


def put(kind, **fields):
    """One change; fields that are empty are left out, as export does."""
    change = {name: value for name, value in fields.items() if value not in ("", False, None, [], 0)}
    lines.append({kind: change})


def energy(price, **more):
    return {"price_components": [{"type": "ENERGY", "price": price, "vat": 21, "step_size": 1}], **more}


def tariff(tariff_id, text, *elements):
    put("put_tariff", id=tariff_id, currency="EUR", elements=list(elements),
        tariff_alt_text=[{"language": "en", "text": text}])


def tariffs():
    tariff("t-work", "25 ct per kWh", energy(0.25))
    tariff("t-staff", "12 ct per kWh, weekends free",
           {"price_components": [{"type": "ENERGY", "price": 0, "step_size": 1}],
            "restrictions": {"day_of_week": ["SATURDAY", "SUNDAY"]}},
           energy(0.12))
    tariff("t-home", "28 ct per kWh, paid back by the employer", energy(0.28))
    tariff("t-public", "35 ct to start, 45 ct per kWh, 5 ct per minute after three hours",
           {"price_components": [{"type": "FLAT", "price": 0.35, "vat": 21, "step_size": 1},
                                 {"type": "ENERGY", "price": 0.45, "vat": 21, "step_size": 1}]},
           {"price_components": [{"type": "TIME", "price": 3, "vat": 21, "step_size": 60}],
            "restrictions": {"min_duration": 10800}})
    tariff("t-direct", "59 ct per kWh, paid at the charger", energy(0.59))


def groups():
    put("put_charge_group", id="office", name="Office Zuidas", type="OTHER", tariff_id="t-work",
        additional_information="Contract 2026-031. Employees and their guests.")
    for number in range(1, 11):
        put("put_charge_group", id=f"home-{number:02}", name=f"Home of {customer_name(number)}", type="HOME",
            tariff_id="t-home")
    put("put_charge_group", id="park", name="Car park Sloterdijk", type="OTHER", tariff_id="t-work",
        open_to_all_customers=True)
    put("put_charge_group", id="street", name="Overtoom", type="OTHER", tariff_id="t-public",
        prepaid_tariff_id="t-direct", open_to_roaming=True)
    put("put_charge_group", id="taxi", name="Taxi stand Schiphol", type="OTHER", tariff_id="t-public",
        open_to_all_customers=True, open_to_roaming=True, user_group="taxi-west")
    put("put_charge_group", id="workshop", name="Workshop", type="OTHER", tariff_id="t-work")


POINTS = [("AMS-Z", "zuidas", "office", 12), ("HOME-", "home", None, 10), ("AMS-S", "sloterdijk", "park", 10),
          ("AMS-O", "overtoom", "street", 12), ("AMS-T", "schiphol", "taxi", 3), ("AMS-N", "warehouse", "", 3)]


def points():
    serial = 0
    for prefix, location, group, count in POINTS:
        for number in range(1, count + 1):
            serial += 1
            put("put_charge_point", id=f"{prefix}{number:02}", location_id=f"loc-{location}",
                home_charger=group is None, time_zone="Europe/Amsterdam",
                evses=[{"evse_id": f"NL*EVC*E{serial:04}*{side}", "connector_type": "IEC_62196_T2"}
                       for side in range(1, 2 if group is None else 3)])


def customer_name(number):
    return f"{FIRST[number % 25]} {LAST[(number * 7 + number // 25) % 25]}".replace("_", " ")


def customers():
    for number in range(1, 201):
        put("put_customer", id=f"cust-{number}", name=customer_name(number),
            user_group="taxi-west" if number > 180 else "", payment="PREPAID" if number % 13 == 0 else "CONTRACT",
            blocked=number in (99, 155), no_credit=number in (65, 130))


def uid(number):
    return "04" + hashlib.sha256(str(number).encode()).hexdigest()[:12].upper()


def tokens():
    for number in range(1, 201):  # everybody has a card
        put("put_token", uid="04A1B2C3D4E5F6" if number == 17 else uid(number), type="RFID",
            customer_id=f"cust-{number}", contract_id=f"NL-EVC-C{number:08}", visual_number=f"EVC {number:04}",
            blocked=number == 23,
            valid_from=FUTURE if number == 31 else 0, valid_until=EXPIRED if number == 29 else 0,
            parent_id="family-17" if number in (17, 18) else "", roaming_allowed=number % 3 != 0)
    for number in range(5, 165, 5):  # some use the app, some plug and charge
        put("put_token", uid=f"app-{number:05}", type="APP_USER", customer_id=f"cust-{number}", roaming_allowed=True)
    for number in range(10, 90, 10):
        put("put_token", uid=f"NL-EVC-C{number:08}-{number % 10}", type="EMAID", customer_id=f"cust-{number}")
    whitelists = ["ALWAYS", "ALLOWED", "ALLOWED_OFFLINE", "NEVER"]
    for number in range(60):  # the cards of two eMSPs
        country, party, prefix = [("DE", "8AA", "DE-8AA-C"), ("BE", "BEC", "BE-BEC-C")][number % 2]
        put("put_token", uid=uid(1000 + number), type="RFID", issuer={"country_code": country, "party_id": party},
            contract_id=f"{prefix}{number:08}", blocked=number == 44, whitelist=whitelists[number // 2 % 4])


def attachments():
    def attach_points(group, prefix, numbers):
        put("attach_charge_points", charge_group_id=group,
            charge_point_ids=[f"{prefix}{number:02}" for number in numbers])

    for prefix, _, group, count in POINTS:
        if group:
            attach_points(group, prefix, range(1, count + 1))
    for number in range(1, 11):
        attach_points(f"home-{number:02}", "HOME-", [number])
        put("attach_customers", charge_group_id=f"home-{number:02}", customer_ids=[f"cust-{number}"])
    put("attach_customers", charge_group_id="office", customer_ids=[f"cust-{number}" for number in range(1, 61)])
    put("set_customer_tariff", charge_group_id="office", tariff_id="t-staff",
        customer_ids=[f"cust-{number}" for number in range(1, 11)])
    put("attach_customers", charge_group_id="office", customer_ids=["cust-65", "cust-99"])


for part in (tariffs, groups, points, customers, tokens, attachments):
    part()
for line in lines:
    print(json.dumps(line, ensure_ascii=False, separators=(",", ":")))
