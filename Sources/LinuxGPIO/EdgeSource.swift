internal import CGPIO
import Glibc
internal import STTBuffers
public import STTSample

/// Edges of GPIO lines, with the kernel's times, as one stream of messages `stt.<messageName>`.
///
/// Every opening begins with a message for each line that tells its level. A chip that vanishes is reported; it is
/// found again by name when it is back, whatever its number is then.
public final class EdgeSource: SampleSource {
  /// What a message tells of a line.
  public static let fields = [
    Field("line", .string), Field("active", .bool), Field("event", .string), Field("number", .uint64, unit: "1"),
  ]
  private enum Event {
    case level, rising, falling

    var name: StaticString {
      switch self {
      case .level: "level"
      case .rising: "rising"
      case .falling: "falling"
      }
    }
  }

  // A chip that is gone wakes nobody on kernels before 6.6, so it is asked.
  static let checkInterval: UInt64 = 500_000_000
  // What the kernel keeps of a line's edges for libgpiod 1.x.
  static let unnumberedQueue = 16
  // Edges of one call: others share the thread.
  static let mostReads = 16

  public let description: StreamDescription
  public private(set) var descriptor: CInt?
  public private(set) var deadline: UInt64? = 0

  private let lines: [LineAddress]
  private let names: [String]
  private let chip: String?
  private let settings: LineSettings
  /// What is asked of the kernel: debouncing needs both edges.
  private var watched: LineSettings
  private let largestMessage: Int
  private var request: LineRequest?
  private var orders: [EdgeOrder] = []
  private var numbers: [UInt64]
  private var levels: [UInt8]
  private var edges: [cgpio_edge]
  private var steadiness: [Steadiness]
  private var checkAt: UInt64 = 0
  private var absence = DeviceAbsence()
  /// Edges there was no buffer for, not yet reported.
  private var refused: UInt64 = 0

  /// Opens nothing yet: lines that are missing are an event of the running source.
  ///
  /// - Parameters:
  ///   - description: its schema and message size are replaced.
  ///   - chip: label, name or path; needed with offsets.
  /// - Throws: when the wall clock is asked of a library that has it not.
  public init(
    _ description: StreamDescription, messageName: String, lines: [LineAddress], chip: String?,
    settings: LineSettings = LineSettings()
  ) throws(LineTrouble) {
    if settings.isRealtime, cgpio_is_numbered() == 0 { throw .noRealtime(library: ChipDiscovery.libraryVersion) }
    self.lines = lines
    names = lines.map(\.text)
    self.chip = chip
    self.settings = settings
    largestMessage = (names.map(\.utf8.count).max() ?? 0) + 32
    var description = description
    description.schema = .protobuf(messageName: messageName, fields: Self.fields)
    description.maximumMessageByteCount = largestMessage
    self.description = description
    numbers = Array(repeating: 0, count: lines.count)
    levels = Array(repeating: 0, count: lines.count)
    edges = Array(repeating: cgpio_edge(), count: Int(CGPIO_MOST_EDGES))
    // libgpiod 2.x lets the kernel do it.
    let isOurs = cgpio_is_numbered() == 0 && settings.debounceMicroseconds > 0
    steadiness = isOurs ? Array(repeating: Steadiness(isActive: false), count: lines.count) : []
    watched = settings
    if isOurs { watched.edges = .both }
  }

  public func produce<Outlet: SourceOutlet & ~Copyable>(now: SampleTime, into outlet: inout Outlet) {
    let time = now.monotonicNanoseconds
    if request == nil {
      if let deadline, time < deadline { return }
      open(now, &outlet)
    }
    guard let request else { return }
    for _ in 0..<Self.mostReads {
      let count = request.read(&edges)
      if count == 0 { return rest(request, now, &outlet) }
      guard count > 0 else { return lose("read lines of", -count, time, &outlet) }
      hand(on: Int(count), now, &outlet)
    }
    deadline = time
  }

  /// Nothing more to read for now: settle what is steady, and see whether the chip is still there.
  private func rest<Outlet: SourceOutlet & ~Copyable>(
    _ request: LineRequest, _ now: SampleTime, _ outlet: inout Outlet
  ) {
    let time = now.monotonicNanoseconds
    settle(now, &outlet)
    if time >= checkAt {
      let result = request.levels(&levels)
      guard result >= 0 else { return lose("read lines of", -result, time, &outlet) }
      checkAt = time &+ Self.checkInterval
      // While a contact bounces the kernel may drop its last edges: the level is what counts.
      for line in steadiness.indices { steadiness[line].see(isActive: levels[line] != 0, at: time) }
    }
    deadline = steadiness.reduce(checkAt) { min($0, $1.due(after: debounce) ?? .max) }
  }

  private var debounce: UInt64 { UInt64(settings.debounceMicroseconds) * 1000 }

