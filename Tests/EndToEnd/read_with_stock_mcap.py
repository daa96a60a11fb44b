#!/usr/bin/env python3
"""Reads recordings with the packages `mcap` and `mcap-protobuf-support` as PyPI has them.

Prints one JSON object: messages by topic as read, messages by channel as the files' statistics have
them, the messages of system/load, and how the pictures of `camera` begin and end.

usage: read_with_stock_mcap.py FILE.mcap...
"""

import json
import sys

from mcap.reader import make_reader
from mcap_protobuf.decoder import DecoderFactory


def read(path, found):
    with open(path, "rb") as file:
        reader = make_reader(file, validate_crcs=True, decoder_factories=[DecoderFactory()])
        summary = reader.get_summary()
        for number, count in summary.statistics.channel_message_counts.items():
            topic = summary.channels[number].topic
            found["statistics"][topic] = found["statistics"].get(topic, 0) + count
        for schema, channel, message in reader.iter_messages():
            found["counts"][channel.topic] = found["counts"].get(channel.topic, 0) + 1
        for schema, channel, message, decoded in reader.iter_decoded_messages(topics=["system/load", "camera"]):
            if channel.topic == "camera":
                picture = bytes(decoded.data)
                found["pictures"].append(
                    {"begin": picture[:2].hex(), "end": picture[-2:].hex(), "bytes": len(picture), "format": decoded.format}
                )
            else:
                found["load"].append({field.name: value for field, value in decoded.ListFields()})


def main():
    found = {"counts": {}, "statistics": {}, "pictures": [], "load": []}
    for path in sys.argv[1:]:
        read(path, found)
    print(json.dumps(found))


main()
