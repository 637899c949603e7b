# SPDX-License-Identifier: Apache-2.0
"""A deliberately naive evauthd: what DESIGN sections 1.1 to 1.4 say, in linear lists, sharing nothing with the daemon.

Objects are kept as the protobuf messages they came in. Everything is found by looking at every element. Where DESIGN
leaves the daemon a choice, the model gives a set of acceptable answers; it never looks at the daemon to decide one.
"""

import copy
import string

import evauth_pb2 as pb
from harness import ABORTED, ALREADY_EXISTS, FAILED_PRECONDITION, INVALID_ARGUMENT, NOT_FOUND

# reason -> words of OCPI, OCPP 1.6, OCPP 2.x (DESIGN 1.2); ISSUER_DECIDES depends on the offline verdict as well
WORDS = {
    pb.REASON_OK: ("ALLOWED", "Accepted", "Accepted"),
    pb.REASON_UNKNOWN_TOKEN: ("", "Invalid", "Unknown"),
    pb.REASON_TOKEN_BLOCKED: ("BLOCKED", "Blocked", "Blocked"),
    pb.REASON_CUSTOMER_BLOCKED: ("BLOCKED", "Blocked", "Blocked"),
    pb.REASON_TOKEN_EXPIRED: ("EXPIRED", "Expired", "Expired"),
    pb.REASON_TOKEN_NOT_YET_VALID: ("NOT_ALLOWED", "Blocked", "NotAtThisTime"),
    pb.REASON_NOT_ATTACHED: ("NOT_ALLOWED", "Blocked", "NotAtThisLocation"),
    pb.REASON_ROAMING_OFF: ("NOT_ALLOWED", "Blocked", "NotAtThisLocation"),
    pb.REASON_NO_ROAMING_CONSENT: ("NOT_ALLOWED", "Blocked", "NotAtThisLocation"),
    pb.REASON_NO_CREDIT: ("NO_CREDIT", "Blocked", "NoCredit"),
    pb.REASON_UNKNOWN_CHARGE_POINT: ("", "Invalid", "Invalid"),
    pb.REASON_NO_CHARGE_GROUP: ("", "Invalid", "Invalid"),
}
ISSUER_DECIDES_WORDS = {
    pb.VERDICT_ALLOWED: ("ALLOWED", "Accepted", "Accepted"),
    pb.VERDICT_DENIED: ("", "Blocked", "Unknown"),
}


# ---------------------------------------------------------------- ids (DESIGN 1.1)

def fold(text):
    return text.upper()


def fold_uid(token_type, uid):
    folded = uid.upper()
    if token_type == pb.TOKEN_TYPE_RFID:
        bare = folded.replace(" ", "").replace(":", "").replace("-", "")
        if bare and all(character in string.hexdigits for character in bare):
            return bare
    if token_type == pb.TOKEN_TYPE_EMAID:
        return folded.replace("-", "").replace("*", "")
    return folded


def fold_evse(evse_id):
    return evse_id.upper().replace("*", "")


def same(first, second):
    return fold(first) == fold(second)


def issuer_key(issuer):
    return fold(issuer.country_code), fold(issuer.party_id)


def token_key(token):
    """What identifies a token, in the order of listings."""
    return issuer_key(token.issuer), token.type, fold_uid(token.type, token.uid)


# ---------------------------------------------------------------- the state

class Refused(Exception):
    """The change set is refused: one of `codes`, at change `number`."""

    def __init__(self, codes, number):
        super().__init__(codes, number)
        self.codes, self.number = codes, number


