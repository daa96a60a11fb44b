"""Holds what was recorded against what the guest's devices did. One line a check; exit code 1 if one failed."""

import hashlib
import json
import pathlib
import subprocess
import sys

stt, recordings, out = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
failures = 0


def check(claim, holds, detail=""):
    global failures
    failures += not holds
    print(f"{'ok    ' if holds else 'FAILED'} {claim}{': ' if detail else ''}{detail}")


def messages(stream):
    """Every message of a stream, in the recorder's order."""
    output = subprocess.run(
        [stt, "replay", recordings, "--fast", "--format", "ndjson", "--streams", stream],
        check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in output.splitlines()]


def events(source):
    """What happened to a source, each with the time it was told."""
    return [m["fields"] | {"at": m["deviceMonotonicNanoseconds"]}
            for m in messages("stt/agent") if m["fields"]["stream"] == source]


def frames(stream):
    """Time and hash of every picture's bytes, read with the stock MCAP library."""
    from mcap.reader import make_reader
    from mcap_protobuf.decoder import DecoderFactory
    found = []
    times = [m["deviceMonotonicNanoseconds"] for m in messages(stream)]
    for path in sorted(pathlib.Path(recordings).rglob("*.mcap")):
        with path.open("rb") as file:
            for _, _, message, picture in make_reader(file, decoder_factories=[DecoderFactory()]).iter_decoded_messages(topics=[stream]):
                found.append(hashlib.sha256(picture.data).hexdigest())
    return list(zip(times, found, strict=True))


def verify(part):
    result = subprocess.run(
        [stt, "verify", recordings, "--account", str(out / f"{part}.account")], capture_output=True, text=True)
    return result


def gpio(library):
    name = f"gpio{library}"
    version = {1: "libgpiod 1.x", 2: "libgpiod 2.x"}[library]
    all_messages = messages(f"button{library}")
    edges = [m for m in all_messages if m["fields"]["event"] != "level"]
    first = all_messages[0]["fields"] if all_messages else {}
    check(f"{version}: the stream begins with the line's level", first.get("event") == "level", str(first))
    paced = edges[:1000]
    kinds = [m["fields"]["event"] for m in paced]
    check(f"{version}: 1,000 paced edges were recorded, in order",
          kinds == ["rising", "falling"] * 500, f"{len(kinds)} edges")
    times = [m["deviceMonotonicNanoseconds"] for m in paced]
    check(f"{version}: their times are monotonic", all(a < b for a, b in zip(times, times[1:])))
    # The trace writes seconds and microseconds, cut. The kernel takes an edge's time in the handler, so that it lies
    # between the two; how far apart those are is the emulated processor's affair, which its host may stop in between.
    trace = [line.split() for line in (out / f"{name}.trace").read_text().splitlines()]
    entries, exits = ([int(time) * 1000 for kind, time in trace if kind == wanted] for wanted in ("entry", "exit"))
    off = [max(0, entry - time, time - leave - 1000) for time, entry, leave in zip(times, entries, exits)]
    late = sorted(time - entry for time, entry in zip(times, entries))
    check(f"{version}: each has the time the kernel took in the interrupt's handler, within 1 ms",
          len(entries) == len(exits) == len(times) == 1000 and max(off) < 1_000_000,
          f"{len(entries)} traced; outside of the handler by {max(off, default=0) / 1000:.0f} µs at most; after its entry by "
          f"{late[len(late) // 2] / 1000:.0f} µs in the median, {late[-1] / 1000:.0f} µs at most")
    numbers = [m["fields"]["number"] for m in paced]
    check(f"{version}: they are numbered from 1", numbers == list(range(1, 1001)))
    gaps = [e for e in events(f"button{library}") if e["kind"] == "gap"]
    lost = sum(int(e.get("count", 0)) for e in gaps)
    burst = [m for m in edges[1000:]]
    check(f"{version}: a burst of 401 edges while nobody read is a counted gap", lost > 0,
          f"{len(burst)} edges recorded, {lost} counted as lost")
    if library == 2:
        # 401 while it stood still, 3 after it, 2 after the chip came back.
        check(f"{version}: the count is exact", lost + len(burst) == 401 + 3 + 2, f"{lost} + {len(burst)}")
    pulses = [m["fields"] for m in messages(f"meter{library}")]
    frequencies = [m.get("frequency", 0) for m in pulses]
    check(f"{version}: 60 pulses are counted on the device, and have a frequency while they come",
          pulses and max(int(m.get("count", 0)) for m in pulses) == 60 and 0 < max(frequencies) < 100 and frequencies[-1] == 0,
          f"{pulses[-1:]}, {max(frequencies, default=0):.1f} Hz at most")
    door = [m["fields"] for m in messages(f"door{library}")]
    changes = [(m["event"], m.get("active", False)) for m in door if m["event"] != "level"]
    check(f"{version}: a bouncing contact, active low and debounced, changes once each way",
          changes == [("falling", False), ("rising", True)], str(changes))
    if library == 2:
        rung = [m for m in messages("bell") if m["fields"]["event"] == "rising"]
        (early, soon), (late, after) = [map(float, (out / f"bell.{when}").read_text().split()) for when in ("before", "after")]
        check("libgpiod 2.x: with the kernel's real-time clock an edge has its time of day, and the other derived from it",
              len(rung) == 1 and early <= rung[0]["deviceWallNanoseconds"] / 1e9 < late + 1
              and soon - 0.011 <= rung[0]["deviceMonotonicNanoseconds"] / 1e9 <= after + 0.011,
              f"{[(m['deviceWallNanoseconds'], m['deviceMonotonicNanoseconds']) for m in rung]} in {early}..{late}, {soon}..{after}")
    kinds = [e["kind"] for e in events(f"button{library}") if e["kind"] != "gap"]
    check(f"{version}: a chip that went and came back is told of", kinds[-2:] == ["unavailable", "available"], str(kinds))
    levels = [m for m in all_messages if m["fields"]["event"] == "level"]
    check(f"{version}: the level is told again and edges go on", len(levels) == 2 and
          [m["fields"]["event"] for m in all_messages[-2:]] == ["rising", "falling"])
    gone, back = [float(t) for t in (out / f"{name}.returned").read_text().split()]
    check(f"{version}: streaming resumes in under 2 s after the return", back - gone < 2, f"{back - gone:.2f} s")
    door_events = [e for e in events(f"door{library}")]
    check(f"{version}: the other chip's source noticed nothing", door_events == [], str(door_events))


