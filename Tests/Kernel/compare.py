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
    # The trace writes seconds and microseconds.
    traced = [int(line) * 1000 for line in (out / f"{name}.trace").read_text().split()]
    worst = max((abs(a - b) for a, b in zip(times, traced)), default=0)
    check(f"{version}: each is within 1 ms of the kernel's own trace of its interrupt",
          len(traced) == len(times) == 1000 and worst < 1_000_000, f"{len(traced)} traced, worst {worst / 1000:.0f} µs")
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
    door = [m["fields"] for m in messages(f"door{library}")]
    changes = [(m["event"], m.get("active", False)) for m in door if m["event"] != "level"]
    check(f"{version}: a bouncing contact, active low and debounced, changes once each way",
          changes == [("falling", False), ("rising", True)], str(changes))
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
    check("lm75 on a simulated bus: its degrees are read", seen[-3:] == [25.0, -12.5, 127.5], str(seen))
    ticks = [m["deviceMonotonicNanoseconds"] for m in messages("board/hwmon.lm75")]
    steps = [b - a for a, b in zip(ticks, ticks[1:])]
    average = sum(steps) / max(1, len(steps))
    check("polled at 10 Hz without drift", abs(average - 1e8) < 2e6, f"{average / 1e6:.2f} ms a step over {len(steps)}")


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
    during = [t for t in times if traced and traced[0] <= t < traced[-1] + 5_000_000]
    seconds = (traced[-1] - traced[0]) / 1e9 if traced else 0
    check("iio: no scan is lost for 10 s at the trigger's 100 Hz", seconds > 10 and len(during) == len(traced),
          f"{len(traced)} interrupts, {len(during)} scans in {seconds:.1f} s")
    check("iio: their times are monotonic", all(a < b for a, b in zip(times, times[1:])))
    polled = [m["fields"] for m in messages("values")]
    expected = {"voltage0": (73 + 7) * 0.001333e-3, "voltage3_voltage4": -34 * 0.000001344e-3, "accel_x": 34.0}
    first = polled[0] if polled else {}
    check("iio: polled values likewise", all(abs(first.get(k, 0.0) - v) <= abs(v) * 1e-9 for k, v in expected.items()), str(first))
    kinds = [e["kind"] for e in events("scans") if e["kind"] != "gap"]
    gone, back = [float(t) for t in (out / "iio.returned").read_text().split()]
    check("iio: a device that went and came back streams again in under 2 s", kinds == ["unavailable", "available"] and
          back - gone < 2 and times[-1] > gone * 1e9, f"{kinds}, {back - gone:.2f} s")


def video(_):
    with_body = frames("camera")
    left, plugged, streaming = [float(t) * 1e9 for t in (out / "video.returned").read_text().split()]
    still = [(t, digest) for t, digest in with_body if t < left]
    seconds = (still[-1][0] - still[0][0]) / 1e9 if still else 0
    steps = [b[0] - a[0] for a, b in zip(still, still[1:])]
    skipped = sum(round(step / 40e6) - 1 for step in steps)
    lost = sum(int(e.get("count", 0)) for e in events("camera") if e["kind"] == "gap" and int(e["at"]) < left)
    check("vivid: 640x480 YUYV at 25 frames a second for 20 s: every frame arrives or is a counted gap",
          seconds > 19.9 and skipped == lost, f"{len(still)} frames in {seconds:.1f} s, {skipped} missing by time, {lost} counted")
    reference = hashlib.sha256((out / "video.frame").read_bytes()).hexdigest()
    different = sum(digest != reference for _, digest in with_body)
    check("vivid: the bytes of every frame are those another program got of the driver", with_body and different == 0,
          f"{different} of {len(with_body)} differ")
    kinds = [e["kind"] for e in events("camera") if e["kind"] != "gap"]
    check("vivid: a camera unplugged and plugged in streams again in under 2 s",
          kinds == ["unavailable", "available"] and with_body[-1][0] > plugged and streaming - plugged < 2e9,
          f"{kinds}, {(streaming - plugged) / 1e9:.2f} s")
    ticks = [m["deviceMonotonicNanoseconds"] for m in messages("beside/load")]
    pause = max((b - a for a, b in zip(ticks, ticks[1:])), default=0)
    check("vivid: the source beside it was never paused for half a second", len(ticks) > 100 and pause < 5e8, f"{pause / 1e6:.0f} ms at most")


parts = {"gpio1": lambda: gpio(1), "gpio2": lambda: gpio(2), "hwmon": lambda: hwmon(0), "iio": lambda: iio(0), "video": lambda: video(0)}
ran = [part for part in parts if (out / f"{part}.account").exists()]
for part in ran:
    result = verify(part)
    check(f"{part}: the recording holds every byte the agent sent", result.returncode == 0, result.stdout.strip().splitlines()[-1] if result.returncode else "")
    parts[part]()
missing = [part for part in parts if part not in ran]
check("nothing was skipped", not missing, ", ".join(missing))
sys.exit(1 if failures else 0)
