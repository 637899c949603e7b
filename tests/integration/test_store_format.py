#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A store that a newer evauthd left: refused with the way out, untouched, and the way out works. (Older ones:
tests/unit/store/test_db_format.c.)"""

import os
import struct
import subprocess
import unittest

import harness

FORMAT, NEWER = 2, 9
WORLD = (harness.put_tariff("t"), harness.put_group("g", "t"), harness.put_point("cp"),
         harness.attach_points("g", "cp"), harness.put_customer("c"), harness.put_token("04AA", "c"),
         harness.attach_customers("g", "c"))


def crc32c(data):
    """Of a record of the table number 0; others begin with their number."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


class StoreFormat(harness.DaemonTest):
    def evauth(self, daemon, *words):
        return subprocess.run([os.environ["EVAUTH_BIN"], "--server", daemon.address, *words], capture_output=True,
                              text=True, timeout=120, check=True).stdout

    def data_file(self, daemon):
        return os.path.join(daemon.store, "data.mdb")

    def read(self, daemon):
        with open(self.data_file(daemon), "rb") as file:
            return file.read()

    def set_format(self, daemon, version):
        """Rewrites the record `format` wherever it stands: checksum, zero, revision, magic, version, zero."""
        data, changed = bytearray(self.read(daemon)), 0
        at = data.find(b"evauthd\0")
        while at >= 0:
            begin = at - 16
            crc, body = struct.unpack_from("<I", data, begin)[0], bytes(data[begin + 4:begin + 32])
            if data[begin - 6:begin] == b"format" and body[20:24] == struct.pack("<I", FORMAT):
                self.assertEqual(crc, crc32c(b"format" + body), "this is no format record")
                body = body[:20] + struct.pack("<I", version) + body[24:]
                data[begin:begin + 32] = struct.pack("<I", crc32c(b"format" + body)) + body
                changed += 1
            at = data.find(b"evauthd\0", at + 1)
        self.assertGreater(changed, 0)
        with open(self.data_file(daemon), "r+b") as file:
            file.write(data)

    def test_a_downgrade_over_a_format_is_refused_and_the_backup_is_the_way_out(self):
        daemon = self.start_daemon()
        daemon.apply(*WORLD)
        backup = os.path.join(daemon.folder, "backup")
        self.evauth(daemon, "backup", backup)
        exported = self.evauth(daemon, "export")
        daemon.stop()
        self.set_format(daemon, NEWER)
        before = self.read(daemon)
        daemon.launch()
        self.assertEqual(daemon.process.wait(harness.START_SECONDS), 1)
        daemon.process = None
        said = daemon.log().splitlines()[-1]
        self.assertIn(f"newer evauthd (format {NEWER}, this one knows up to {FORMAT})", said)
        self.assertIn("restore a backup", said)
        self.assertIn(self.data_file(daemon), said)
        self.assertEqual(self.read(daemon), before)
        os.rename(self.data_file(daemon), os.path.join(daemon.folder, "kept"))
        daemon.start()
        self.evauth(daemon, "restore", "--yes", backup)
        self.assertEqual(self.evauth(daemon, "export"), exported)


if __name__ == "__main__":
    unittest.main()
