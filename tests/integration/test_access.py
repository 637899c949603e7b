#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Who may do what: every method as every role, over every way in."""

import os
import signal
import subprocess
import sys
import unittest

import harness
from evauth_client import METHODS, Client
from harness import pb

PERMISSION_DENIED = 7
ROLES = ("query", "watch", "write", "admin")

# Which role each method needs: written down a second time on purpose.
NEEDS = {
    pb.AuthorizeRequest: "query",
    pb.AuthorizeBatchRequest: "query",
    pb.GetTariffRequest: "query",
    pb.ListVisibleChargePointsRequest: "query",
    pb.ListPermittedRequest: "query",
    pb.GetRequest: "query",
    pb.SearchRequest: "query",
    pb.StatusRequest: "query",
    pb.WatchRequest: "watch",
    pb.SnapshotRequest: "watch",
    pb.LogRequest: "watch",
    pb.FiguresRequest: "watch",
    pb.ChangeSet: "write",
    pb.AdoptRequest: "admin",
    pb.RestoreRequest: "admin",
    pb.ForgetOrphansRequest: "admin",
    pb.CheckRequest: "admin",
    pb.EraseRequest: "admin",
    pb.ClientsRequest: "admin",
}


def ask(client, request_type):
    """The status of the first frame that answers an empty request, and its Error."""
    client.send(request_type())
    _, status, _, _, body = client.receive()
    return status, pb.Error.FromString(body) if status else None


class AccessTest(harness.DaemonTest):
    def start_with(self, *rules, **options):
        self.config = os.path.join(self.make_folder(), "conf")
        self.socket = os.path.join(self.make_folder(), "socket")
        self.write(*rules)
        daemon = self.new_daemon("--config", self.config, "--unix", self.socket, **options)
        daemon.launch()
        harness.wait_until(daemon.read_port, "the port file")
        return daemon

    def write(self, *rules):
        with open(self.config, "w", encoding="utf-8") as file:
            file.write("access = {" + ", ".join(f'"{rule}"' for rule in rules) + "}\n" if rules else "")

    def reload(self, daemon, *rules):
        said = daemon.log().count("reloaded")
        self.write(*rules)
        daemon.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: daemon.log().count("reloaded") > said, "the line about the reload")

    def open(self, server=None):
        client = Client(server or "unix:" + self.socket)
        self.addCleanup(client.close)
        return client

    def assert_may(self, roles, server=None):
        """Each method of its own on a new connection, for Watch holds on to its own."""
        for request_type, needed in NEEDS.items():
            status, error = ask(self.open(server), request_type)
            with self.subTest(method=request_type.__name__, roles=roles):
                if needed in roles:
                    self.assertNotEqual(status, PERMISSION_DENIED, error)
                else:
                    self.assertEqual(status, PERMISSION_DENIED)
                    self.assertIn(f"the role {needed}", error.message)
                    self.assertRegex(error.message, "^[A-Z][A-Za-z]+ needs")


class UnixSocket(AccessTest):
    def test_every_method_has_its_row(self):
        self.assertEqual(set(NEEDS), set(METHODS))

    def test_each_role_may_do_its_own_methods_and_no_other(self):
        uid = os.getuid()
        daemon = self.start_with(f"uid:{uid}=query")
        self.assert_may(["query"])
        for role in ROLES[1:]:
            self.reload(daemon, f"uid:{uid}={role}")
            self.assert_may([role])
        self.reload(daemon, f"uid:{uid}=all")
        self.assert_may(ROLES)
        self.reload(daemon, f"uid:{uid}=query", f"gid:{os.getgid()}=write")
        self.assert_may(["query", "write"])
        self.reload(daemon, f"uid:{uid + 1}=all")
        self.assert_may([])

    def test_without_rules_the_own_user_may_do_everything(self):
        self.start_with()
        self.assert_may(ROLES)

    def test_plain_tcp_has_what_its_rule_says(self):
        daemon = self.start_with("tcp=query")
        self.assert_may(["query"], daemon.address)
        self.assert_may([])
        self.reload(daemon, f"uid:{os.getuid()}=all")
        self.assert_may([], daemon.address)

    @unittest.skipUnless(os.getuid() == 0, "needs root to be somebody else")
    def test_somebody_else_may_do_nothing_unless_a_rule_names_them(self):
        daemon = self.start_with()
        os.chmod(os.path.dirname(self.socket), 0o755)
        os.chmod(self.socket, 0o777)

        def ask_as(uid, gid, *groups):
            code = ("import os, sys; import evauth_client; import evauth_pb2 as pb\n"
                    f"os.setgroups({list(groups)}); os.setgid({gid}); os.setuid({uid})\n"
                    f"client = evauth_client.Client('unix:{self.socket}')\n"
                    "client.send(pb.StatusRequest()); print(client.receive()[1])")
            return int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)

        self.assertEqual(ask_as(4711, 4712), PERMISSION_DENIED)
        self.assertEqual(ask_as(4711, 0, 0), PERMISSION_DENIED)
        self.assertEqual(ask_as(0, 0), 0)
        self.reload(daemon, "uid:4711=query", "gid:4713=query")
        self.assertEqual(ask_as(4711, 4712), 0)
        self.assertEqual(ask_as(4715, 4713), 0)
        self.assertEqual(ask_as(4715, 4712, 4714, 4713), 0)
        self.assertEqual(ask_as(4715, 4712, 4714), PERMISSION_DENIED)
        self.assertEqual(ask_as(0, 0), PERMISSION_DENIED)

    def test_a_refused_body_is_not_waited_for_and_the_connection_goes_on(self):
        self.start_with(f"uid:{os.getuid()}=query")
        client = self.open()
        client.send(pb.ChangeSet(changes=[harness.put_customer("c" * 200) for _ in range(1000)]))
        client.send(pb.StatusRequest())
        self.assertEqual([client.receive()[1] for _ in range(2)], [PERMISSION_DENIED, 0])

    def test_who_loses_a_role_is_cut_and_who_does_not_stays(self):
        uid = os.getuid()
        daemon = self.start_with(f"uid:{uid}=all", "tcp=query")
        watcher, asker = self.open(), self.open(daemon.address)
        watcher.send(pb.WatchRequest())
        self.assertEqual(watcher.receive()[1], 0)
        self.assertEqual(ask(asker, pb.ChangeSet)[0], PERMISSION_DENIED)
        self.reload(daemon, f"uid:{uid}=query", "tcp=query,write")
        with self.assertRaises(ConnectionError):
            for _ in range(100):
                watcher.receive()
        self.assertEqual(ask(asker, pb.StatusRequest)[0], 0)
        harness.wait_until(lambda: ask(asker, pb.ChangeSet)[0] != PERMISSION_DENIED, "the new role")

    def test_rules_that_cannot_be_read_change_nothing(self):
        daemon = self.start_with(f"uid:{os.getuid()}=query")
        self.write("uid:0=everything")
        daemon.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: "everything" in daemon.log(), "the refusal")
        self.assertIn("reload_refused", daemon.log())
        self.assert_may(["query"])


class CommandLine(AccessTest):
    def test_evauth_says_which_role_is_missing(self):
        self.start_with(f"uid:{os.getuid()}=query")
        run = subprocess.run([os.environ["EVAUTH_BIN"], "--server", "unix:" + self.socket, "customer", "create", "c"],
                             capture_output=True, text=True, check=False)
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("Apply needs the role write", run.stderr)


if __name__ == "__main__":
    unittest.main()
