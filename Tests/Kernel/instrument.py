"""An instrument at the far end of the guest's serial line: a sentence of NMEA 0183 fifty times a second, numbered, every
twentieth with a wrong checksum. Ends when the guest does. Writes down how many it sent."""

import pathlib
import socket
import sys
import time

path, sent = sys.argv[1], pathlib.Path(sys.argv[2])
line = socket.socket(socket.AF_UNIX)
for _ in range(600):
    try:
        line.connect(path)
        break
    except OSError:
        time.sleep(0.05)
number = 0
try:
    while True:
        body = f"HEHDT,{number},T".encode()
        checksum = 0
        for byte in body:
            checksum ^= byte
        if number % 20 == 7:
            checksum ^= 0x55
        line.sendall(b"$%s*%02X\r\n" % (body, checksum))
        number += 1
        sent.write_text(str(number))
        time.sleep(0.02)
except OSError:
    pass
