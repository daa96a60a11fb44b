"""films.py make FILE | check DIRECTORY: films as another implementation makes and reads them.

`make` encodes 50 pictures as JPEG and as H.264 (FFmpeg, through PyAV) and writes them with the stock MCAP writer, with
times that are not even; `check` decodes the films that `stt export --to matroska` made of it.
"""

import fractions
import sys

import av
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2
from mcap.writer import Writer

COUNT = 50
START = 1_790_000_000_000_000_000
TIMES = [START + number * 40_000_000 + (number % 3) * 5_000_000 for number in range(COUNT)]


def pictures(codec, pixel, options):
    context = av.CodecContext.create(codec, "w")
    context.width, context.height, context.pix_fmt = 200, 120, pixel
    context.time_base = fractions.Fraction(1, 25)
    context.options = options
    found = []
    for number in range(COUNT):
        frame = av.VideoFrame(200, 120, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes([(number * 4) % 256]) * plane.buffer_size)
        frame = frame.reformat(format=pixel)
        frame.pts = number
        found += [bytes(packet) for packet in context.encode(frame)]
    return found + [bytes(packet) for packet in context.encode(None)]


def message_type(name):
    file = descriptor_pb2.FileDescriptorProto(
        name=f"foxglove/{name}.proto", package="foxglove", syntax="proto3", dependency=["google/protobuf/timestamp.proto"]
    )
    message = file.message_type.add(name=name)
    kinds = descriptor_pb2.FieldDescriptorProto
    for field, number, kind in [("timestamp", 1, 11), ("frame_id", 2, 9), ("data", 3, 12), ("format", 4, 9)]:
        added = message.field.add(name=field, number=number, type=kind, label=kinds.LABEL_OPTIONAL)
        if kind == 11:
            added.type_name = ".google.protobuf.Timestamp"
    stamp = descriptor_pb2.FileDescriptorProto()
    timestamp_pb2.DESCRIPTOR.CopyToProto(stamp)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(stamp)
    pool.Add(file)
    kind = message_factory.GetMessageClass(pool.FindMessageTypeByName(f"foxglove.{name}"))
    return kind, descriptor_pb2.FileDescriptorSet(file=[stamp, file]).SerializeToString()


def make(path):
    streams = [
        ("jpeg", "CompressedImage", pictures("mjpeg", "yuvj420p", {})),
        ("h264", "CompressedVideo", pictures("libx264", "yuv420p", {"tune": "zerolatency", "g": "10"})),
    ]
    with open(path, "wb") as output:
        writer = Writer(output)
        writer.start()
        channels = []
        for format, name, found in streams:
            assert len(found) == COUNT, (format, len(found))
            kind, data = message_type(name)
            schema = writer.register_schema(f"foxglove.{name}", "protobuf", data)
            channels.append((writer.register_channel(format, "protobuf", schema), kind, format, found))
        for number in range(COUNT):
            for channel, kind, format, found in channels:
                # A picture that needs one before it can't begin a film.
                if format == "h264" and number == 0:
                    continue
                content = kind(data=found[number], format=format).SerializeToString()
                writer.add_message(channel, TIMES[number], content, TIMES[number], number)
        writer.finish()


def check(directory):
    for name, first in [("jpeg", 0), ("h264", 10)]:
        with av.open(f"{directory}/{name}.mkv") as film:
            stream = film.streams.video[0]
            assert (stream.width, stream.height) == (200, 120), (stream.width, stream.height)
            frames = list(film.decode(video=0))
            assert len(frames) == COUNT - first, (name, len(frames))
            for number, frame in enumerate(frames, start=first):
                expected = (TIMES[number] - TIMES[first]) / 1e9
                assert abs(float(frame.time) - expected) <= 0.001, (name, number, frame.time, expected)
            assert abs(film.duration / 1e6 - (TIMES[-1] - TIMES[first]) / 1e9) <= 0.002, film.duration
        with av.open(f"{directory}/{name}.mkv") as film:
            # Through the index.
            film.seek(1_000_000)
            assert 0.5 < float(next(film.decode(video=0)).time) <= 1.0


if sys.argv[1] == "make":
    make(sys.argv[2])
else:
    check(sys.argv[2])
