"""A viewer of foxglove.websocket.v1, written from the protocol's description alone.

watch_as_foxglove.py URL OUTPUT [--origin ORIGIN]: subscribes to every channel, decodes every message by the schema it
was told, and writes what it saw as JSON. Exits with 3 when the server refuses the connection.
"""

import asyncio
import base64
import json
import struct
import sys

import websockets
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


def reader(channel):
    """Makes a channel's message class out of its schema."""
    if channel["encoding"] != "protobuf":
        return None
    files = descriptor_pb2.FileDescriptorSet()
    files.ParseFromString(base64.b64decode(channel["schema"], validate=True))
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(channel["schemaName"]))


async def watch(url, output, origin):
    seen = {"info": None, "channels": [], "messages": [], "times": 0, "status": []}
    try:
        socket = await websockets.connect(
            url, subprotocols=["foxglove.websocket.v1"], origin=origin, max_size=None, open_timeout=30
        )
    except websockets.exceptions.InvalidHandshake:
        sys.exit(3)
    async with socket:
        assert socket.subprotocol == "foxglove.websocket.v1"
        by_subscription = {}
        try:
            async for frame in socket:
                if isinstance(frame, str):
                    text = json.loads(frame)
                    if text["op"] == "serverInfo":
                        seen["info"] = text
                    elif text["op"] == "status":
                        seen["status"].append(text)
                    elif text["op"] == "advertise":
                        subscriptions = []
                        for channel in text["channels"]:
                            seen["channels"].append({k: channel[k] for k in ("id", "topic", "encoding", "schemaName")})
                            number = 1000 + channel["id"]
                            by_subscription[number] = (channel["topic"], reader(channel))
                            subscriptions.append({"id": number, "channelId": channel["id"]})
                        await socket.send("this is no JSON")
                        await socket.send(json.dumps({"op": "subscribe", "subscriptions": [{"id": 1, "channelId": 9999}]}))
                        await socket.send(json.dumps({"op": "subscribe", "subscriptions": subscriptions}))
                elif frame[0] == 1:
                    number, time = struct.unpack_from("<IQ", frame, 1)
                    topic, kind = by_subscription[number]
                    message = {"topic": topic, "time": time, "bytes": len(frame) - 13}
                    if kind is not None:
                        decoded = kind.FromString(frame[13:])
                        if kind.DESCRIPTOR.full_name == "foxglove.CompressedImage":
                            message["format"] = decoded.format
                            message["isJPEG"] = decoded.data[:2] == b"\xff\xd8"
                    seen["messages"].append(message)
                elif frame[0] == 2:
                    struct.unpack("<Q", frame[1:])
                    seen["times"] += 1
                else:
                    raise ValueError(f"opcode {frame[0]}")
        except websockets.exceptions.ConnectionClosed:
            pass
    with open(output, "w") as file:
        json.dump(seen, file)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    origin = arguments[arguments.index("--origin") + 1] if "--origin" in arguments else None
    asyncio.run(watch(arguments[0], arguments[1], origin))
