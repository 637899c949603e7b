# SPDX-License-Identifier: Apache-2.0
"""A port in front of a daemon's, where connections break."""

import socket
import socketserver
import threading


def copy(source, sink, left=None):
    """Until one of them ends, or so many bytes were passed on; then both end."""
    try:
        while left != 0 and (data := source.recv(4096 if left is None else min(left, 4096))):
            sink.sendall(data)
            left = left and left - len(data)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Connection(socketserver.BaseRequestHandler):
    def handle(self):
        with socket.create_connection(("127.0.0.1", self.server.daemon_port)) as daemon:
            back = threading.Thread(target=copy, args=(self.request, daemon), daemon=True)
            back.start()
            copy(daemon, self.request, self.server.next_cut())
            back.join()


class Cutter(socketserver.ThreadingTCPServer):
    """The first connections are cut after so many bytes from the daemon each, wherever that is; later ones not."""

    daemon_threads = True

    def __init__(self, test, daemon_port, *cuts):
        super().__init__(("127.0.0.1", 0), Connection)
        self.daemon_port, self.cuts, self.lock = daemon_port, list(cuts), threading.Lock()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        test.addCleanup(self.server_close)
        test.addCleanup(self.shutdown)

    @property
    def address(self):
        return f"localhost:{self.server_address[1]}"

    def next_cut(self):
        with self.lock:
            return self.cuts.pop(0) if self.cuts else None
