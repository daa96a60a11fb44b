import STTRecord
import STTRecorder
import STTSample

/// A recorder that is fed and killed as a seed says, and asked again for everything it promised.
public final class TrialRun {
  /// Two devices, with streams of each durability.
  static let streams: [RecordedStream] = [
    stream(0, "a", "fast", .durable), stream(1, "a", "slow", .periodic), stream(2, "b", "other", .durable),
    stream(3, "b", "rough", .volatile),
  ]

  private static func stream(
    _ index: Int, _ device: String, _ name: String, _ durability: RecordedStream.Durability
  ) -> RecordedStream {
    RecordedStream(
      device: device, name: name, uid: String(repeating: "\(index)", count: 32), incarnation: 4, purpose: "main",
      schema: .opaque, delivery: "reliable", durability: durability)
  }

  private var settings = RecorderSettings(
    segmentByteCount: 6000, chunkByteCount: 1000, chunkAge: 300_000_000, syncInterval: 100_000_000,
    periodicInterval: 1_000_000_000, compresses: false, reserveByteCount: 0)
  private static let millisecond: UInt64 = 1_000_000
  private static let wall: UInt64 = 1_790_000_000_000_000_000

  let root: String
  let keys: TrialKeys
  private let disk: any Disk
  private var recorder: Recorder?
  private var random: Dice
  private(set) var now: UInt64 = 1_000_000_000
  /// By stream: the next message, and how far it was promised to be on the disk.
  private(set) var positions = streams.map { _ in UInt64(0) }
  private(set) var durable = streams.map { _ in UInt64(0) }
  /// Told of every promise.
  var promised: (_ stream: Int, _ below: UInt64) -> Void = { _, _ in }

  /// - Parameter retains: removes old segments beyond a few.
  init(root: String, keys: TrialKeys, disk: any Disk, seed: UInt64, retains: Bool = false) {
    self.root = root
    // Device "a" has a rule of its own.
    if retains {
      settings.segmentByteCount = 1200
      settings.retention = RetentionPolicy(
        byteCount: 7000, rules: [RetentionRule(purpose: "main", device: "a", byteCount: 4000, dropsOldest: false)])
    }
    self.keys = keys
    self.disk = disk
    random = Dice(seed: seed)
  }

  /// What message `number` of `stream` holds.
  static func payload(_ stream: Int, _ number: UInt64) -> [UInt8] {
    var dice = Dice(seed: number << 8 | UInt64(stream))
    return (0..<24 + dice.below(150)).map { _ in UInt8(truncatingIfNeeded: dice.next()) & 0x3F }
  }

  /// Starts a recorder on what is there; it must know everything that was promised.
  func start(attempts: Int = 1) throws {
    var failures = 0
    while recorder == nil {
      do {
        recorder = try Recorder(root: root, settings: settings, keys: keys.recording, disk: disk)
      } catch {
        failures += 1
        guard failures < attempts else { throw TrialFailure("the store does not open: \(error)") }
      }
    }
    guard let recorder else { return }
    for (token, stream) in Self.streams.enumerated() {
      let found = recorder.positions.first { $0.device == stream.device && $0.uid == stream.uid }?.position ?? 0
      guard found >= durable[token] else {
        throw TrialFailure("\(stream.name): \(durable[token]) messages were promised, \(found) are there")
      }
      positions[token] = found
      recorder.open(stream, token: token, position: found)
    }
  }

  /// As kill -9 does: what the kernel has, it keeps.
  func kill() { recorder = nil }

  /// Takes `count` steps of a few messages each.
  func feed(steps: Int) throws {
    for _ in 0..<steps {
      for _ in 0..<(1 + random.below(4)) { try send(random.below(8) < 5 ? 0 : 1 + random.below(3)) }
      now += 20 * Self.millisecond
      tick()
    }
  }

