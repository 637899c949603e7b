#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What deploy/ ships for containers fits the programs: options that exist, settings that evauthd accepts together, and
parts that find each other by their labels, names and ports."""

import http.server
import os
import re
import shlex
import shutil
import subprocess
import threading
import unittest
import urllib.request

import harness
import yaml
from certificates import Certificates

DEPLOY = os.path.join(os.environ["EVAUTH_SOURCE_DIR"], "deploy")


def read(*path):
    with open(os.path.join(DEPLOY, *path), encoding="utf-8") as file:
        return file.read()


def instructions(text, name):
    return [rest.strip() for rest in re.findall(rf"^{name} +((?:.*\\\n)*.*)$", text, re.MULTILINE)]


class DeployTest(harness.DaemonTest):
    def accept(self, arguments, files=()):
        """evauthd takes these options with these values; names of other machines become loopback, `files` (folders
        that the cluster keeps: those of the test) theirs."""
        known = [re.sub(r"\b(evauthd-[a-z0-9]+(\.[a-z-]+)?|redis)(?=:\d)", "127.0.0.1", each) for each in arguments]
        for folder, own in files:
            known = [each.replace(folder, own) for each in known]
        done = subprocess.run([os.environ["EVAUTHD_BIN"], *known, "--check-config"], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), arguments)
        return done.stdout


class Image(DeployTest):
    def test_the_image_runs_evauthd_as_its_user_with_the_configuration_of_the_package(self):
        text = read("container", "Dockerfile")
        self.assertEqual(instructions(text, "USER"), ["evauthd"])
        self.assertEqual(yaml.safe_load(instructions(text, "ENTRYPOINT")[0]), ["/usr/bin/evauthd"])
        self.assertEqual(yaml.safe_load(instructions(text, "CMD")[-1]), ["--config", "/etc/evauthd/evauthd.conf"])
        self.assertIn("systemd/evauthd.conf etc/evauthd\n", read("debian", "evauthd.install"))

    def test_its_health_check_asks_the_socket_of_the_configuration(self):
        health = instructions(read("container", "Dockerfile"), "HEALTHCHECK")[0]
        command = yaml.safe_load(health.split("CMD ")[1])
        self.assertEqual(command[0], "evauth")
        # One that evauth understands: it fails for want of a daemon alone.
        done = subprocess.run([os.environ["EVAUTH_BIN"], *command[1:]], capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("unix:/run/evauthd/socket", done.stderr)


class NotReady(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(503)

    def log_message(self, *_):
        pass


class Compose(DeployTest):
    def setUp(self):
        super().setUp()
        self.path = os.path.join(DEPLOY, "container", "docker-compose.yml")
        self.file = yaml.safe_load(read("container", "docker-compose.yml"))
        self.replicas = {name: service for name, service in self.file["services"].items() if "evauthd" in name}

    @unittest.skipUnless(shutil.which("docker-compose"), "no docker-compose here")
    def test_docker_compose_understands_it(self):
        done = subprocess.run(["docker-compose", "--file", self.path, "config", "--quiet"], capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_there_are_two_replicas_of_one_redis(self):
        self.assertEqual(len(self.replicas), 2)
        for name, service in self.replicas.items():
            shown = self.accept(service["command"])
            self.assertIn('redis = "redis://127.0.0.1:6379"', shown)
            peer = service["command"][service["command"].index("--peer") + 1].split(":")[0]
            self.assertIn(peer, set(self.replicas) - {name})

    def test_nothing_is_published_beyond_this_machine(self):
        ports = [port for service in self.file["services"].values() for port in service.get("ports", [])]
        self.assertEqual(len({port.rsplit(":", 1)[0] for port in ports}), 3)
        for port in ports:
            self.assertRegex(port, r"^127\.0\.0\.1:\d+:(7420|9090)$")

    def test_every_volume_and_network_that_is_used_is_declared_and_the_other_way_round(self):
        volumes, networks = set(), set()
        for service in self.file["services"].values():
            volumes.update(each.split(":")[0] for each in service["volumes"])
            networks.update(service["networks"])
        files = {each for each in volumes if each.startswith(".")}
        for file in files:
            self.assertTrue(os.path.isfile(os.path.join(os.path.dirname(self.path), file)), file)
        self.assertEqual(volumes - files, set(self.file["volumes"]))
        self.assertEqual(networks, set(self.file["networks"]))

    def test_prometheus_scrapes_every_replica_and_has_the_alerts(self):
        prometheus = yaml.safe_load(read("container", "prometheus.yml"))
        scrape = prometheus["scrape_configs"][0]
        ports = {name: service["command"][service["command"].index("--http") + 1].split(":")[1]
                 for name, service in self.replicas.items()}
        self.assertEqual(scrape["static_configs"][0]["targets"], [f"{name}:{port}" for name, port in ports.items()])
        # EvauthdDown asks for the job by its name.
        self.assertIn(f'job="{scrape["job_name"]}"', read("prometheus", "alerts.yml"))
        mounted = [each.split(":")[1] for each in self.file["services"]["prometheus"]["volumes"]]
        for file in ["prometheus.yml", *prometheus["rule_files"]]:
            self.assertIn("/etc/prometheus/" + file, mounted)

    @unittest.skipUnless(shutil.which("promtool"), "without promtool")
    def test_promtool_understands_its_configuration(self):
        folder = self.make_folder()
        for path in ("container/prometheus.yml", "prometheus/alerts.yml"):
            shutil.copy(os.path.join(DEPLOY, path), folder)
        done = subprocess.run(["promtool", "check", "config", os.path.join(folder, "prometheus.yml")],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def is_healthy(self, port):
        """What the health check of the replicas says of a daemon on this port."""
        checks = [service["healthcheck"]["test"] for service in self.replicas.values()]
        self.assertEqual((checks[0], checks[0][0]), (checks[1], "CMD"))
        command = [each.replace("/7421 ", f"/{port} ") for each in checks[0][1:]]
        self.assertIn(str(port), " ".join(command))
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0

    def test_its_health_check_asks_whether_a_replica_is_ready(self):
        daemon = self.start_daemon("--http", "127.0.0.1:0")
        with open(daemon.port_file, encoding="utf-8") as file:
            port = re.search(r"^http 127.0.0.1:(\d+)$", file.read(), re.MULTILINE)[1]
        self.assertTrue(self.is_healthy(port))
        daemon.stop()
        self.assertFalse(self.is_healthy(port))
        with http.server.HTTPServer(("127.0.0.1", 0), NotReady) as server:
            threading.Thread(target=server.handle_request).start()
            self.assertFalse(self.is_healthy(server.server_port))

    def test_redis_forgets_nothing(self):
        command = self.file["services"]["redis"]["command"]
        for option, value in (("--appendonly", "yes"), ("--maxmemory-policy", "noeviction")):
            self.assertEqual(command[command.index(option) + 1], value)


class Kubernetes(DeployTest):
    def setUp(self):
        super().setUp()
        self.objects = list(yaml.safe_load_all(read("kubernetes", "evauthd.yaml")))
        self.set = self.one("StatefulSet")
        self.pod = self.set["spec"]["template"]
        self.container = self.pod["spec"]["containers"][0]

    def one(self, kind):
        found = [each for each in self.objects if each["kind"] == kind]
        self.assertEqual(len(found), 1, kind)
        return found[0]

    def make_secrets(self):
        """Folders in the place of the secrets, with the modes of their volumes."""
        tls, redis = Certificates(self.make_folder()), self.make_folder()
        tls.make_ca("ca")
        tls.make("tls", names="DNS:evauthd,DNS:evauthd-0.evauthd-replicas,DNS:evauthd-1.evauthd-replicas")
        os.rename(tls.path("ca.pem"), tls.path("ca.crt"))
        os.rename(tls.path("tls.pem"), tls.path("tls.crt"))
        with open(os.path.join(redis, "evauthd.conf"), "w", encoding="utf-8") as file:
            file.write('redis = "rediss://:x@127.0.0.1:6379"\nredis-ca-file = "' + tls.path("ca.crt") + '"\n')
        folders = {"evauthd-tls": tls.folder, "evauthd-redis": redis}
        volumes = {each["name"]: each["secret"] for each in self.pod["spec"]["volumes"] if "secret" in each}
        mounts = {each["name"]: each["mountPath"] for each in self.container["volumeMounts"]}
        for secret in volumes.values():
            for file in os.scandir(folders[secret["secretName"]]):
                os.chmod(file.path, secret["defaultMode"])
        return [(mounts[name], folders[secret["secretName"]]) for name, secret in volumes.items()]

    def arguments(self, name):
        return [each.split("=", 1)[1] for each in self.container["args"] if each.startswith(f"--{name}=")]

    def test_the_daemon_accepts_its_arguments_and_knows_every_replica(self):
        secrets = self.make_secrets()
        self.assertEqual(len(secrets), 2)
        self.assertIn('redis = "rediss://:***@127.0.0.1:6379"', self.accept(self.container["args"], secrets))
        service = self.set["spec"]["serviceName"]
        replicas = [f"tls:{self.set['metadata']['name']}-{number}.{service}:7422"
                    for number in range(self.set["spec"]["replicas"])]
        self.assertEqual(self.arguments("peer"), replicas)
        self.assertIn(service, [each["metadata"]["name"] for each in self.objects if each["kind"] == "Service"])
        # The certificate of the comment is theirs, and what a replica asks another one for needs these roles.
        self.assertIn("dns:evauthd=query,watch", self.arguments("access"))
        for replica in replicas:
            self.assertIn(replica.split(":")[1], read("kubernetes", "evauthd.yaml").split("apiVersion")[0])

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
        ports = {each["name"]: each["containerPort"] for each in self.container["ports"]}
        self.assertEqual(self.arguments("tls-listen"), [f"0.0.0.0:{ports['rpc']}"])
        self.assertEqual(self.arguments("http"), [f"0.0.0.0:{ports['http']}"])
        self.assertEqual(self.arguments("listen"), [])
        for service in (each for each in self.objects if each["kind"] == "Service"):
            self.assertEqual([(each["port"], each["targetPort"]) for each in service["spec"]["ports"]],
                             [(ports["rpc"], "rpc")])
        clients, metrics = self.one("NetworkPolicy")["spec"]["ingress"]
        self.assertEqual([each["port"] for each in clients["ports"]], [ports["rpc"]])
        self.assertEqual([each["port"] for each in metrics["ports"]], [ports["http"]])
        self.assertEqual([list(each) for each in metrics["from"]], [["namespaceSelector"]])

    def test_the_budget_leaves_a_replica_and_lets_one_go(self):
        least = self.one("PodDisruptionBudget")["spec"]["minAvailable"]
        self.assertGreaterEqual(least, 1)
        self.assertLess(least, self.set["spec"]["replicas"])

    def test_probes_ask_pages_that_are_there(self):
        daemon = self.start_daemon("--http", "127.0.0.1:0")
        with open(daemon.port_file, encoding="utf-8") as file:
            address = re.search(r"^http (\S+)$", file.read(), re.MULTILINE)[1]
        for name, path in (("readinessProbe", "/ready"), ("livenessProbe", "/health")):
            probe = self.container[name]["httpGet"]
            self.assertEqual(probe, {"path": path, "port": "http"})
            with urllib.request.urlopen(f"http://{address}{path}", timeout=30) as answer:
                self.assertEqual(answer.status, 200)

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
        for option in ("--store=", "--unix=", "--config=", "--tls-key-file=", "--peer-ca-file="):
            path = [each for each in self.container["args"] if each.startswith(option)][0].split("=")[1]
            self.assertTrue(any(path.startswith(mount + "/") for mount in mounts), path)

    def test_it_is_given_the_time_it_takes_to_stop(self):
        unit = os.path.join(DEPLOY, "..", "systemd", "evauthd.service")
        with open(unit, encoding="utf-8") as file:
            seconds = int(re.search(r"^TimeoutStopSec=(\d+)$", file.read(), re.MULTILINE)[1])
        self.assertGreaterEqual(self.pod["spec"]["terminationGracePeriodSeconds"], seconds)


class Settings(DeployTest):
    def test_what_the_configuration_proposes_in_comments_is_accepted_together(self):
        with open(os.path.join(DEPLOY, "..", "systemd", "evauthd.conf"), encoding="utf-8") as file:
            text, proposed = re.subn("^# ([a-z-]+ = )", r"\1", file.read(), flags=re.MULTILINE)
        self.assertGreaterEqual(proposed, 8)
        files = Certificates(self.make_folder())
        files.make_ca("ca")
        files.make("own")
        with open(files.path("own.password"), "w", encoding="utf-8") as file:
            file.write("x\n")
        os.chmod(files.path("own.password"), 0o600)
        # Their ends say what they are; user and group are not on every machine.
        for pattern, own in ((r"[\w-]*ca\.pem", "ca.pem"), (r"(?!ca\b)\w+\.pem", "own.pem"), (r"\w+\.key", "own.key"),
                             (r"\w+\.password", "own.password")):
            text = re.sub("/etc/evauthd/" + pattern, files.path(own), text)
        text = text.replace("gid:evauthd", "gid:root")
        with open(files.path("conf"), "w", encoding="utf-8") as file:
            file.write(text)
        shown = self.accept(["--config", files.path("conf")])
        for name in ("tls-listen", "access", "http", "redis", "peer"):
            self.assertRegex(shown, rf"(?m)^{name} = ")


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