class World:
    def __init__(self):
        self.revision = 1
        self.tariffs, self.groups, self.points, self.customers = [], [], [], []
        self.tokens, self.memberships = [], []

    # ---- finding, one by one

    @staticmethod
    def find(objects, object_id):
        for item in objects:
            if same(item.id, object_id):
                return item
        return None

    def tariff(self, object_id):
        return self.find(self.tariffs, object_id)

    def group(self, object_id):
        return self.find(self.groups, object_id)

    def point(self, object_id):
        return self.find(self.points, object_id)

    def customer(self, object_id):
        return self.find(self.customers, object_id)

    def token(self, issuer, token_type, uid):
        for token in self.tokens:
            if token_key(token) == (issuer_key(issuer), token_type, fold_uid(token_type, uid)):
                return token
        return None

    def membership(self, group_id, customer_id):
        for membership in self.memberships:
            if same(membership.charge_group_id, group_id) and same(membership.customer_id, customer_id):
                return membership
        return None

    def point_of_evse(self, evse_id):
        for point in self.points:
            for evse in point.evses:
                if fold_evse(evse.evse_id) == fold_evse(evse_id):
                    return point
        return None

    def group_of(self, point):
        return self.group(point.charge_group_id) if point.charge_group_id else None

    # ---- references are answered in the spelling of the object's last put

    def respelled(self, record):
        record = copy.deepcopy(record)
        for field, find in (("charge_group_id", self.group), ("customer_id", self.customer), ("tariff_id", self.tariff),
                            ("prepaid_tariff_id", self.tariff)):
            if getattr(record, field, "") and find(getattr(record, field)) is not None:
                setattr(record, field, find(getattr(record, field)).id)
        return record

    # ------------------------------------------------------------ the decision (DESIGN 1.2)

    def place(self, point_id, evse_id):
        """The charge point a request names, or None."""
        if point_id and evse_id:
            point = self.point(point_id)
            return point if point is not None and self.point_of_evse(evse_id) is point else None
        return self.point(point_id) if point_id else self.point_of_evse(evse_id)

    def lookup(self, uid, token_type, issuer):
        """The token a reader means, or None."""
        narrowed = issuer_key(issuer) != ("", "")
        found = [token for token in self.tokens
                 if fold_uid(token.type, uid) == fold_uid(token.type, token.uid)
                 and token_type in (0, token.type)
                 and (not narrowed or issuer_key(issuer) == issuer_key(token.issuer))]
        found.sort(key=lambda token: (not token.customer_id, token.type != pb.TOKEN_TYPE_RFID,
                                      issuer_key(token.issuer), token.type))
        return found[0] if found else None

    def is_direct_payment(self, request):
        return (request.token_type == pb.TOKEN_TYPE_AD_HOC_USER and issuer_key(request.issuer) == ("", "")
                and not any(fold_uid(token.type, request.token_uid) == fold_uid(token.type, token.uid)
                            for token in self.tokens))

    def tariff_for(self, group, customer, direct_payment=False):
        """(tariff id, source) of a caller in a group; customer None for those without."""
        membership = self.membership(group.id, customer.id) if customer is not None else None
        if membership is not None and membership.tariff_id:
            return self.tariff(membership.tariff_id).id, pb.TARIFF_SOURCE_OVERRIDE
        prepaid = direct_payment or (customer is not None and customer.payment == pb.PAYMENT_PREPAID)
        if prepaid and group.prepaid_tariff_id:
            return self.tariff(group.prepaid_tariff_id).id, pb.TARIFF_SOURCE_PREPAID
        return self.tariff(group.tariff_id).id, pb.TARIFF_SOURCE_GROUP

    @staticmethod
    def check_token(token, at):
        """Lines 5 to 7: the reason that stops it, or None."""
        if token.blocked:
            return pb.REASON_TOKEN_BLOCKED
        if at < token.valid_from:
            return pb.REASON_TOKEN_NOT_YET_VALID
        if token.valid_until and at >= token.valid_until:
            return pb.REASON_TOKEN_EXPIRED
        return None

    @staticmethod
    def next_change(token, at):
        later = [moment for moment in (token.valid_from, token.valid_until) if moment > at]
        return min(later) if later and not token.blocked else 0

    def authorize(self, request, now):
        """The AuthorizeResponse, without explanation."""
        at = request.at or now
        answer = pb.AuthorizeResponse(revision=self.revision, decided_at=at, token_uid=request.token_uid,
                                      token_type=request.token_type, charge_point_id=request.charge_point_id)

        def done(verdict, reason, access=0, offline=0, tariff=""):
            answer.verdict, answer.reason, answer.access, answer.offline_verdict = verdict, reason, access, offline
            answer.tariff_id = tariff
            words = ISSUER_DECIDES_WORDS[offline] if reason == pb.REASON_ISSUER_DECIDES else WORDS[reason]
            answer.ocpi_allowed, answer.ocpp16_status, answer.ocpp2_status = words
            return answer

        point = self.place(request.charge_point_id, request.evse_id)
        if point is None:
            return done(pb.VERDICT_DENIED, pb.REASON_UNKNOWN_CHARGE_POINT)  # 1
        answer.charge_point_id, answer.location_id = point.id, point.location_id
        group = self.group_of(point)
        if group is None:
            return done(pb.VERDICT_DENIED, pb.REASON_NO_CHARGE_GROUP)  # 2
        answer.charge_group_id = group.id
        roaming = group.open_to_roaming
        if self.is_direct_payment(request):
            if roaming:
                return done(pb.VERDICT_ALLOWED, pb.REASON_OK, pb.ACCESS_DIRECT_PAYMENT,
                            tariff=self.tariff_for(group, None, direct_payment=True)[0])  # 3
            return done(pb.VERDICT_DENIED, pb.REASON_ROAMING_OFF)  # 3b
        token = self.lookup(request.token_uid, request.token_type, request.issuer)
        group_tariff = self.tariff(group.tariff_id).id
        if token is None:
            if roaming:
                return done(pb.VERDICT_ASK_ISSUER, pb.REASON_UNKNOWN_TOKEN, pb.ACCESS_ROAMING, pb.VERDICT_DENIED,
                            group_tariff)  # 4
            return done(pb.VERDICT_DENIED, pb.REASON_UNKNOWN_TOKEN)  # 4b

        answer.token_uid, answer.token_type = token.uid, token.type
        answer.contract_id, answer.parent_id = token.contract_id, token.parent_id
        stopped = self.check_token(token, at)

        if token.customer_id:
            customer = self.customer(token.customer_id)
            answer.customer_id = customer.id
            answer.valid_until = self.next_change(token, at)
            if stopped:
                return done(pb.VERDICT_DENIED, stopped)  # 5, 6, 7
            if customer.blocked:
                return done(pb.VERDICT_DENIED, pb.REASON_CUSTOMER_BLOCKED)  # 8
            own = same(customer.user_group, group.user_group)
            if self.membership(group.id, customer.id) is not None:
                access = pb.ACCESS_MEMBER  # 9
            elif own and (group.open_to_all_customers or roaming):
                access = pb.ACCESS_ALL_CUSTOMERS  # 10
            elif own:
                return done(pb.VERDICT_DENIED, pb.REASON_NOT_ATTACHED)  # 11
            elif roaming and not token.roaming_allowed:
                return done(pb.VERDICT_DENIED, pb.REASON_NO_ROAMING_CONSENT)  # 12
            elif roaming:
                access = pb.ACCESS_ROAMING  # 13
            else:
                return done(pb.VERDICT_DENIED, pb.REASON_ROAMING_OFF)  # 14
            if customer.no_credit:
                return done(pb.VERDICT_DENIED, pb.REASON_NO_CREDIT)  # 15
            return done(pb.VERDICT_ALLOWED, pb.REASON_OK, access, tariff=self.tariff_for(group, customer)[0])  # 16

        answer.issuer.CopyFrom(token.issuer)
        if not roaming:
            return done(pb.VERDICT_DENIED, pb.REASON_ROAMING_OFF)  # 17
        if token.whitelist in (pb.WHITELIST_ALWAYS, pb.WHITELIST_ALLOWED, pb.WHITELIST_ALLOWED_OFFLINE):
            answer.valid_until = self.next_change(token, at)
        if token.whitelist == pb.WHITELIST_ALWAYS and stopped:
            return done(pb.VERDICT_DENIED, stopped)  # 18
        if token.whitelist in (pb.WHITELIST_ALWAYS, pb.WHITELIST_ALLOWED) and not stopped:
            return done(pb.VERDICT_ALLOWED, pb.REASON_OK, pb.ACCESS_ROAMING, tariff=group_tariff)  # 18, 19
        if token.whitelist == pb.WHITELIST_ALLOWED:
            return done(pb.VERDICT_ASK_ISSUER, stopped, pb.ACCESS_ROAMING, pb.VERDICT_DENIED, group_tariff)  # 20
        offline = pb.VERDICT_DENIED
        if token.whitelist == pb.WHITELIST_ALLOWED_OFFLINE and not stopped:
            offline = pb.VERDICT_ALLOWED
        return done(pb.VERDICT_ASK_ISSUER, pb.REASON_ISSUER_DECIDES, pb.ACCESS_ROAMING, offline, group_tariff)  # 21, 22

    # ------------------------------------------------------------ other questions (DESIGN 1.3)

    def get_tariff(self, request):
        """(tariff id, source, caller class, group id), or a status code. The request is well-formed."""
        group = self.group(request.charge_group_id)
        if not request.charge_group_id:
            point = self.place(request.charge_point_id, request.evse_id)
            if point is None:
                return NOT_FOUND
            group = self.group_of(point)
            if group is None:
                return FAILED_PRECONDITION
        if group is None:
            return NOT_FOUND
        customer, caller = None, request.caller_class
        if request.customer_id:
            customer, caller = self.customer(request.customer_id), pb.CALLER_CLASS_CUSTOMER
            if customer is None:
                return NOT_FOUND
        elif not caller:
            token = self.lookup(request.token_uid, request.token_type, request.issuer)
            if token is not None and token.customer_id:
                customer, caller = self.customer(token.customer_id), pb.CALLER_CLASS_CUSTOMER
            elif token is None and self.is_direct_payment(request):  # as in line 3, so that both answers agree
                caller = pb.CALLER_CLASS_DIRECT_PAYMENT
            else:
                caller = pb.CALLER_CLASS_ROAMING
        tariff, source = self.tariff_for(group, customer, caller == pb.CALLER_CLASS_DIRECT_PAYMENT)
        return tariff, source, caller, group.id

    def visible(self, customer_id):
        """Ids of the charge points the customer's app shows, in order; None for an unknown customer."""
        customer = self.customer(customer_id)
        if customer is None:
            return None
        shown = []
        for point in self.points:
            group = self.group_of(point)
            if group is None or (point.home_charger and group.type == pb.CHARGE_GROUP_TYPE_HOME):
                continue
            own = same(customer.user_group, group.user_group)
            if (self.membership(group.id, customer.id) is not None
                    or (own and (group.open_to_all_customers or group.open_to_roaming))):
                shown.append(point.id)
        return sorted(shown, key=fold)

    def permitted(self, point_id, evse_id):
        """(group id, [(customer id, name, blocked, no_credit, tariff, source)], four classes), or None."""
        point = self.place(point_id, evse_id)
        if point is None:
            return None
        group = self.group_of(point)
        if group is None:
            return "", [], [(False, "")] * 4
        rows = []
        for membership in self.memberships:
            if same(membership.charge_group_id, group.id):
                customer = self.customer(membership.customer_id)
                rows.append((customer.id, customer.name, customer.blocked, customer.no_credit,
                             *self.tariff_for(group, customer)))
        rows.sort(key=lambda row: fold(row[0]))
        tariff = self.tariff(group.tariff_id).id
        prepaid = self.tariff(group.prepaid_tariff_id).id if group.prepaid_tariff_id else tariff
        all_customers, roaming = group.open_to_all_customers or group.open_to_roaming, group.open_to_roaming
        classes = [(all_customers, tariff), (all_customers, prepaid), (roaming, tariff), (roaming, prepaid)]
        return group.id, rows, [(permitted, tariff if permitted else "") for permitted, tariff in classes]

    def objects(self, kind):
        return {pb.OBJECT_KIND_TARIFF: self.tariffs, pb.OBJECT_KIND_CHARGE_GROUP: self.groups,
                pb.OBJECT_KIND_CHARGE_POINT: self.points, pb.OBJECT_KIND_CUSTOMER: self.customers,
                pb.OBJECT_KIND_TOKEN: self.tokens, pb.OBJECT_KIND_MEMBERSHIP: self.memberships}[kind]

    @staticmethod
    def order(record):
        """The compare form a listing is ordered by."""
        if isinstance(record, pb.Token):
            return token_key(record)
        if isinstance(record, pb.Membership):
            return fold(record.charge_group_id), fold(record.customer_id)
        return fold(record.id)

    def all_of(self, kind):
        """Every record of a kind, in order, references in today's spelling."""
        return [self.respelled(record) for record in sorted(self.objects(kind), key=self.order)]

    def search(self, request):
        """The records one Search finds, over all pages."""
        return [record for record in self.all_of(request.kind) if self.matches(record, request)]

    def matches(self, record, request):
        kind = request.kind
        if request.text:
            texts = {pb.OBJECT_KIND_TOKEN: ("uid",), pb.OBJECT_KIND_MEMBERSHIP: ("charge_group_id", "customer_id")}
            found = any(fold(request.text) in fold(getattr(record, name, ""))
                        for name in texts.get(kind, ("id", "name")))
            if kind == pb.OBJECT_KIND_TOKEN:
                found = found or fold_uid(record.type, request.text) in fold_uid(record.type, record.uid)
            if not found:
                return False
        if request.charge_group_id:
            if kind == pb.OBJECT_KIND_CUSTOMER:
                if self.membership(request.charge_group_id, record.id) is None:
                    return False
            elif not same(record.charge_group_id, request.charge_group_id):
                return False
        if request.customer_id:
            if kind == pb.OBJECT_KIND_CHARGE_GROUP:
                if self.membership(record.id, request.customer_id) is None:
                    return False
            elif not same(record.customer_id, request.customer_id):
                return False
        if request.tariff_id:
            used = (record.tariff_id, getattr(record, "prepaid_tariff_id", ""))
            if not any(tariff and same(tariff, request.tariff_id) for tariff in used):
                return False
        if request.unattached:
            if kind == pb.OBJECT_KIND_CHARGE_POINT:
                return not record.charge_group_id
            return not any(same(membership.customer_id, record.id) for membership in self.memberships)
        return True

    # ------------------------------------------------------------ changes (DESIGN 1.4)

    def apply(self, change_set):
        """All changes or none. Returns [(acceptable outcomes, ids that took effect or None)]; raises Refused."""
        before = copy.deepcopy(self.__dict__)
        try:
            results = []
            for number, change in enumerate(change_set.changes, 1):
                refusals = set()
                results.append(self.apply_one(change, refusals))
                if refusals:
                    raise Refused(refusals, number)
            if change_set.dry_run:
                self.__dict__ = before
            else:
                self.revision += 1
            return results
        except Refused:
            self.__dict__ = before
            raise

    def apply_one(self, change, refusals):
        kind = change.WhichOneof("change")
        return getattr(self, kind)(getattr(change, kind), change, refusals)

    def put(self, objects, former, item, change, refusals):
        """Replaces `former`, or adds."""
        if change.create_only and former is not None:
            refusals.add(ALREADY_EXISTS)
        if change.expected_object_revision and former is None:
            refusals.add(ABORTED)
        if refusals:
            return None
        item = copy.deepcopy(item)
        if former is None:
            objects.append(item)
            return {pb.CHANGE_OUTCOME_CREATED}, None
        if isinstance(item, pb.ChargePoint):
            item.charge_group_id = former.charge_group_id
        outcomes = {pb.CHANGE_OUTCOME_UPDATED}
        if item == former:
            outcomes.add(pb.CHANGE_OUTCOME_UNCHANGED)
        objects[[id(element) for element in objects].index(id(former))] = item
        return outcomes, None

    def need(self, found, refusals):
        if found is None:
            refusals.add(NOT_FOUND)
        return found

    def put_tariff(self, item, change, refusals):
        return self.put(self.tariffs, self.tariff(item.id), item, change, refusals)

    def put_charge_group(self, item, change, refusals):
        self.need(self.tariff(item.tariff_id), refusals)
        if item.prepaid_tariff_id:
            self.need(self.tariff(item.prepaid_tariff_id), refusals)
        if not item.type:
            refusals.add(INVALID_ARGUMENT)
        return self.put(self.groups, self.group(item.id), item, change, refusals)

    def put_charge_point(self, item, change, refusals):
        item = copy.deepcopy(item)
        item.charge_group_id = ""
        former = self.point(item.id)
        for evse in item.evses:
            owner = self.point_of_evse(evse.evse_id)
            if owner is not None and owner is not former:
                refusals.update({FAILED_PRECONDITION, ALREADY_EXISTS})
        return self.put(self.points, former, item, change, refusals)

    def put_customer(self, item, change, refusals):
        return self.put(self.customers, self.customer(item.id), item, change, refusals)

    def put_token(self, item, change, refusals):
        has_issuer = issuer_key(item.issuer) != ("", "")
        if bool(item.customer_id) == has_issuer or not item.type:
            refusals.add(INVALID_ARGUMENT)
        if item.valid_until and item.valid_until <= item.valid_from:
            refusals.add(INVALID_ARGUMENT)
        if item.customer_id:
            self.need(self.customer(item.customer_id), refusals)
        return self.put(self.tokens, self.token(item.issuer, item.type, item.uid), item, change, refusals)

    def delete(self, objects, former, change, refusals):
        if change.expected_object_revision and former is None:
            refusals.add(ABORTED)
        if former is None:
            return {pb.CHANGE_OUTCOME_UNCHANGED}, None
        if not refusals:
            objects[:] = [item for item in objects if item is not former]
        return {pb.CHANGE_OUTCOME_DELETED}, None

    def delete_tariff(self, item, change, refusals):
        for group in self.groups:
            if same(group.tariff_id, item.id) or same(group.prepaid_tariff_id, item.id):
                refusals.add(FAILED_PRECONDITION)
        for membership in self.memberships:
            if same(membership.tariff_id, item.id):
                refusals.add(FAILED_PRECONDITION)
        return self.delete(self.tariffs, self.tariff(item.id), change, refusals)

    def delete_charge_group(self, item, change, refusals):
        for point in self.points:
            if same(point.charge_group_id, item.id):
                point.charge_group_id = ""
        self.memberships = [row for row in self.memberships if not same(row.charge_group_id, item.id)]
        return self.delete(self.groups, self.group(item.id), change, refusals)

    def delete_charge_point(self, item, change, refusals):
        return self.delete(self.points, self.point(item.id), change, refusals)

    def delete_customer(self, item, change, refusals):
        self.memberships = [row for row in self.memberships if not same(row.customer_id, item.id)]
        self.tokens = [token for token in self.tokens if not same(token.customer_id, item.id)]
        return self.delete(self.customers, self.customer(item.id), change, refusals)

    def delete_token(self, item, change, refusals):
        return self.delete(self.tokens, self.token(item.issuer, item.type, item.uid), change, refusals)

    @staticmethod
    def list_result(changed):
        if changed:
            return {pb.CHANGE_OUTCOME_UPDATED, pb.CHANGE_OUTCOME_CREATED, pb.CHANGE_OUTCOME_DELETED}, changed
        return {pb.CHANGE_OUTCOME_UNCHANGED}, 0

    def attach_charge_points(self, item, change, refusals):
        self.need(self.group(item.charge_group_id), refusals)
        changed = 0
        for point_id in item.charge_point_ids:
            point = self.need(self.point(point_id), refusals)
            if point is None or same(point.charge_group_id, item.charge_group_id):
                continue
            if point.charge_group_id and not item.move:
                refusals.add(FAILED_PRECONDITION)
            point.charge_group_id = item.charge_group_id
            changed += 1
        return self.list_result(changed)

    def detach_charge_points(self, item, change, refusals):
        changed = 0
        for point_id in item.charge_point_ids:
            point = self.point(point_id)
            if point is not None and point.charge_group_id:
                point.charge_group_id = ""
                changed += 1
        return self.list_result(changed)

    def attach_customers(self, item, change, refusals):
        self.need(self.group(item.charge_group_id), refusals)
        if item.tariff_id:
            self.need(self.tariff(item.tariff_id), refusals)
        changed = 0
        for customer_id in item.customer_ids:
            if self.need(self.customer(customer_id), refusals) is None:
                continue
            membership = self.membership(item.charge_group_id, customer_id)
            if membership is None:
                self.memberships.append(pb.Membership(charge_group_id=item.charge_group_id, customer_id=customer_id,
                                                      tariff_id=item.tariff_id))
                changed += 1
            elif item.tariff_id and not same(membership.tariff_id, item.tariff_id):
                membership.tariff_id = item.tariff_id
                changed += 1
        return self.list_result(changed)

    def detach_customers(self, item, change, refusals):
        before = len(self.memberships)
        for customer_id in item.customer_ids:
            self.memberships = [row for row in self.memberships
                                if not (same(row.charge_group_id, item.charge_group_id)
                                        and same(row.customer_id, customer_id))]
        return self.list_result(before - len(self.memberships))

    def set_customer_tariff(self, item, change, refusals):
        self.need(self.group(item.charge_group_id), refusals)
        if item.tariff_id:
            self.need(self.tariff(item.tariff_id), refusals)
        changed = 0
        for customer_id in item.customer_ids:
            self.need(self.customer(customer_id), refusals)
            membership = self.membership(item.charge_group_id, customer_id)
            if membership is None:
                refusals.add(FAILED_PRECONDITION)
            elif not same(membership.tariff_id, item.tariff_id):
                membership.tariff_id = item.tariff_id
                changed += 1
        return self.list_result(changed)

    def closed_groups(self):
        """Ids of the groups in which nobody can charge: nobody attached, both boxes off."""
        attached = {fold(membership.charge_group_id) for membership in self.memberships}
        return {group.id for group in self.groups
                if not group.open_to_all_customers and not group.open_to_roaming and fold(group.id) not in attached}
