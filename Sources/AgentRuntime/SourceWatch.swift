import Glibc
import LinuxEvents
public import STTBoard
import STTBuffers
public import STTSample

/// One source of a configuration, run for somebody who looks at it: nothing is sent anywhere.
public final class SourceWatch {
  /// What a source told.
  public enum Sight {
    case message(stream: StreamDescription, time: SampleTime, fields: [DecodedField])
    /// Bytes that no schema explains.
    case bytes(stream: StreamDescription, time: SampleTime, [UInt8])
    case event(stream: StreamDescription, SourceEvent)
  }

  private let sources: [any SampleSource]
  private let layouts: [(types: [String: MessageLayout], layout: MessageLayout?)]
  private let signals: SignalDescriptor
  // Frames of 16 MiB are the largest; a watch shows how large, and keeps none.
  private let pool = BufferPool([
    SlabClass(byteCount: 512, count: 64), SlabClass(byteCount: 70_000, count: 16), SlabClass(byteCount: 16 << 20, count: 2),
  ])

  /// - Throws: ``SourceFailure`` when the source can't be had.
  public init(_ configuration: SourceConfiguration) throws {
    signals = try SignalDescriptor()
    sources = try SourceAssembly.sources(configuration)
    layouts = sources.map { source in
      let schema = source.description.schema
      guard schema.encoding == "protobuf" else { return ([:], nil) }
      let types = MessageLayout.all(in: schema.data)
      return (types, types[schema.name])
    }
  }

  public var streams: [StreamDescription] { sources.map(\.description) }

  /// Runs until SIGINT or SIGTERM, `end` (nanoseconds of the monotonic clock), or until `show` answers `false`.
  ///
  /// - Parameter show: what was seen since the last call, maybe nothing, at least every 100 ms.
  public func run(until end: UInt64, _ show: ([Sight]) -> Bool) throws {
    var poller = try Poller()
    let stopToken = UInt64.max
    try poller.add(signals.descriptor, .readable, token: stopToken)
    var watched = [CInt?](repeating: nil, count: sources.count)
    while Clocks.monotonic < end {
      var sights: [Sight] = []
      var next = min(end, Clocks.monotonic + 100_000_000)
      for (index, source) in sources.enumerated() {
        var outlet = WatchOutlet(pool: pool, stream: source.description, layout: layouts[index])
        let now = Clocks.monotonic
        if source.descriptor != nil || (source.deadline ?? .max) <= now {
          source.produce(now: SampleTime(monotonicNanoseconds: now, wallNanoseconds: Clocks.wall), into: &outlet)
        }
        sights += outlet.sights
        next = min(next, source.deadline ?? .max)
        if watched[index] != source.descriptor {
          if let old = watched[index] { poller.remove(old) }
          watched[index] = source.descriptor
          if let new = source.descriptor { try poller.add(new, .readable, token: UInt64(index)) }
        }
      }
      guard show(sights) else { return }
      try poller.wait(until: next)
      for index in 0..<poller.count where poller[index].token == stopToken {
        if signals.next() == .stop { return }
      }
    }
  }
}

private struct WatchOutlet: SourceOutlet, ~Copyable {
  let pool: BufferPool
  let stream: StreamDescription
  let layout: (types: [String: MessageLayout], layout: MessageLayout?)
  var sights: [SourceWatch.Sight] = []

  init(pool: BufferPool, stream: StreamDescription, layout: (types: [String: MessageLayout], layout: MessageLayout?)) {
    self.pool = pool
    self.stream = stream
    self.layout = layout
  }

  mutating func lease(atLeast byteCount: Int) -> Lease? { pool.lease(atLeast: byteCount) }

  mutating func emit(_ output: consuming SourceOutput, comesAgain: Bool) -> Bool {
    switch consume output {
    case .batch(let lease):
      var records = SampleBatchLayout()
      while let record = records.next(in: lease) {
        let bytes = lease.bytes.extracting(record.offset..<record.offset + record.byteCount)
        see(
          SampleTime(
            monotonicNanoseconds: UInt64(littleEndian: bytes.unsafeLoadUnaligned(as: UInt64.self)),
            wallNanoseconds: UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt64.self))),
          bytes.extracting(16..<bytes.byteCount))
      }
    case .frame(let time, let head, let body):
      guard let head else {
        see(time, body.bytes)
        return true
      }
      // The head ends in the body's length: what is shown of a picture is its description.
      var fields = layout.layout?.decode(head.bytes, types: layout.types) ?? []
      fields.append(DecodedField(name: "data", unit: "By", value: .bytes(count: body.count)))
      sights.append(.message(stream: stream, time: time, fields: fields))
    }
    return true
  }

  private mutating func see(_ time: SampleTime, _ bytes: RawSpan) {
    if let layout = layout.layout {
      sights.append(.message(stream: stream, time: time, fields: layout.decode(bytes, types: self.layout.types)))
    } else {
      sights.append(.bytes(stream: stream, time: time, bytes.withUnsafeBytes { Array($0.prefix(256)) }))
    }
  }

  mutating func report(_ event: SourceEvent) { sights.append(.event(stream: stream, event)) }
}
