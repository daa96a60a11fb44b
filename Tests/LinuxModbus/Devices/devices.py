"""Modbus RTU devices 3 and 7 of a stock library on a pseudo-terminal whose path is the first line printed. Lines read
then: `mute` keeps every answer back, `spoil` damages the next one, `speak` ends both, `hang up` ends the line. Each is
answered by `done`. Ends with its input.
"""

import asyncio
import os
import struct
import sys
import threading
import tty

from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

state = {"mute": False, "spoil": False}


def terminal():
    near, far = os.openpty()
    tty.setraw(near)
    tty.setraw(far)
    return near, far


asker, line = terminal()
answerer, port = terminal()


def carry(source, target, is_answer):
    try:
        while data := os.read(source, 512):
            if is_answer and state["mute"]:
                continue
            if is_answer and state["spoil"]:
                state["spoil"] = False
                data = data[:-1] + bytes([data[-1] ^ 0x20])
            os.write(target, data)
    except OSError:
        pass


threading.Thread(target=carry, args=(asker, answerer, False), daemon=True).start()
threading.Thread(target=carry, args=(answerer, asker, True), daemon=True).start()


def listen():
    for text in sys.stdin:
        command = text.strip()
        if command == "mute":
            state["mute"] = True
        elif command == "spoil":
            state["spoil"] = True
        elif command == "speak":
            state["mute"] = state["spoil"] = False
        elif command == "hang up":
            os.close(line)
            os.close(asker)
        print("done", flush=True)
    os._exit(0)


threading.Thread(target=listen, daemon=True).start()


def words(layout, value):
    return list(struct.unpack(">%dH" % (struct.calcsize(layout) // 2), struct.pack(layout, value)))


# 230.5 as it is, with its registers and with its bytes swapped; then whole numbers; 40 and behind are not there.
voltage = words(">f", 230.5)
swapped = [w << 8 & 0xFF00 | w >> 8 for w in voltage]
holding = voltage + voltage[::-1] + swapped + swapped[::-1] + words(">q", -5) + [65535, 1234]


def device(number, holding, inputs, coils, discrete):
    def bits(values):
        return [SimData(0, values=values + [False] * (16 - len(values)), datatype=DataType.BITS)]

    def registers(values):
        return [SimData(0, values=values, datatype=DataType.REGISTERS)]

    return SimDevice(number, simdata=(bits(coils), bits(discrete), registers(holding), registers(inputs)))


devices = [
    device(3, holding, [7, 8, 9], [True, False, False], [False, False, True]),
    device(7, [42], [1], [False, True], [True]),
]


async def serve():
    server = ModbusSerialServer(devices, framer=FramerType.RTU, port=os.ttyname(port), baudrate=19200)
    # It forgets what came before it listened.
    await server.serve_forever(background=True)
    print(os.ttyname(line), flush=True)
    await asyncio.Event().wait()


asyncio.run(serve())
