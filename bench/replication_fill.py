#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Appends entries of one small change each to the log in Redis, as a replica would; for bench/replication-speed.sh.

    replication_fill.py SOCKET COUNT

The head must be there and nobody else may append. Prints the last revision.
"""

import os
import socket
import sys
import time

LOG = b"{evauth}:log"
PIPELINE = 1000


def command(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def field(number, payload):
    """A length-delimited protobuf field of less than 128 bytes."""
    return bytes([number << 3 | 2, len(payload)]) + payload


def body(number):
    """LogBody { sets { change_set { changes { put_customer { id } } actor } } }"""
    change = field(1, field(7, field(1, b"fill-%d" % number)))
    return field(1, field(1, change + field(3, b"fill")))


def read_head(redis, replies):
    redis.sendall(command(b"XREVRANGE", LOG, b"+", b"-", b"COUNT", b"1"))
    for _ in range(2):
        replies.readline()
    words = []
    while len(words) < 2 or words[-2] != b"nonce":
        line = replies.readline()
        if line[:1] == b"$":
            words.append(replies.read(int(line[1:]) + 2)[:-2])
    fields = dict(zip(words[1::2], words[2::2]))
    return int(words[0].split(b"-")[0]), fields[b"epoch"], fields[b"nonce"]


def main():
    path, count = sys.argv[1], int(sys.argv[2])
    redis = socket.socket(socket.AF_UNIX)
    redis.connect(path)
    replies = redis.makefile("rb")
    revision, epoch, prev = read_head(redis, replies)
    redis.close()
    redis = socket.socket(socket.AF_UNIX)
    redis.connect(path)
    replies = redis.makefile("rb")
    now = b"%d" % time.time()
    for start in range(0, count, PIPELINE):
        batch = []
        for number in range(start, min(start + PIPELINE, count)):
            revision, nonce = revision + 1, os.urandom(16).hex().encode()
            batch.append(command(b"XADD", LOG, b"%d-0" % revision, b"epoch", epoch, b"nonce", nonce, b"prev", prev,
                                 b"origin", b"fill", b"time", now, b"body", body(number)))
            prev = nonce
        redis.sendall(b"".join(batch))
        for _ in batch:
            if replies.readline()[:1] != b"$":
                sys.exit("replication_fill.py: Redis refused an entry")
            replies.readline()
    print(revision)


if __name__ == "__main__":
    main()