  /// One message, until the disk takes it.
  private func send(_ stream: Int) throws {
    let payload = Self.payload(stream, positions[stream])
    for _ in 0..<64 {
      let number = positions[stream]
      let isTaken = payload.withUnsafeBytes {
        recorder?.append(
          token: stream, number: number, deviceTime: SampleTime(monotonicNanoseconds: now, wallNanoseconds: now),
          publishTime: Self.wall + now, received: Self.wall + now, first: $0, now: now)
      }
      if isTaken == true {
        positions[stream] += 1
        return
      }
      now += 1100 * Self.millisecond
      tick()
    }
    throw TrialFailure("the recorder does not go on though the disk works again: \(recorder?.trouble?.description ?? "")")
  }

  func tick() {
    var marks: [(Int, UInt64)] = []
    _ = recorder?.tick(now: now, wall: Self.wall + now) { marks.append(($0, $1)) }
    take(marks)
  }

  /// Ends every segment, as a collector that is told to stop.
  func close() {
    var marks: [(Int, UInt64)] = []
    recorder?.close(now: now) { marks.append(($0, $1)) }
    take(marks)
    recorder = nil
  }

  private func take(_ marks: [(Int, UInt64)]) {
    for (stream, below) in marks where below > durable[stream] {
      durable[stream] = below
      promised(stream, below)
    }
  }

  /// What an earlier recorder promised of the same store.
  func promise(_ durable: [UInt64]) { self.durable = durable }

  /// Reads everything back: every segment intact and in its chain, every message once, in order, as it was sent.
  func check() throws {
    var next = Self.streams.map { _ in UInt64(0) }
    var isBegun = Self.streams.map { _ in false }
    for device in ["a", "b"] {
      let folder = "\(root)/\(device)/main"
      let names = TrialDirectory.entries(folder).filter { $0.hasSuffix(".mcap") }.sorted { $0.suffix(11) < $1.suffix(11) }
      let removed = RemovedSegments(in: folder)
      try checkRemoved(removed, names, device)
      var chain = SegmentChainCheck(isFolder: true, removed: removed)
      var missing: [String] = []
      for name in names {
        var flaw: String?
        let report = try SegmentVerifier.verify(
          try FileSource("\(folder)/\(name)"), decompressor: Zstandard(), opener: SegmentUnsealer(keys.sources),
          message: { message, channel in
            guard let token = Self.streams.firstIndex(where: { $0.uid == channel.metadata["stt.stream_uid"] }) else {
              return
            }
            let number = message.identity.number
            // Where segments were removed, a stream begins in the middle.
            if removed != nil, !isBegun[token] { next[token] = number }
            isBegun[token] = true
            if number != next[token] { flaw = flaw ?? "message \(number) of \(channel.topic) where \(next[token]) belongs" }
            if message.payload.withUnsafeBytes({ !$0.elementsEqual(Self.payload(token, number)) }) {
              flaw = flaw ?? "message \(number) of \(channel.topic) is not what was sent"
            }
            next[token] = number + 1
          })
        guard report.verdict == .intact, flaw == nil else {
          throw TrialFailure("\(device)/\(name): \(flaw ?? "\(report.verdict): \(report.damage?.description ?? "")")")
        }
        chain.take(name, report, &missing)
      }
      chain.finish(folder, keys.heads["\(device)/main"], &missing)
      if let first = missing.first { throw TrialFailure(first) }
    }
    for (token, stream) in Self.streams.enumerated() where next[token] != positions[token] {
      if !isBegun[token], RemovedSegments(in: "\(root)/\(stream.device)/main") != nil { continue }
      throw TrialFailure("\(stream.name): \(positions[token]) messages were taken, \(next[token]) are there")
    }
  }

  /// Segments are gone as the note says, from the beginning on and no further, and only where that was asked for.
  private func checkRemoved(_ removed: RemovedSegments?, _ names: [String], _ device: String) throws {
    guard let removed else { return }
    guard settings.retention.byteCount != nil else {
      throw TrialFailure("\(device): segments were removed, which nobody asked for")
    }
    guard let first = names.first else { throw TrialFailure("\(device): every segment was removed") }
    func number(_ name: String) -> Int { Int(name.dropLast(5).suffix(6)) ?? 0 }
    // The last one may still be there: its removal was interrupted. Messages that are missing behind it are found later.
    guard number(first) >= number(removed.through) else {
      throw TrialFailure("\(device): \(removed.through) was removed last, and \(first) is there")
    }
  }
}
