# SPDX-License-Identifier: Apache-2.0
"""Certificates made for one test by openssl(1), in a folder of its own."""

import datetime
import os
import shutil
import ssl
import subprocess
import tempfile

KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


class Certificates:
    """A folder with NAME.pem and NAME.key for each name made."""

    def __init__(self, folder):
        self.folder = folder

    @classmethod
    def of_class(cls, test_class, *authorities):
        """For all tests of a class: with a CA of each of these names, and "server" of the first."""
        certificates = cls(tempfile.mkdtemp(prefix="evauth-certificates-"))
        test_class.addClassCleanup(shutil.rmtree, certificates.folder, ignore_errors=True)
        for name in authorities:
            certificates.make_ca(name)
        certificates.make("server", ca=authorities[0])
        return certificates

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def make_ca(self, name):
        self.run("req", "-x509", *KEY, "-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out",
                 f"{name}.pem")

    def make(self, name, ca="ca", days=2, names="DNS:localhost,IP:127.0.0.1", subject=None):
        with open(self.path(name + ".names"), "w", encoding="utf-8") as file:
            file.write(f"subjectAltName={names}\n")
        self.run("req", *KEY, "-subj", f"/CN={subject or name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self.run("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial",
                 "-extfile", f"{name}.names", "-days", str(days), "-out", f"{name}.pem")

    def make_early(self, name, ca="ca", names="DNS:localhost,IP:127.0.0.1"):
        """One that holds only from tomorrow on."""
        day = datetime.timedelta(days=1)
        self.make_between(name, day, 3 * day, ca, names)

    def make_between(self, name, first, last, ca="ca", names="DNS:localhost,IP:127.0.0.1"):
        """`first` and `last`: when it holds, from now on."""
        now = datetime.datetime.now(datetime.timezone.utc)
        dates = [(now + distance).strftime("%y%m%d%H%M%SZ") for distance in (first, last)]
        with open(self.path(name + ".conf"), "w", encoding="utf-8") as file:
            file.write(f"[ca]\ndefault_ca=it\n[it]\nnew_certs_dir=.\ndatabase={name}.index\nrand_serial=yes\n"
                       f"default_md=sha256\npolicy=any\nx509_extensions=names\n[any]\ncommonName=supplied\n"
                       f"[names]\nsubjectAltName={names}\n")
        with open(self.path(name + ".index"), "w", encoding="utf-8"):
            pass
        self.run("req", *KEY, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self.run("ca", "-batch", "-notext", "-config", f"{name}.conf", "-cert", f"{ca}.pem", "-keyfile", f"{ca}.key",
                 "-startdate", dates[0], "-enddate", dates[1], "-in", f"{name}.csr", "-out", f"{name}.pem")

    def context(self, name=None, ca="ca"):
        """What a client called `name` uses; without a name it shows no certificate."""
        context = ssl.create_default_context(cafile=self.path(ca + ".pem"))
        if name:
            context.load_cert_chain(self.path(name + ".pem"), self.path(name + ".key"))
        return context
