#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What deploy/ ships for containers fits the programs: options that exist, settings that evauthd accepts together, and
parts that find each other by their labels, names and ports."""

import os
import re
import shlex
import subprocess
import unittest

import yaml

DEPLOY = os.path.join(os.environ["EVAUTH_SOURCE_DIR"], "deploy")


def read(*path):
    with open(os.path.join(DEPLOY, *path), encoding="utf-8") as file:
        return file.read()


def instructions(text, name):
    return [rest.strip() for rest in re.findall(rf"^{name} +((?:.*\\\n)*.*)$", text, re.MULTILINE)]


class DeployTest(unittest.TestCase):
    def accept(self, arguments):
        """evauthd takes these options with these values; names of other machines become loopback."""
        known = [re.sub(r"\b(evauthd-[a-z0-9]+(\.[a-z-]+)?|redis)(?=:\d)", "127.0.0.1", each) for each in arguments]
        # In place of a file that the cluster keeps.
        known = [re.sub("^--config=.*", "--redis=redis://127.0.0.1:6379", each) for each in known]
        done = subprocess.run([os.environ["EVAUTHD_BIN"], *known, "--check-config"], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), arguments)
        return done.stdout

    def check_status(self, command):
        """The command of a health check is one that evauth understands: it fails for want of a daemon alone."""
        self.assertEqual(command[0], "evauth")
        done = subprocess.run([os.environ["EVAUTH_BIN"], *command[1:]], capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("unix:/run/evauthd/socket", done.stderr)


class Image(DeployTest):
    def test_the_image_runs_evauthd_as_its_user_with_the_configuration_of_the_package(self):
        text = read("container", "Dockerfile")
        self.assertEqual(instructions(text, "USER"), ["evauthd"])
        self.assertEqual(yaml.safe_load(instructions(text, "ENTRYPOINT")[0]), ["/usr/bin/evauthd"])
        self.assertEqual(yaml.safe_load(instructions(text, "CMD")[-1]), ["--config", "/etc/evauthd/evauthd.conf"])
        self.assertIn("systemd/evauthd.conf etc/evauthd\n", read("debian", "evauthd.install"))

    def test_its_health_check_asks_the_socket_of_the_configuration(self):
        health = instructions(read("container", "Dockerfile"), "HEALTHCHECK")[0]
        self.check_status(yaml.safe_load(health.split("CMD ")[1]))


class Compose(DeployTest):
    def setUp(self):
        self.file = yaml.safe_load(read("container", "docker-compose.yml"))
        self.replicas = {name: service for name, service in self.file["services"].items() if name != "redis"}

    def test_there_are_two_replicas_of_one_redis(self):
        self.assertEqual(len(self.replicas), 2)
        for name, service in self.replicas.items():
            shown = self.accept(service["command"])
            self.assertIn('redis = "redis://127.0.0.1:6379"', shown)
            peer = service["command"][service["command"].index("--peer") + 1].split(":")[0]
            self.assertIn(peer, set(self.replicas) - {name})

    def test_nothing_is_published_beyond_this_machine(self):
        ports = [port for service in self.file["services"].values() for port in service.get("ports", [])]
        self.assertEqual(len(set(ports)), 2)
        for port in ports:
            self.assertRegex(port, r"^127\.0\.0\.1:\d+:7420$")

    def test_every_volume_and_network_that_is_used_is_declared_and_the_other_way_round(self):
        volumes, networks = set(), set()
        for service in self.file["services"].values():
            volumes.update(each.split(":")[0] for each in service["volumes"])
            networks.update(service["networks"])
        self.assertEqual(volumes, set(self.file["volumes"]))
        self.assertEqual(networks, set(self.file["networks"]))

    def test_redis_forgets_nothing(self):
        command = self.file["services"]["redis"]["command"]
        for option, value in (("--appendonly", "yes"), ("--maxmemory-policy", "noeviction")):
            self.assertEqual(command[command.index(option) + 1], value)


class Kubernetes(DeployTest):
    def setUp(self):
        self.objects = list(yaml.safe_load_all(read("kubernetes", "evauthd.yaml")))
        self.set = self.one("StatefulSet")
        self.pod = self.set["spec"]["template"]
        self.container = self.pod["spec"]["containers"][0]

    def one(self, kind):
        found = [each for each in self.objects if each["kind"] == kind]
        self.assertEqual(len(found), 1, kind)
        return found[0]

    def test_the_daemon_accepts_its_arguments_and_knows_every_replica(self):
        self.accept(self.container["args"])
        service = self.set["spec"]["serviceName"]
        replicas = [f"--peer={self.set['metadata']['name']}-{number}.{service}:7420"
                    for number in range(self.set["spec"]["replicas"])]
        self.assertEqual([each for each in self.container["args"] if each.startswith("--peer=")], replicas)
        self.assertIn(service, [each["metadata"]["name"] for each in self.objects if each["kind"] == "Service"])

    def test_every_selector_selects_the_pods(self):
        labels = self.pod["metadata"]["labels"]
        selectors = [each["spec"]["selector"] for each in self.objects if each["kind"] == "Service"]
        selectors += [self.set["spec"]["selector"]["matchLabels"],
                      self.one("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
                      self.one("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
                      self.pod["spec"]["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"]]
        self.assertEqual(len(selectors), 6)
        for selector in selectors:
            self.assertTrue(selector)
            self.assertLessEqual(selector.items(), labels.items())

    def test_ports_agree(self):
        port = self.container["ports"][0]
        self.assertIn(f"--listen=0.0.0.0:{port['containerPort']}", self.container["args"])
        for service in (each for each in self.objects if each["kind"] == "Service"):
            self.assertEqual(service["spec"]["ports"][0]["targetPort"], port["name"])
        allowed = self.one("NetworkPolicy")["spec"]["ingress"][0]["ports"]
        self.assertEqual([each["port"] for each in allowed], [port["containerPort"]])

    def test_the_budget_leaves_a_replica_and_lets_one_go(self):
        least = self.one("PodDisruptionBudget")["spec"]["minAvailable"]
        self.assertGreaterEqual(least, 1)
        self.assertLess(least, self.set["spec"]["replicas"])

    def test_probes_ask_and_a_start_may_take_minutes(self):
        for name in ("startupProbe", "readinessProbe", "livenessProbe"):
            self.check_status(self.container[name]["exec"]["command"])
        start = self.container["startupProbe"]
        self.assertGreaterEqual(start["periodSeconds"] * start["failureThreshold"], 300)

    def test_the_pod_is_confined(self):
        self.assertTrue(self.pod["spec"]["securityContext"]["runAsNonRoot"])
        context = self.container["securityContext"]
        self.assertEqual((context["allowPrivilegeEscalation"], context["readOnlyRootFilesystem"],
                          context["capabilities"]), (False, True, {"drop": ["ALL"]}))
        self.assertEqual(set(self.one("NetworkPolicy")["spec"]["policyTypes"]), {"Ingress", "Egress"})

    def test_every_volume_that_is_mounted_is_there_and_what_is_written_is_on_one(self):
        volumes = [each["name"] for each in self.pod["spec"]["volumes"]]
        volumes += [each["metadata"]["name"] for each in self.set["spec"]["volumeClaimTemplates"]]
        mounts = {each["mountPath"]: each["name"] for each in self.container["volumeMounts"]}
        self.assertEqual(sorted(mounts.values()), sorted(volumes))
        for option in ("--store=", "--unix=", "--config="):
            path = [each for each in self.container["args"] if each.startswith(option)][0].split("=")[1]
            self.assertTrue(any(path.startswith(mount + "/") for mount in mounts), path)

    def test_it_is_given_the_time_it_takes_to_stop(self):
        unit = os.path.join(DEPLOY, "..", "systemd", "evauthd.service")
        with open(unit, encoding="utf-8") as file:
            seconds = int(re.search(r"^TimeoutStopSec=(\d+)$", file.read(), re.MULTILINE)[1])
        self.assertGreaterEqual(self.pod["spec"]["terminationGracePeriodSeconds"], seconds)


class Packages(DeployTest):
    def test_the_packages_build_with_what_the_scripts_install(self):
        control = read("debian", "control").split("\n\n")[0].split("Build-Depends:")[1].split("\nStandards")[0]
        needed = set(re.findall(r"([a-z][a-z0-9+-]+)(?: \([^)]*\))?,?", control)) - {"debhelper-compat"}
        build = read("packages.txt").split("# build\n")[1].split("# test\n")[0].split()
        self.assertEqual(needed, set(build) - {"build-essential"})

    def test_version_of_package_and_source_agree(self):
        version = re.match(r"evauthd \(([\d.]+)-\d+\)", read("debian", "changelog"))[1]
        shown = subprocess.run([os.environ["EVAUTHD_BIN"], "--version"], capture_output=True, text=True, timeout=60,
                               check=True).stdout
        self.assertEqual(shlex.split(shown), ["evauthd", version])


if __name__ == "__main__":
    unittest.main()
