# SPDX-License-Identifier: Apache-2.0
"""What the integration tests share: a daemon of their own on a temporary store, short words for objects and changes.

    class Something(harness.DaemonTest):
        def test_it(self):
            daemon = self.start_daemon()
            daemon.apply(harness.put_tariff("t"), ...)
            self.assertEqual(daemon.authorize("04A1", "cp").verdict, pb.VERDICT_DENIED)

ctest sets EVAUTHD_BIN (the daemon), EVAUTH_BIN (the command line) and PYTHONPATH (clients/python and the generated
evauth_pb2). Every daemon started by a test is stopped by its pid, must end with exit code 0 and must have written
nothing that looks like a sanitizer's report.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import evauth_pb2 as pb
from evauth_client import Client, EvauthError

INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, RESOURCE_EXHAUSTED = 3, 5, 6, 8
FAILED_PRECONDITION, ABORTED, UNIMPLEMENTED, UNAVAILABLE = 9, 10, 12, 14

START_SECONDS = 60  # sanitizers and a busy machine included
SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|UndefinedBehavior")


def wait_until(condition, what, seconds=START_SECONDS):
    """Returns the first true value of condition(); fails after `seconds`."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain for: {what}")
        time.sleep(0.005)
    return value


class Daemon:
    """One evauthd, its folder and its address."""

    def __init__(self, folder, arguments=(), environment=None, listen=True, prefix=(), unknown_tokens=True):
        self.folder, self.arguments, self.environment = folder, list(arguments), environment or {}
        self.prefix = list(prefix)  # a command that runs the daemon: ["prlimit", "--nofile=100"]
        self.store = os.path.join(folder, "store")
        self.port_file = os.path.join(folder, "port")
        self.log_file = os.path.join(folder, "log")
        self.listen = ["--listen", "127.0.0.1:0"] if listen else []
        # Tests may ask for as many unknown tokens as they like.
        self.budgets = ["--client-unknown-tokens-per-second", "0"] if unknown_tokens else []
        self.process = self.port = self.shared_client = None

    def command(self):
        return [*self.prefix, os.environ["EVAUTHD_BIN"], "--store", self.store, *self.listen, "--port-file",
                self.port_file, *self.budgets, *self.arguments]

    def launch(self):
        """Starts the process and returns at once."""
        if os.path.exists(self.port_file):
            os.unlink(self.port_file)
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.folder, env={**os.environ, **self.environment})

    def start(self):
        """Starts the process and returns when it answers Status."""
        self.launch()
        wait_until(self.read_port, "the port file")
        self.client().call(pb.StatusRequest())
        return self

    def read_port(self):
        if self.process.poll() is not None:
            raise AssertionError(f"evauthd ended with {self.process.returncode}:\n{self.log()}")
        try:
            with open(self.port_file, encoding="utf-8") as file:
                text = file.read()
        except FileNotFoundError:
            return None
        ports = re.findall(r"(\d+)\s*$", text.split("\n")[0]) if text.endswith("\n") else []
        self.port = int(ports[0]) if ports else None
        return self.port

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as file:
            return file.read()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def connect(self, timeout=30.0):
        """A new connection; the caller closes it."""
        return Client(self.address, timeout)

    def client(self):
        """The connection all short words below share."""
        if self.shared_client is None:
            self.shared_client = self.connect()
        return self.shared_client

    def forget_client(self):
        if self.shared_client:
            self.shared_client.close()
            self.shared_client = None

    def call(self, request):
        return self.client().call(request)

    def apply(self, *changes, **fields):
        """One ChangeSet; returns the ApplyResponse."""
        return self.call(pb.ChangeSet(changes=changes, **fields))

    def authorize(self, token_uid, charge_point_id, **fields):
        return self.call(pb.AuthorizeRequest(token_uid=token_uid, charge_point_id=charge_point_id, **fields))

    def status(self):
        return self.call(pb.StatusRequest())

    def restart(self):
        self.stop()
        return self.start()

    def stop(self):
        """Asks it to end, and checks how it did."""
        if self.process is None:
            return
        self.forget_client()
        self.process.send_signal(signal.SIGTERM)
        self.wait_for_clean_end()

    def wait_for_clean_end(self, seconds=START_SECONDS):
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"evauthd did not end within {seconds} s:\n{self.log()}") from None
        self.process = None
        if code != 0:
            raise AssertionError(f"evauthd ended with {code}:\n{self.log()}")
        self.check_log()

    def kill(self):
        """kill -9, as a crash."""
        self.forget_client()
        self.process.kill()
        self.process.wait()
        self.process = None

    def check_log(self):
        if SANITIZER.search(self.log()):
            raise AssertionError(self.log())


