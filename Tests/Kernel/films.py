"""Pictures for the guest's fed camera: twenty different JPEGs, and the pictures of the tests' recorded H.264 stream."""

import pathlib
import sys
from fractions import Fraction

import av

folder, recorded = pathlib.Path(sys.argv[1]), sys.argv[2]
folder.mkdir(exist_ok=True)
encoder = av.CodecContext.create("mjpeg", "w")
encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 320, 240, "yuvj420p", Fraction(1, 25)
for number in range(20):
    frame = av.VideoFrame(320, 240, "yuvj420p")
    for plane, shade in zip(frame.planes, (number * 12, 128, 255 - number * 12)):
        plane.update(bytes([shade]) * plane.buffer_size)
    for packet in encoder.encode(frame):
        (folder / f"{number:02}.jpeg").write_bytes(bytes(packet))
with av.open(recorded, format="h264") as film:
    for number, packet in enumerate(p for p in film.demux() if p.size):
        (folder / f"{number:02}.h264").write_bytes(bytes(packet))
