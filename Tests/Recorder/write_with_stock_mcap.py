#!/usr/bin/env python3
"""Writes one small recording in every combination of features of the package `mcap`.

usage: write_with_stock_mcap.py FOLDER
"""

import itertools
import sys

from mcap.writer import CompressionType, IndexType, Writer

INDEXES = {"none": IndexType.NONE, "chunk": IndexType.CHUNK, "message": IndexType.MESSAGE, "all": IndexType.ALL}
FLAGS = ["chunked", "statistics", "offsets", "repeats", "crcs", "datacrcs", "attachment"]


def write(path, compression, indexes, chunked, statistics, offsets, repeats, crcs, datacrcs, attachment):
    with open(path, "wb") as file:
        writer = Writer(
            file, chunk_size=300, compression=compression, index_types=indexes, repeat_channels=repeats,
            repeat_schemas=repeats, use_chunking=chunked, use_statistics=statistics, use_summary_offsets=offsets,
            enable_crcs=crcs, enable_data_crcs=datacrcs,
        )
        writer.start("", "stock")
        schema = writer.register_schema("one", "jsonschema", b"{}")
        channels = [writer.register_channel(name, "json", schema, {"k": "v"}) for name in ("a", "b")]
        channels.append(writer.register_channel("c", "raw", 0))
        if attachment:
            writer.add_attachment(5, 6, "photo", "image/png", bytes(range(200)))
            writer.add_metadata("note", {"key": "value"})
        for number in range(30):
            writer.add_message(channels[number % 3], 1000 + number, bytes([number]) * 40, 900 + number, number)
        writer.finish()


def main():
    flags = list(itertools.product([False, True], repeat=len(FLAGS)))
    for compression in (CompressionType.NONE, CompressionType.LZ4, CompressionType.ZSTD):
        for (name, indexes), values in itertools.product(INDEXES.items(), flags):
            chosen = dict(zip(FLAGS, values))
            label = "-".join([compression.name, name] + [flag for flag in FLAGS if chosen[flag]])
            write(f"{sys.argv[1]}/{label}.mcap", compression, indexes, **chosen)


main()
