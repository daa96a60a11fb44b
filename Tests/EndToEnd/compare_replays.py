"""compare_replays.py FIRST SECOND: whether two outputs of `stt replay --format protobuf` hold the same streams.

Compares what devices made: each stream's payloads, their order, and their times on the device's two clocks. The format
is read here by hand (docs/recording.md, Replay). Prints how many messages are the same, by stream.
"""

import json
import struct
import sys


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        shift += 7
        if byte < 0x80:
            return value, at


def messages(path):
    data = open(path, "rb").read()
    at = 0
    while at < len(data):
        length, at = varint(data, at)
        end = at + length
        fields = {}
        while at < end:
            tag, at = varint(data, at)
            kind = tag & 7
            if kind == 0:
                value, at = varint(data, at)
            elif kind == 1:
                value = struct.unpack_from("<Q", data, at)[0]
                at += 8
            else:
                assert kind == 2, kind
                size, at = varint(data, at)
                value = data[at : at + size]
                assert len(value) == size
                at += size
            fields[tag >> 3] = value
        assert at == end
        yield fields


def streams(path):
    found = {}
    for fields in messages(path):
        assert set(fields) == set(range(1, 10)), sorted(fields)
        name = fields[1].decode()
        # Of the recorder's own notes every recording has its own; the agent's stand apart when they are replayed.
        if name in ("stt/clock", "stt/events"):
            continue
        found.setdefault(name, []).append((fields[6], fields[7], fields[8], fields[9]))
    return found


first, second = streams(sys.argv[1]), streams(sys.argv[2])
second.pop("stt/agent", None)
if "stt/agent/recorded" in second:
    second["stt/agent"] = second.pop("stt/agent/recorded")
assert first.keys() == second.keys(), (first.keys(), second.keys())
for name in first:
    assert first[name] == second[name], f"{name}: {len(first[name])} and {len(second[name])} messages, or they differ"
print(json.dumps({name: len(found) for name, found in first.items()}))
