"""Zenoh over TLS as a peer of `stt bench peers` (../README.md): two peers, one connection, shared memory switched off.

Its binding for Python takes and gives each message by itself, which is what limits small ones.
"""

import argparse
import json
import os
import pathlib
import resource
import socket
import threading
import time

import zenoh

zenoh.init_log_from_env_or("error")
parser = argparse.ArgumentParser()
parser.add_argument("side", choices=["send", "receive"])
for name in ("message", "datagram", "seconds", "deadline", "pace", "port"):
    parser.add_argument(f"--{name}", type=int, default=0)
plan = parser.parse_args()
keys = pathlib.Path(os.environ["STT_PEER_KEYS"])


def configuration(listen=None, connect=None):
    made = zenoh.Config()
    tls = {"root_ca_certificate": str(keys / "ca.pem"), "verify_name_on_connect": True}
    if listen:
        tls |= {"listen_certificate": str(keys / "certificate.pem"), "listen_private_key": str(keys / "key.pem")}
    for place, value in {
        "mode": "peer",
        "listen/endpoints": [listen] if listen else [],
        "connect/endpoints": [connect] if connect else [],
        "scouting/multicast/enabled": False,
        "transport/shared_memory/enabled": False,
        "transport/link/tls": tls,
    }.items():
        made.insert_json5(place, json.dumps(value))
    return made


def report(messages, count, seconds):
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(f"messages={messages} bytes={count} seconds={seconds} cpu_seconds={usage.ru_utime + usage.ru_stime}", flush=True)


def receive():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    messages = count = 0
    first = last = 0.0
    over = threading.Event()

    def take(sample):
        nonlocal messages, count, first, last
        size = len(sample.payload)
        if size == 0:
            over.set()
            return
        last = time.monotonic()
        first = first or last
        messages += 1
        count += size

    with zenoh.open(configuration(listen=f"tls/localhost:{port}")) as session:
        subscriber = session.declare_subscriber("stt/bench", take)
        print(port, flush=True)
        over.wait(plan.seconds + 60)
        subscriber.undeclare()
        report(messages, count, last - first)


def send():
    payload = bytes(plan.message)
    with zenoh.open(configuration(connect=f"tls/localhost:{plan.port}")) as session:
        publisher = session.declare_publisher(
            "stt/bench", congestion_control=zenoh.CongestionControl.BLOCK, reliability=zenoh.Reliability.RELIABLE)
        while not publisher.matching_status.matching:
            time.sleep(0.01)
        start = time.monotonic()
        end = start + plan.seconds
        messages = 0
        while time.monotonic() < end:
            # The clock costs as much as a small message.
            for _ in range(16):
                publisher.put(payload)
            messages += 16
        seconds = time.monotonic() - start
        publisher.put(b"")
        report(messages, messages * plan.message, seconds)


{"send": send, "receive": receive}[plan.side]()
