/// What one process counted; travels as a line of names and numbers (Benchmarks/peers/README.md).
struct BenchFigures {
  var messages: UInt64 = 0
  var bytes: UInt64 = 0
  /// From the first message to the last.
  var seconds = 0.0
  var cpuSeconds = 0.0
  /// After the first second, which may allocate what is kept …
  var allocations: UInt64 = 0
  /// … and the messages since then.
  var countedMessages: UInt64 = 0
  var packetsLost: UInt64 = 0
  /// Between ``BenchMeter/steadyAfterSeconds`` and the end of the sending.
  var steadyBytes: UInt64 = 0
  /// Messages of a pace sent after the first two seconds of it …
  var steadyMessages: UInt64 = 0
  /// … and those of them that came before their deadline.
  var onTime: UInt64 = 0
  /// Bytes of the process in memory, after the first second and at the end.
  var resident: (begin: UInt64, end: UInt64) = (0, 0)
  /// Microseconds that half, 99 % and 99.9 % of the messages were old at most when they came.
  var ages: (half: UInt64, most: UInt64, nearlyAll: UInt64) = (0, 0, 0)

  var allocationsPerMessage: Double { Double(allocations) / Double(max(1, countedMessages)) }

  mutating func note(_ lateness: Lateness) {
    func at(_ share: Double) -> UInt64 { lateness.quantile(share) / 1000 }
    ages = (at(0.5), at(0.99), at(0.999))
  }

  init() {}

  /// Numbers that are not told are 0. `nil`: it is no such line.
  init?(line: String) {
    var values: [Substring: Substring] = [:]
    for part in line.split(separator: " ") {
      let sides = part.split(separator: "=", maxSplits: 1)
      guard sides.count == 2 else { return nil }
      values[sides[0]] = sides[1]
    }
    guard let messages = values["messages"].flatMap({ UInt64($0) }) else { return nil }
    func count(_ name: Substring) -> UInt64 { values[name].flatMap { UInt64($0) } ?? 0 }
    func number(_ name: Substring) -> Double { values[name].flatMap { Double($0) } ?? 0 }
    self.messages = messages
    bytes = count("bytes")
    seconds = number("seconds")
    cpuSeconds = number("cpu_seconds")
    allocations = count("allocations")
    countedMessages = count("counted_messages")
    packetsLost = count("packets_lost")
    steadyBytes = count("steady_bytes")
    steadyMessages = count("steady_messages")
    onTime = count("on_time")
    resident = (count("resident_begin"), count("resident_end"))
    ages = (count("age_p50_us"), count("age_p99_us"), count("age_p999_us"))
  }

  var line: String {
    "messages=\(messages) bytes=\(bytes) seconds=\(seconds) cpu_seconds=\(cpuSeconds) "
      + "allocations=\(allocations) counted_messages=\(countedMessages) packets_lost=\(packetsLost) steady_bytes=\(steadyBytes) "
      + "steady_messages=\(steadyMessages) on_time=\(onTime) "
      + "resident_begin=\(resident.begin) resident_end=\(resident.end) "
      + "age_p50_us=\(ages.half) age_p99_us=\(ages.most) age_p999_us=\(ages.nearlyAll)\n"
  }
}
