import LinuxModbus
import ModbusDevices
import STTBuffers
import STTSample
import Testing

/// Reads samples by their schema, and keeps events.
private struct Samples: SourceOutlet, ~Copyable {
  let types: [String: MessageLayout]
  let schema: String
  let pool = BufferPool([SlabClass(byteCount: 4096, count: 4)])
  var samples: [[String: DecodedValue]] = []
  var events: [SourceEvent] = []

  init(of source: ModbusSource) {
    types = MessageLayout.all(in: source.description.schema.data)
    schema = source.description.schema.name
  }

  mutating func lease(atLeast byteCount: Int) -> Lease? { pool.lease(atLeast: byteCount) }

  mutating func emit(_ output: consuming SourceOutput, comesAgain: Bool) -> Bool {
    guard case .batch(let lease) = consume output, let layout = types[schema] else { return false }
    var records = SampleBatchLayout()
    while let record = records.next(in: lease) {
      let payload = lease.bytes.extracting(record.offset + 16..<record.offset + record.byteCount)
      let fields = layout.decode(payload, types: types)
      samples.append(Dictionary(fields.map { ($0.name, $0.value) }) { $1 })
    }
    return true
  }

  mutating func report(_ event: SourceEvent) { events.append(event) }

  var troubles: [String] {
    events.compactMap { event in
      if case .unavailable(let reason) = event { reason } else { nil }
    }
  }
}

extension ModbusSource {
  /// One call at its next deadline, by a clock of the test's own.
  fileprivate func turn(_ now: inout UInt64, _ samples: inout Samples) {
    now = max(now, deadline ?? now)
    produce(now: SampleTime(monotonicNanoseconds: now, wallNanoseconds: now), into: &samples)
  }
}

/// Against the devices of a stock library, over a pseudo-terminal.
@Suite(
  .serialized,
  .enabled(
    if: ModbusDevices.python != nil, "needs STT_TEST_PYTHON: an interpreter with the packages of Tests/requirements.txt"))
struct ModbusSourceTests {
  private static let values = [
    RegisterValue("voltage", unit: "V", device: 3, table: .holding, register: 0, format: .float32),
    RegisterValue("swapped", device: 3, table: .holding, register: 2, format: .float32, order: .wordsSwapped),
    RegisterValue("badc", device: 3, table: .holding, register: 4, format: .float32, order: .bytesSwapped),
    RegisterValue("dcba", device: 3, table: .holding, register: 6, format: .float32, order: .little),
    RegisterValue("minus", device: 3, table: .holding, register: 8, format: .int64),
    RegisterValue("scaled", device: 3, table: .holding, register: 13, scale: 0.1, offset: -3),
    RegisterValue("input", device: 3, table: .input, register: 1),
    RegisterValue("coil", device: 3, table: .coil, register: 0),
    RegisterValue("off", device: 3, table: .coil, register: 1),
    RegisterValue("discrete", device: 3, table: .discrete, register: 2),
    RegisterValue("other", device: 7, table: .holding, register: 0),
  ]

  /// - Parameter timeout: in microseconds; long where an answer is waited for, which comes when the machine gets to it.
  private func source(_ path: String, _ values: [RegisterValue], timeout: UInt32 = 20_000_000) -> ModbusSource {
    ModbusSource(
      StreamDescription(name: "meter", schema: .opaque), messageName: "meter",
      ModbusLine(path: path, baud: 19_200, parity: .none, stopBits: 1, timeout: timeout), values, hertz: 10)
  }

  @Test func everyTableAndOrderOfSeveralDevicesIsOneSample() throws {
    let devices = try ModbusDevices()
    let source = source(devices.path, Self.values)
    var samples = Samples(of: source)
    var now: UInt64 = 1
    for _ in 0..<3 { source.turn(&now, &samples) }
    #expect(samples.events.isEmpty)
    #expect(samples.samples.count == 3)
    for sample in samples.samples {
      #expect(
        sample == [
          "voltage": .number(230.5), "swapped": .number(230.5), "badc": .number(230.5), "dcba": .number(230.5),
          "minus": .integer(-5), "scaled": .number(1234 * 0.1 - 3), "input": .unsigned(8), "coil": .flag(true),
          "off": .flag(false), "discrete": .flag(true), "other": .unsigned(42),
        ])
    }
  }

  @Test func aRegisterThatIsNotThereTakesNoOtherWithIt() throws {
    let devices = try ModbusDevices()
    let missing = RegisterValue("missing", device: 3, table: .holding, register: 40)
    let source = source(devices.path, [missing, Self.values[0]])
    var samples = Samples(of: source)
    var now: UInt64 = 1
    for _ in 0..<3 { source.turn(&now, &samples) }
    #expect(samples.samples == Array(repeating: ["voltage": .number(230.5)], count: 3))
    #expect(samples.troubles == ["meter: device 3 refuses holding register 40: Illegal data address"])
    #expect(samples.events.count == 1)
  }

  @Test func aDamagedAnswerIsAskedForAgain() throws {
    let devices = try ModbusDevices()
    let source = source(devices.path, [Self.values[0]])
    var samples = Samples(of: source)
    var now: UInt64 = 1
    for _ in 0..<5 {
      devices.tell("spoil")
      source.turn(&now, &samples)
    }
    #expect(samples.samples == Array(repeating: ["voltage": .number(230.5)], count: 5))
    #expect(samples.events.isEmpty)
  }

  @Test func aDeviceThatFallsSilentIsToldOfOnceAndComesBack() throws {
    let devices = try ModbusDevices()
    devices.tell("mute")
    let source = source(devices.path, [Self.values[0]], timeout: 200_000)
    var samples = Samples(of: source)
    var now: UInt64 = 1
    // Three seconds: asked twice at first, then once a second.
    for _ in 0..<30 { source.turn(&now, &samples) }
    #expect(samples.samples.isEmpty)
    #expect(samples.troubles.count == 1)
    #expect(samples.troubles.first?.hasPrefix("meter: device 3 on \(devices.path) gives no answer (") == true)
    devices.tell("speak")
    // An answer may come too late on a busy machine.
    for _ in 0..<1_000 where samples.samples.isEmpty { source.turn(&now, &samples) }
    #expect(samples.events.last == .available)
    #expect(samples.samples.last == ["voltage": .number(230.5)])
  }

  @Test func aLineThatIsGoneIsLookedForAgain() throws {
    let devices = try ModbusDevices()
    let source = source(devices.path, [Self.values[0]])
    var samples = Samples(of: source)
    var now: UInt64 = 1
    source.turn(&now, &samples)
    #expect(samples.samples.count == 1)
    devices.tell("hang up")
    for _ in 0..<5 { source.turn(&now, &samples) }
    #expect(samples.samples.count == 1)
    #expect(samples.troubles.count == 1, "\(samples.events)")
    #expect(source.deadline.map { $0 > now } == true)
  }

  @Test func aPortThatIsMissingOrNoneIsSaidToBe() throws {
    for path in ["/dev/none-such", "/dev/null"] {
      let source = source(path, [Self.values[0]])
      var samples = Samples(of: source)
      var now: UInt64 = 1
      for _ in 0..<3 { source.turn(&now, &samples) }
      #expect(samples.troubles.count == 1)
      #expect(samples.troubles.first?.contains(path) == true, "\(samples.events)")
    }
  }
}
