import STTBoard
import Testing

/// A small generator with a known sequence, so that a failure can be repeated from its seed.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}

@Suite struct DecodingRobustnessTests {
  private static let keys = [
    "device", "agent", "collector", "buffers", "source", "recording", "limits", "name", "type", "address", "pair", "mode",
    "cipher", "max_datagram", "state", "status_socket", "memory", "unacknowledged", "queue", "delivery", "durability", "fec",
    "fec_data", "fec_parity",
    "priority",
    "purpose", "rate_hz", "value", "path", "parse", "line", "column", "unit", "scale", "offset", "framing", "loop",
    "max_message", "receive_threads", "device", "format", "width", "height", "fps", "message_size", "count", "seed",
    "groups", "listen",
    "pairs",
    "allow_seed_mode", "root", "segment_size", "segment_age", "chunk_size", "chunk_age", "compression", "sync_interval",
    "reserve", "keep", "max_size", "max_device_size", "when_full", "sessions", "handshakes_per_second", "board", "gpio",
    "pin", "bus", "title", "aes", "camera", "chip_label",
    "baud", "data_bits", "parity", "stop_bits", "flow_control", "record_size", "record_start", "separator", "command",
    "restart", "lines", "offsets", "clock", "debounce", "channels", "line_count", "header_pins", "number", "kind",
    "functions", "decivolts", "pins", "enable", "seal", "",
  ]
  private static let texts = [
    "", "poll", "file", "camera", "pattern", "system", "serial", "command", "socket", "gpio", "iio", "fixed", "nmea", "raw",
    "none", "sealed", "hybrid", "1 MiB",
    "99999999999999999999 TiB",
    "1 s", "-1 s", "9223372036854775807 d", "/a", "fd:1", "host:1", "line", "power", "ground", "i2c", "\u{0}", "ü\u{301}",
    "a",
    String(repeating: "x", count: 5_000),
  ]
  private static let integers: [Int64] = [.min, -1, 0, 1, 2, 40, 65_507, .max, 1 << 32]
  private static let doubles: [Double] = [.nan, .infinity, -.infinity, 0, -0.0, 1e308, .leastNonzeroMagnitude, 0.5]

  private func value(depth: Int, _ random: inout SplitMix) -> ConfigNode.Value {
    switch Int.random(in: 0..<(depth > 0 ? 8 : 5), using: &random) {
    case 0: .string(Self.texts.randomElement(using: &random) ?? "")
    case 1: .integer(Self.integers.randomElement(using: &random) ?? 0)
    case 2: .float(Self.doubles.randomElement(using: &random) ?? 0)
    case 3: .bool(Bool.random(using: &random))
    case 4: .datetime("1979-05-27")
    case 5, 6:
      table(
        (0..<Int.random(in: 0..<8, using: &random)).map { _ in
          (Self.keys.randomElement(using: &random) ?? "", value(depth: depth - 1, &random))
        })
    default: array((0..<Int.random(in: 0..<5, using: &random)).map { _ in value(depth: depth - 1, &random) })
    }
  }

  /// Trees of known keys with any value below them: nothing traps, and nothing half-read is accepted
  /// without its required parts.
  @Test func noTreeTrapsADecoder() {
    for seed in UInt64(0)..<6_000 {
      var random = SplitMix(state: seed)
      let entries = (0..<Int.random(in: 0..<10, using: &random)).map { _ in
        (Self.keys.randomElement(using: &random) ?? "", value(depth: 4, &random))
      }
      let node = root(entries)
      for problem in agentProblems(node) + collectorProblems(node) {
        #expect(!problem.description.unicodeScalars.contains { $0.value < 0x20 }, "seed \(seed)")
        #expect(problem.description.utf8.count < 2_000, "seed \(seed)")
      }
      _ = try? BoardProfile(node)
    }
  }

  /// One value of a good configuration replaced by any other: the answer names that place or is good.
  @Test func oneWrongValueIsReportedWhereItStands() {
    let good: [(String, ConfigNode.Value)] = [("name", .string("s")), ("type", .string("pattern"))]
    for key in ["priority", "durability", "delivery", "purpose", "message_size", "rate_hz", "count"] {
      for seed in UInt64(0)..<200 {
        var random = SplitMix(state: seed)
        let problems = agentProblems(agentRoot(source: good + [(key, value(depth: 2, &random))]))
        #expect(
          problems.allSatisfy { $0.path.hasPrefix("source[0].\(key)") || $0.path == "source[0].durability" },
          "\(key) seed \(seed)")
      }
    }
  }

  @Test func atMostAHundredProblemsAreListedAndTheRestCounted() {
    let problems = agentProblems(agentRoot(and: (0..<500).map { ("unknown\($0)x", .bool(true)) }))
    #expect(problems.count == 101)
    #expect(problems.last?.message == "400 more problems are not shown")
  }
}
