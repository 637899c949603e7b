// SPDX-License-Identifier: Apache-2.0
// A small network to try the change rules on, as changes for rules_fixture_accept().
#pragma once

#define PUT_TARIFF(id)                                                                                                 \
	"{'put_tariff':{'id':'" id "','currency':'EUR','elements':[{'price_components':[{'type':'FLAT','price':1}]}]}" \
	"}"
#define PUT_GROUP(id, tariff) "{'put_charge_group':{'id':'" id "','type':'OTHER','tariff_id':'" tariff "'}}"
#define PUT_POINT(id) "{'put_charge_point':{'id':'" id "'}}"
#define PUT_CUSTOMER(id) "{'put_customer':{'id':'" id "'}}"
#define PUT_TOKEN(uid, customer) "{'put_token':{'uid':'" uid "','type':'RFID','customer_id':'" customer "'}}"
#define PUT_FOREIGN(uid, country, party) \
	"{'put_token':{'uid':'" uid "','type':'RFID','issuer':{'country_code':'" country "','party_id':'" party "'}}}"
// Ids as a JSON list without its brackets: "'p1','p2'".
#define ATTACH_POINTS(group, ids) \
	"{'attach_charge_points':{'charge_group_id':'" group "','charge_point_ids':[" ids "]}}"
#define MOVE_POINTS(group, ids) \
	"{'attach_charge_points':{'charge_group_id':'" group "','charge_point_ids':[" ids "],'move':true}}"
#define DETACH_POINTS(ids) "{'detach_charge_points':{'charge_point_ids':[" ids "]}}"
#define ATTACH(group, ids) "{'attach_customers':{'charge_group_id':'" group "','customer_ids':[" ids "]}}"
#define ATTACH_AT(group, ids, tariff) \
	"{'attach_customers':{'charge_group_id':'" group "','customer_ids':[" ids "],'tariff_id':'" tariff "'}}"
#define DETACH(group, ids) "{'detach_customers':{'charge_group_id':'" group "','customer_ids':[" ids "]}}"
#define SET_TARIFF(group, ids, tariff) \
	"{'set_customer_tariff':{'charge_group_id':'" group "','customer_ids':[" ids "],'tariff_id':'" tariff "'}}"
#define DELETE(kind, id) "{'delete_" kind "':{'id':'" id "'}}"
#define DELETE_TOKEN(uid) "{'delete_token':{'uid':'" uid "','type':'RFID'}}"

// office: p1, p2; c1 at t2, c2. home: p3. p4, c3 are in no group.
#define WORLD_TARIFFS PUT_TARIFF("t1") "," PUT_TARIFF("t2") "," PUT_TARIFF("t3")
#define WORLD_GROUPS PUT_GROUP("office", "t1") "," PUT_GROUP("home", "t1")
#define WORLD_POINTS PUT_POINT("p1") "," PUT_POINT("p2") "," PUT_POINT("p3") "," PUT_POINT("p4")
#define WORLD_CUSTOMERS PUT_CUSTOMER("c1") "," PUT_CUSTOMER("c2") "," PUT_CUSTOMER("c3")
#define WORLD_OWN PUT_TOKEN("04AA", "c1") "," PUT_TOKEN("04AB", "c1") "," PUT_TOKEN("04AC", "c2")
#define WORLD_FOREIGN PUT_FOREIGN("04AA", "DE", "8EO")
#define WORLD_PLACES ATTACH_POINTS("office", "'p1','p2'") "," ATTACH_POINTS("home", "'p3'")
#define WORLD_MEMBERS ATTACH_AT("office", "'c1'", "t2") "," ATTACH("office", "'c2'")
#define WORLD_OBJECTS \
	WORLD_TARIFFS "," WORLD_GROUPS "," WORLD_POINTS "," WORLD_CUSTOMERS "," WORLD_OWN "," WORLD_FOREIGN
#define WORLD WORLD_OBJECTS "," WORLD_PLACES "," WORLD_MEMBERS