  private func open<Outlet: SourceOutlet & ~Copyable>(_ now: SampleTime, _ outlet: inout Outlet) {
    let time = now.monotonicNanoseconds
    do throws(LineTrouble) {
      let opened = try LineRequest(lines, chip: chip, watched)
      let result = opened.levels(&levels)
      guard result >= 0 else { throw .refused(doing: "read lines of", path: opened.chip, errno: -result) }
      request = opened
      descriptor = opened.descriptor
      checkAt = time &+ Self.checkInterval
    } catch {
      return fail(error.description, time, &outlet)
    }
    absence.end(&outlet)
    orders = levels.map { EdgeOrder(isActive: $0 != 0, areBothWatched: watched.edges == .both) }
    for line in steadiness.indices { steadiness[line] = Steadiness(isActive: levels[line] != 0) }
    guard var batch = batch(lines.count, &outlet) else { return }
    // Their time is that of before they were asked for: no edge that follows is older.
    for line in lines.indices { append(&batch, line, isActive: levels[line] != 0, .level, now) }
    send(batch, &outlet)
  }

  private func hand<Outlet: SourceOutlet & ~Copyable>(on count: Int, _ now: SampleTime, _ outlet: inout Outlet) {
    if steadiness.isEmpty, edges[0].sequence == 0, count >= Self.unnumberedQueue, Int(edges[0].line) < lines.count {
      outlet.report(
        .gap(
          count: 0,
          reason:
            "the kernel's queue of \(names[Int(edges[0].line)]) was full: edges may be missing, libgpiod 1.x does not number them"
        ))
    }
    guard steadiness.isEmpty else {
      for edge in edges[..<count] where Int(edge.line) < lines.count {
        // What was steady until this edge is told before it.
        if let settled = steadiness[Int(edge.line)].change(
          isActive: edge.is_rising != 0, at: edge.timestamp_ns, debounce)
        {
          hand(on: settled, of: Int(edge.line), now, &outlet)
        }
      }
      return
    }
    for edge in edges[..<count] where Int(edge.line) < lines.count { note(edge, &outlet) }
    guard var batch = batch(count, &outlet) else {
      for edge in edges[..<count] where Int(edge.line) < lines.count { numbers[Int(edge.line)] &+= 1 }
      return
    }
    for edge in edges[..<count] where Int(edge.line) < lines.count {
      let isRising = edge.is_rising != 0
      append(
        &batch, Int(edge.line), isActive: isRising, isRising ? .rising : .falling,
        time(of: edge, now))
    }
    send(batch, &outlet)
  }

  private func time(of edge: cgpio_edge, _ now: SampleTime) -> SampleTime {
    guard settings.isRealtime else { return now.moment(monotonic: edge.timestamp_ns) }
    var time = now.moment(monotonic: edge.timestamp_ns &- now.wallNanoseconds &+ now.monotonicNanoseconds)
    // Also where the clock was set meanwhile: this is what it said.
    time.wallNanoseconds = edge.timestamp_ns
    return time
  }

  /// Counts edges that were lost before this one.
  private func note<Outlet: SourceOutlet & ~Copyable>(_ edge: cgpio_edge, _ outlet: inout Outlet) {
    let line = Int(edge.line)
    let missing = orders[line].missing(before: edge.sequence, isRising: edge.is_rising != 0)
    guard missing > 0 else { return }
    numbers[line] &+= missing
    let reason =
      edge.sequence > 0
      ? "the kernel's queue of edges of \(names[line]) was full"
      : "at least one edge of \(names[line]) is missing between two of one direction"
    outlet.report(.gap(count: missing, reason: reason))
  }

  private func settle<Outlet: SourceOutlet & ~Copyable>(_ now: SampleTime, _ outlet: inout Outlet) {
    for line in steadiness.indices {
      guard let settled = steadiness[line].settle(now: now.monotonicNanoseconds, debounce) else { continue }
      hand(on: settled, of: line, now, &outlet)
    }
  }

  private func hand<Outlet: SourceOutlet & ~Copyable>(
    on level: Steadiness.Level, of line: Int, _ now: SampleTime, _ outlet: inout Outlet
  ) {
    let isWanted = settings.edges == .both || (settings.edges == .rising) == level.isActive
    guard isWanted, var batch = batch(1, &outlet) else { return }
    append(
      &batch, line, isActive: level.isActive, level.isActive ? .rising : .falling,
      now.moment(monotonic: level.since))
    send(batch, &outlet)
  }

  private func append(
    _ batch: inout SampleBatch, _ line: Int, isActive: Bool, _ event: Event, _ time: SampleTime
  ) {
    if event != .level { numbers[line] &+= 1 }
    let name = event.name
    // The lease is as large as its messages at their longest.
    _ = batch.append(at: time) { writer in
      writer.string(names[line], field: 1)
      writer.bool(isActive, field: 2)
      writer.bytes(RawSpan(_unsafeStart: name.utf8Start, byteCount: name.utf8CodeUnitCount), field: 3)
      writer.uint64(numbers[line], field: 4)
    }
  }

  private func batch<Outlet: SourceOutlet & ~Copyable>(_ count: Int, _ outlet: inout Outlet) -> SampleBatch? {
    guard let lease = outlet.lease(atLeast: count * (SampleBatch.headerByteCount + largestMessage + 7)) else {
      refused += UInt64(count)
      return nil
    }
    if refused > 0 {
      outlet.report(.gap(count: refused, reason: "no buffer was free"))
      refused = 0
    }
    return SampleBatch(lease)
  }

  private func send<Outlet: SourceOutlet & ~Copyable>(_ batch: consuming SampleBatch, _ outlet: inout Outlet) {
    // A refusal is counted by the outlet.
    _ = outlet.emit(.batch(batch.finish()))
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
