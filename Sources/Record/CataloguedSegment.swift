/// What the catalogue holds of one segment: only what its file shows to whoever has no key.
///
/// Counts and nanoseconds are SQLite's 64-bit integers; what a file claims beyond that is cut.
public struct CataloguedSegment: Hashable, Sendable {
  public enum State: String, Hashable, Sendable {
    case finished
    /// Ended by recovery after a crash.
    case recovered
    /// Being recorded, or cut by a crash that no collector has mended yet.
    case unfinished
    /// No MCAP file, or its summary can't be read.
    case damaged
  }

  public var name: String
  public var byteCount: Int64
  public var state: State
  /// `nil` for a plain segment.
  public var seal: CataloguedSeal?
  /// When the first and last messages were received, nanoseconds since 1970; `nil` where there are none or the
  /// file has no summary yet.
  public var firstTime: Int64?
  public var lastTime: Int64?
  /// `nil` where the file doesn't say: sealed, or without a summary.
  public var messageCount: Int64?
  public var chunkCount: Int64 = 0
  /// CRC-32 of everything before the data's end; `nil` where the file has none.
  public var checksum: Int64?
  /// Empty in a sealed segment.
  public var streams: [CataloguedStream] = []
  public var gaps: [CataloguedGap] = []

  public init(name: String, byteCount: Int64, state: State) {
    self.name = name
    self.byteCount = byteCount
    self.state = state
  }

  /// Its running number in the folder.
  public var number: Int64 {
    let digits = name.dropLast(5).reversed().prefix { $0 != "-" }
    return Int64(String(digits.reversed())) ?? 0
  }
}

/// A sealed segment's place in the chain, and whose keys open it.
public struct CataloguedSeal: Hashable, Sendable {
  /// 32 hexadecimal digits, and 64 each for the chain's heads before it and after it; `nil` until it is closed.
  public var segment: String
  public var previousHead: String
  public var head: String?
  public var sealCount: Int64?
  /// Such as `day 2026-11-23, seed epoch 1`.
  public var slots: String

  public init(segment: String, previousHead: String, head: String?, sealCount: Int64?, slots: String) {
    self.segment = segment
    self.previousHead = previousHead
    self.head = head
    self.sealCount = sealCount
    self.slots = slots
  }
}

/// A stream's part of a plain segment.
public struct CataloguedStream: Hashable, Sendable {
  public var channel: Int64
  public var topic: String
  public var schema = ""
  public var uid = ""
  public var incarnation = ""
  public var delivery = ""
  public var durability = ""
  public var messageCount: Int64 = 0
  /// Number of its first message here, and one past its last; `nil` where the file has no numbers.
  public var firstNumber: Int64?
  public var endNumber: Int64?
  /// Nanoseconds since 1970: where the first chunk that has the stream begins and the last one ends, at most a
  /// chunk's age (a second unless configured) beside its own first and last message.
  public var firstTime: Int64?
  public var lastTime: Int64?

  public init(channel: Int64, topic: String) {
    self.channel = channel
    self.topic = topic
  }

  /// Numbers between its first and last message that are not there.
  public var missingCount: Int64 {
    guard let firstNumber, let endNumber else { return 0 }
    let (span, overflow) = endNumber.subtractingReportingOverflow(firstNumber)
    return overflow ? 0 : max(0, span - messageCount)
  }
}

/// A time in which nothing of a stream was received; in a sealed segment, nothing at all.
public struct CataloguedGap: Hashable, Sendable {
  /// Empty for a sealed segment.
  public var topic: String
  /// Nanoseconds since 1970.
  public var begin: Int64
  public var end: Int64

  public init(topic: String, begin: Int64, end: Int64) {
    self.topic = topic
    self.begin = begin
    self.end = end
  }
}

/// A folder of segments: one device's streams of one purpose.
public struct CataloguedFolder: Hashable, Sendable {
  public var device: String
  public var purpose: String
  /// Running number of the last segment that was removed to keep to limits; 0 where none was.
  public var removedThrough: Int64 = 0
  /// By running number.
  public var segments: [CataloguedSegment] = []
  public var setAside: [SetAsideFile] = []

  public init(device: String, purpose: String) {
    self.device = device
    self.purpose = purpose
  }

  public var name: String { "\(device)/\(purpose)" }
}

/// Bytes that recovery took out of a segment, or a whole file that was none.
public struct SetAsideFile: Hashable, Sendable {
  public var name: String
  public var byteCount: Int64

  public init(name: String, byteCount: Int64) {
    self.name = name
    self.byteCount = byteCount
  }
}

extension String {
  /// Names come from devices: control characters, which end a text in SQLite or move a terminal's cursor, are replaced.
  var withoutControls: String {
    guard unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return self }
    var shown = ""
    for scalar in unicodeScalars {
      shown.unicodeScalars.append(scalar.properties.generalCategory == .control ? "\u{FFFD}" : scalar)
    }
    return shown
  }
}