class DaemonTest(unittest.TestCase):
    """A test case that may start daemons; each is stopped, and looked at, when the test ends."""

    maxDiff = None

    def make_folder(self):
        folder = tempfile.mkdtemp(prefix="evauth-test-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        return folder

    def new_daemon(self, *arguments, **options):
        daemon = Daemon(self.make_folder(), arguments, **options)
        self.addCleanup(daemon.stop)
        return daemon

    def start_daemon(self, *arguments, **options):
        return self.new_daemon(*arguments, **options).start()

    def connect(self, daemon, timeout=30.0):
        client = daemon.connect(timeout)
        self.addCleanup(client.close)
        return client

    def assert_refused(self, status, call, *arguments, field=None, message=None, change_number=None, **named):
        """call(...) must raise an EvauthError of this status; returns the daemon's Error."""
        with self.assertRaises(EvauthError) as caught:
            call(*arguments, **named)
        error = caught.exception.error
        self.assertEqual(caught.exception.status, status, error)
        self.assertEqual(error.code, status, error)
        self.assertTrue(error.message)
        if field is not None:
            self.assertIn(field, error.field)
        if message is not None:
            self.assertIn(message, error.message)
        if change_number is not None:
            self.assertEqual(error.change_number, change_number, error)
        return error


# ---------------------------------------------------------------- short words for changes

def decimal(units, scale=0):
    return pb.Decimal(units=units, scale=scale)


def make_tariff(tariff_id, cents=25):
    element = pb.TariffElement(price_components=[pb.PriceComponent(type=pb.TARIFF_DIMENSION_TYPE_ENERGY,
                                                                   price=decimal(cents, 2), step_size=1)])
    return pb.Tariff(id=tariff_id, currency="EUR", elements=[element])


def put_tariff(tariff_id, cents=25, **change):
    return pb.Change(put_tariff=make_tariff(tariff_id, cents), **change)


def put_group(group_id, tariff_id, **fields):
    fields.setdefault("type", pb.CHARGE_GROUP_TYPE_OTHER)
    return pb.Change(put_charge_group=pb.ChargeGroup(id=group_id, tariff_id=tariff_id, **fields))


def put_point(point_id, evse_ids=(), **fields):
    evses = [pb.Evse(evse_id=evse_id, connector_type="IEC_62196_T2") for evse_id in evse_ids]
    return pb.Change(put_charge_point=pb.ChargePoint(id=point_id, evses=evses, **fields))


def put_customer(customer_id, **fields):
    return pb.Change(put_customer=pb.Customer(id=customer_id, **fields))


def put_token(uid, customer_id="", issuer=None, **fields):
    fields.setdefault("type", pb.TOKEN_TYPE_RFID)
    return pb.Change(put_token=pb.Token(uid=uid, customer_id=customer_id, issuer=make_issuer(issuer), **fields))


def make_issuer(text):
    """"DE*8EO" -> Issuer; None -> None."""
    return pb.Issuer(country_code=text.split("*")[0], party_id=text.split("*")[1]) if text else None


def attach_points(group_id, *point_ids, move=False):
    return pb.Change(attach_charge_points=pb.AttachChargePoints(charge_group_id=group_id, charge_point_ids=point_ids,
                                                               move=move))


def detach_points(*point_ids):
    return pb.Change(detach_charge_points=pb.DetachChargePoints(charge_point_ids=point_ids))


def attach_customers(group_id, *customer_ids, tariff_id=""):
    return pb.Change(attach_customers=pb.AttachCustomers(charge_group_id=group_id, customer_ids=customer_ids,
                                                         tariff_id=tariff_id))


def detach_customers(group_id, *customer_ids):
    return pb.Change(detach_customers=pb.DetachCustomers(charge_group_id=group_id, customer_ids=customer_ids))


def set_customer_tariff(group_id, *customer_ids, tariff_id):
    return pb.Change(set_customer_tariff=pb.SetCustomerTariff(charge_group_id=group_id, customer_ids=customer_ids,
                                                              tariff_id=tariff_id))


def delete(kind, object_id):
    """delete("charge_group", "office")"""
    return pb.Change(**{"delete_" + kind: pb.DeleteObject(id=object_id)})


def delete_token(uid, token_type=pb.TOKEN_TYPE_RFID, issuer=None):
    return pb.Change(delete_token=pb.DeleteToken(uid=uid, type=token_type, issuer=make_issuer(issuer)))