def hwmon(_):
    values = [m["fields"].get("temp1") for m in messages("board/hwmon.lm75")]
    seen = [v for v, before in zip(values, [None] + values) if v != before]
    # 127.5 again after it was gone, which its neighbour of the same kind, at 0 degrees, never had.
    check("lm75 on a simulated bus: its degrees are read", seen[-3:] == [25.0, -12.5, 127.5], str(seen))
    gone, back = [float(t) for t in (out / "hwmon.returned").read_text().split()]
    check("a chip that was not there at the start, went and came back is read again in under 2 s",
          [e["kind"] for e in events("board")] == ["unavailable", "available"] and back - gone < 2, f"{back - gone:.2f} s")
    ticks = [m["deviceMonotonicNanoseconds"] for m in messages("machine/load")]
    # Each tick is counted from the first, so that a late one makes none of the others late; on a busy host many are.
    late = min((t - ticks[0]) % 100_000_000 for t in ticks[len(ticks) * 2 // 3:])
    gaps = sum(int(e.get("count", 0)) for e in events("machine/load") if e["kind"] == "gap")
    span = round((ticks[-1] - ticks[0]) / 1e8) + 1
    check("polled at 10 Hz without drift: every tick is there or counted, and the last are where the first one set them",
          len(ticks) + gaps in range(span - 1, span + 2) and late < 20_000_000,
          f"{len(ticks)} of {span} ticks, {gaps} counted as missed, the most punctual of the last {late / 1e6:.1f} ms late")


def onewire(_):
    readings = [m["fields"] for m in messages("rooms/onewire")]
    names = sorted({name for fields in readings for name in fields})
    check("1-wire: both thermometers that the kernel's search finds are read, by their serial numbers",
          names == ["t_28_000000000016", "t_28_000000000017"], str(names))
    both = [tuple(fields.get(name) for name in names) for fields in readings]
    seen = [pair for pair, before in zip(both, [None] + both) if pair != before]
    # From the driver's file, which has thousandths: 402 and -200 sixteenths of a degree, then 2000 and -880.
    check("1-wire: their degrees, as the driver tells them", seen[:1] == [(25.125, -12.5)] and seen[-1:] == [(125.0, -55.0)], str(seen))
    check("1-wire: one that was taken off the bus has no value, the other goes on", (None, -55.0) in seen)
    gone, back = [float(t) for t in (out / "onewire.returned").read_text().split()]
    # How soon is the conversions' affair, of which each takes up to 0.75 s and a failed one is tried again by the driver.
    check("1-wire: it is read again when it is back",
          [e["kind"] for e in events("rooms/onewire") if e["kind"] != "gap"] == ["unavailable", "available"],
          f"after {back - gone:.2f} s")
    ticks = [m["deviceMonotonicNanoseconds"] for m in messages("nearby/load")]
    gaps = sum(int(e.get("count", 0)) for e in events("nearby/load") if e["kind"] == "gap")
    span = round((ticks[-1] - ticks[0]) / 1e8) + 1
    check("1-wire: what is slow there delays no other source", len(ticks) + gaps in range(span - 1, span + 2),
          f"{len(ticks)} of {span} ticks, {gaps} counted as missed")


def iio(_):
    scans = [m for m in messages("scans")]
    fields = [m["fields"] for m in scans]
    # drivers/iio/dummy/iio_simple_dummy_buffer.c and iio_simple_dummy.c: 7, -33, -2 and 344 in a scan; millivolts.
    expected = {"voltage0": (7 + 7) * 0.001333e-3, "voltage1_voltage2": -33 * 0.000001344e-3,
                "voltage3_voltage4": -2 * 0.000001344e-3, "accel_x": 344.0}
    wrong = [f for f in fields if any(abs(f.get(k, 0.0) - v) > abs(v) * 1e-9 for k, v in expected.items())]
    check("iio: every scan's values are the driver's constants through scale and offset", fields and not wrong,
          f"{len(fields)} scans, {fields[0] if fields else None}")
    traced = [int(line) * 1000 for line in (out / "iio.trace").read_text().split()]
    times = [m["deviceMonotonicNanoseconds"] for m in scans]
    # The trigger waits for a scan to be over: between one interrupt and the next lies the time of one scan.
    during = [t for t in times if traced and t >= traced[0]][:len(traced)]
    apart = sum(not before <= t < after for before, t, after in zip(traced, during, traced[1:] + [times[-1] + 1]))
    seconds = (traced[-1] - traced[0]) / 1e9 if traced else 0
    check("iio: no scan is lost for 10 s at the trigger's 100 Hz", seconds > 10 and len(during) == len(traced) and not apart,
          f"{len(traced)} interrupts, {len(during)} scans in {seconds:.1f} s, {apart} not between theirs and the next")
    check("iio: their times are monotonic", all(a < b for a, b in zip(times, times[1:])))
    polled = [m["fields"] for m in messages("values")]
    expected = {"voltage0": (73 + 7) * 0.001333e-3, "voltage3_voltage4": -34 * 0.000001344e-3, "accel_x": 34.0}
    first = polled[0] if polled else {}
    check("iio: polled values likewise", all(abs(first.get(k, 0.0) - v) <= abs(v) * 1e-9 for k, v in expected.items()), str(first))
    battery = [m["fields"] for m in messages("supply/power.test_battery")]
    charges = [b.get("capacity") for b in battery]
    mains = [m["fields"].get("online", False) for m in messages("supply/power.test_ac")]
    check("a battery and mains of the kernel's: charge, state and voltage",
          charges and charges[0] == 50 and charges[-1] == 42 and mains[0] and not mains[-1]
          and battery[0].get("status") == "Discharging" and battery[0].get("voltage") == 0.0033,
          f"{battery[:1]}, then {charges[-1:]} %; mains {mains[:1]}, then {mains[-1:]}")
    kinds = [e["kind"] for e in events("scans") if e["kind"] != "gap"]
    gone, back = [float(t) for t in (out / "iio.returned").read_text().split()]
    check("iio: a device that went and came back streams again in under 2 s", kinds == ["unavailable", "available"] * 2 and
          back - gone < 2 and times[-1] > gone * 1e9, f"{kinds}, {back - gone:.2f} s")


def serial(_):
    sentences = [m["fields"]["line"] for m in messages("compass")]
    numbers = [int(s.split(",")[1]) for s in sentences]
    wanted = [n for n in range(numbers[0], numbers[-1] + 1) if n % 20 != 7] if numbers else []
    check("a serial line: every NMEA sentence whose checksum fits arrives, in order", len(numbers) > 100 and numbers == wanted,
          f"{len(numbers)} sentences, {numbers[:1]} to {numbers[-1:]}")
    broken = sum(int(e.get("count", 0)) for e in events("compass") if e["kind"] == "gap" and "checksum" in e["detail"])
    wrong = sum(n % 20 == 7 for n in range(numbers[0], numbers[-1] + 1)) if numbers else 0
    # The first and the last may lie outside of what was recorded.
    check("the others are counted", wrong <= broken <= wrong + 2, f"{broken} counted, {wrong} of them between the others")
    masses = [round(m["fields"]["mass"] * 1000) for m in messages("scale")]
    check("a USB serial adapter: a value of every line, scaled to its unit, before and after it was unplugged",
          masses == list(range(1, 151)), f"{len(masses)} values, {masses[:2]} to {masses[-2:]}")
    kinds = [e["kind"] for e in events("scale") if e["kind"] != "gap"]
    gone, back = [float(t) for t in (out / "serial.returned").read_text().split()]
    check("it is told that it went and came back, and is read again in under 2 s",
          kinds == ["unavailable", "available"] and back - gone < 2, f"{kinds}, {back - gone:.2f} s")
    ticks = [m["fields"]["line"] for m in messages("ticker")]
    told = [e["detail"] for e in events("ticker") if e["kind"] == "unavailable"]
    check("a command's lines arrive, and it is started again when it fails",
          len(ticks) >= 10 and ticks == [f"tick {i % 5}" for i in range(len(ticks))] and "exit code 3" in told[0],
          f"{len(ticks)} lines, {told[:1]}")


def video(_):
    with_body = frames("camera")
    left, plugged, streaming = [float(t) * 1e9 for t in (out / "video.returned").read_text().split()]
    still = [(t, digest) for t, digest in with_body if t < left]
    seconds = (still[-1][0] - still[0][0]) / 1e9 if still else 0
    # The driver numbers its pictures by its clock: what lies between the first and the last is 40 ms each.
    skipped = round((still[-1][0] - still[0][0]) / 40e6) + 1 - len(still) if still else 0
    lost = sum(int(e.get("count", 0)) for e in events("camera") if e["kind"] == "gap" and int(e["at"]) < left)
    # What was missed after the last picture was counted, too; no picture shows it.
    after = round((left - still[-1][0]) / 40e6) if still else 0
    check("vivid: 640x480 YUYV at 25 frames a second for 20 s: every frame arrives or is a counted gap",
          seconds > 19 and skipped - 1 <= lost <= skipped + 1 + after, f"{len(still)} frames in {seconds:.1f} s, {skipped} missing by time, {lost} counted, {after} of those at the end")
    reference = hashlib.sha256((out / "video.frame").read_bytes()).hexdigest()
    # A camera plugged in anew shows its own time in the picture again.
    different = sum(digest != reference for _, digest in still)
    check("vivid: the bytes of every frame are those another program got of the driver", still and different == 0,
          f"{different} of {len(still)} differ")
    status = json.loads((out / "video.status").read_text())
    camera = next(s for s in status["streams"] if s["name"] == "camera")
    check("vivid: no byte of a picture was copied between the driver's buffer and the cipher",
          camera["bytesCopied"] == 0 and camera["bytesLent"] == camera["messages"] * 640 * 480 * 2,
          f"{camera['bytesLent']} bytes lent, {camera['bytesCopied']} copied, {camera['messages']} pictures")
    kinds = [e["kind"] for e in events("camera") if e["kind"] != "gap"]
    check("vivid: a camera unplugged and plugged in streams again in under 2 s",
          kinds == ["unavailable", "available"] and with_body[-1][0] > plugged and streaming - plugged < 2e9,
          f"{kinds}, {(streaming - plugged) / 1e9:.2f} s")
    probe = (out / "probe.txt").read_text()
    wanted = ["vivid", "YUYV", "/dev/ttyS1"]
    for part, words in {"gpio1": ["panel", "BUTTON"], "hwmon": ["hwmon.lm75: temp1 (Cel)"], "iio": ["bench", "accel_x, m/s2"]}.items():
        wanted += words if (out / f"{part}.account").exists() else []
    missing = [word for word in wanted if word not in probe]
    check("probe lists camera, serial line, and what the other parts drove; its configuration is right",
          not missing and "is right" in (out / "probe.check").read_text(), f"missing: {missing}" if missing else "")
    ticks = [m["deviceMonotonicNanoseconds"] for m in messages("nearby/load")]
    pause = max((b - a for a, b in zip(ticks, ticks[1:])), default=0)
    check("vivid: the source beside it went on all the while", len(ticks) > 100 and pause < 2e9, f"{pause / 1e6:.0f} ms apart at most")


def pictures(_):
    status = json.loads((out / "pictures.status").read_text())
    for stream in ["grey", "nv12"]:
        reference = hashlib.sha256((out / f"{stream.upper()}.frame").read_bytes()).hexdigest()
        recorded = frames(stream)
        different = sum(digest != reference for _, digest in recorded)
        counted(stream, recorded)
        check(f"{stream}: the bytes of every picture are those another program got of the driver",
              recorded and different == 0, f"{different} of {len(recorded)} differ")
    films = pathlib.Path(sys.argv[4])
    for stream, ending in [("jpegs", "jpeg"), ("film", "h264")]:
        fed = [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(films.glob(f"*.{ending}"))]
        recorded = [digest for _, digest in frames(stream)]
        gaps = sum(int(e.get("count", 0)) for e in events(stream) if e["kind"] == "gap")
        # The driver gives out buffers nobody wrote to before the first that somebody did.
        while recorded and recorded[0] not in fed:
            del recorded[0]
        unknown = sum(digest not in fed for digest in recorded)
        steps = [(fed.index(b) - fed.index(a)) % len(fed) for a, b in zip(recorded, recorded[1:])] if not unknown else []
        check(f"{stream}: pictures a program feeds the camera arrive whole and in order, or are counted gaps",
              len(recorded) > 25 and not unknown and sum(s - 1 for s in steps) <= gaps,
              f"{len(recorded)} pictures, {unknown} unknown, {gaps} counted as lost")
    for stream in ["grey", "nv12", "jpegs", "film"]:
        camera = next(s for s in status["streams"] if s["name"] == stream)
        check(f"{stream}: no byte of a picture was copied between the driver's buffer and the cipher",
              camera["bytesCopied"] == 0 and camera["bytesLent"] > 0, f"{camera['bytesLent']} lent, {camera['bytesCopied']} copied")


def counted(stream, recorded):
    """The driver numbers its pictures by its clock: what lies between the first and the last is 40 ms each."""
    span = round((recorded[-1][0] - recorded[0][0]) / 40e6) + 1 if recorded else 0
    gaps = sum(int(e.get("count", 0)) for e in events(stream) if e["kind"] == "gap")
    check(f"{stream}: at 25 pictures a second every one arrives or is a counted gap",
          span > 150 and span - len(recorded) - 1 <= gaps <= span - len(recorded) + 25,
          f"{len(recorded)} of {span}, {gaps} counted")


parts = {"gpio1": lambda: gpio(1), "gpio2": lambda: gpio(2), "hwmon": lambda: hwmon(0), "onewire": lambda: onewire(0), "iio": lambda: iio(0),
         "serial": lambda: serial(0), "video": lambda: video(0), "pictures": lambda: pictures(0)}
ran = [part for part in parts if (out / f"{part}.account").exists()]
for part in ran:
    result = verify(part)
    check(f"{part}: the recording holds every byte the agent sent", result.returncode == 0, result.stdout.strip().splitlines()[-1] if result.returncode else "")
    parts[part]()
missing = [part for part in parts if part not in ran]
check("nothing was skipped", not missing, ", ".join(missing))
sys.exit(1 if failures else 0)
