internal import CGPIO
internal import STTBuffers
public import STTSample

/// Pulses of GPIO lines, counted here: for lines too fast to tell of each edge, such as meters, fans and anemometers.
///
/// Each interval gives a message for every line: how many pulses since the agent started, and their frequency, from the
/// kernel's times of the last pulse of this interval and of the last one before it.
public final class PulseSource: SampleSource {
  /// What a message tells of a line.
  public static let fields = [
    Field("line", .string), Field("count", .uint64, unit: "1"), Field("frequency", .double, unit: "Hz"),
  ]

  public let description: StreamDescription
  public private(set) var descriptor: CInt?
  public private(set) var deadline: UInt64? = 0

  private let lines: [LineAddress]
  private let names: [String]
  private let chip: String?
  private let settings: LineSettings
  private let interval: UInt64
  private let largestMessage: Int
  private var request: LineRequest?
  private var pulses: [LinePulses]
  private var orders: [EdgeOrder] = []
  private var levels: [UInt8]
  private var edges: [cgpio_edge]
  private var tellAt: UInt64 = 0
  private var checkAt: UInt64 = 0
  private var absence = DeviceAbsence()

  /// Opens nothing yet: lines that are missing are an event of the running source.
  ///
  /// - Parameters:
  ///   - description: its schema and message size are replaced.
  ///   - settings: only bias and which level is active count.
  ///   - interval: between two messages, in nanoseconds.
  public init(
    _ description: StreamDescription, messageName: String, lines: [LineAddress], chip: String?, settings: LineSettings,
    interval: UInt64
  ) {
    self.lines = lines
    names = lines.map(\.text)
    self.chip = chip
    self.settings = LineSettings(edges: .rising, bias: settings.bias, isActiveLow: settings.isActiveLow)
    self.interval = max(1, interval)
    largestMessage = (names.map(\.utf8.count).max() ?? 0) + 32
    var description = description
    description.schema = .protobuf(messageName: messageName, fields: Self.fields)
    description.maximumMessageByteCount = largestMessage
    self.description = description
    pulses = Array(repeating: LinePulses(), count: lines.count)
    levels = Array(repeating: 0, count: lines.count)
    edges = Array(repeating: cgpio_edge(), count: Int(CGPIO_MOST_EDGES))
  }

  public func produce<Outlet: SourceOutlet & ~Copyable>(now: SampleTime, into outlet: inout Outlet) {
    let time = now.monotonicNanoseconds
    if request == nil {
      if let deadline, time < deadline { return }
      open(time, &outlet)
    }
    guard let request else { return }
    for _ in 0..<EdgeSource.mostReads {
      let count = request.read(&edges)
      if count == 0 { return rest(request, now, &outlet) }
      guard count > 0 else { return lose("read lines of", -count, time, &outlet) }
      for edge in edges[..<Int(count)] where Int(edge.line) < lines.count { take(edge, &outlet) }
    }
    deadline = time
  }

  private func take<Outlet: SourceOutlet & ~Copyable>(_ edge: cgpio_edge, _ outlet: inout Outlet) {
    let line = Int(edge.line)
    let missing = orders[line].missing(before: edge.sequence, isRising: true)
    if missing > 0 {
      // The count stays right: the kernel numbered them.
      pulses[line].count &+= missing
      pulses[line].sinceTold &+= missing
    }
    pulses[line].take(at: edge.timestamp_ns)
  }

  private func rest<Outlet: SourceOutlet & ~Copyable>(
    _ request: LineRequest, _ now: SampleTime, _ outlet: inout Outlet
  ) {
    let time = now.monotonicNanoseconds
    if time >= tellAt {
      tell(now, &outlet)
      // Late once is not late for ever.
      tellAt = tellAt &+ interval > time ? tellAt &+ interval : time &+ interval
    }
    if time >= checkAt {
      let result = request.levels(&levels)
      guard result >= 0 else { return lose("read lines of", -result, time, &outlet) }
      checkAt = time &+ EdgeSource.checkInterval
    }
    deadline = min(tellAt, checkAt)
  }

  private func tell<Outlet: SourceOutlet & ~Copyable>(_ now: SampleTime, _ outlet: inout Outlet) {
    guard let lease = outlet.lease(atLeast: lines.count * (SampleBatch.headerByteCount + largestMessage + 7)) else {
      return outlet.report(.gap(count: UInt64(lines.count), reason: "no buffer was free"))
    }
    var batch = SampleBatch(lease)
    for line in lines.indices {
      let frequency = pulses[line].takeFrequency()
      // The lease is as large as its messages at their longest.
      _ = batch.append(at: now) { writer in
        writer.string(names[line], field: 1)
        writer.uint64(pulses[line].count, field: 2)
        writer.double(frequency, field: 3)
      }
    }
    // A refusal is counted by the outlet.
    _ = outlet.emit(.batch(batch.finish()))
  }

  private func open<Outlet: SourceOutlet & ~Copyable>(_ time: UInt64, _ outlet: inout Outlet) {
    do throws(LineTrouble) {
      let opened = try LineRequest(lines, chip: chip, settings)
      request = opened
      descriptor = opened.descriptor
      checkAt = time &+ EdgeSource.checkInterval
      tellAt = time &+ interval
    } catch {
      return fail(error.description, time, &outlet)
    }
    absence.end(&outlet)
    orders = lines.map { _ in EdgeOrder(isActive: nil, areBothWatched: false) }
    for line in pulses.indices { pulses[line].pause() }
  }

  private func lose<Outlet: SourceOutlet & ~Copyable>(
    _ doing: String, _ errno: CInt, _ time: UInt64, _ outlet: inout Outlet
  ) {
    let path = request?.chip ?? "the chip"
    fail(LineTrouble.refused(doing: doing, path: path, errno: errno).description, time, &outlet)
  }

  private func fail<Outlet: SourceOutlet & ~Copyable>(_ reason: String, _ time: UInt64, _ outlet: inout Outlet) {
    request = nil
    descriptor = nil
    deadline = absence.begin(reason, at: time, &outlet)
  }
}

/// The pulses of one line.
struct LinePulses {
  /// Since the start.
  var count: UInt64 = 0
  /// Since the frequency was asked for last.
  var sinceTold: UInt64 = 0
  private var last: UInt64?
  /// The last one when the frequency was asked for.
  private var reference: UInt64?

  mutating func take(at time: UInt64) {
    count &+= 1
    sinceTold &+= 1
    last = time
    if reference == nil {
      // The first begins a period and ends none.
      reference = time
      sinceTold = 0
    }
  }

  /// Whole periods since the last call, divided by their time; 0 when none ended.
  mutating func takeFrequency() -> Double {
    defer {
      sinceTold = 0
      reference = last
    }
    guard let last, let reference, last > reference, sinceTold > 0 else { return 0 }
    return Double(sinceTold) / (Double(last - reference) / 1e9)
  }

  /// Nobody listens: what comes later begins anew.
  mutating func pause() {
    last = nil
    reference = nil
    sinceTold = 0
  }
}
