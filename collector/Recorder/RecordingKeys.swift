import Glibc
public import STC
import STTRecord

/// Who may open what is recorded from now on, and the collector's own key.
public struct RecordingKeys {
  /// What batches are sealed with.
  public var suite: Suite
  /// `false` records plain files; what was sealed before is still recovered.
  public var seals: Bool
  /// A device's seed epoch in force and its key; `nil` where seeds shall not open recordings.
  public var seed: (_ device: String) -> (epoch: UInt32, key: SlotKey)?
  public var recipients: [RecipientPublicKey]
  /// The key of a day such as `2026-11-23`, made when there is none; `nil` where days have none.
  public var day: ((String) throws(RecorderError) -> SlotKey)?
  /// 32 bytes: opens positions, and no message.
  public var collector: () throws(RecorderError) -> [UInt8]
  /// Keeps the newest segment of a folder and its chain's head, so that its loss is noticed.
  public var remember: (_ folder: String, ChainHead) throws(RecorderError) -> Void

  public init(
    suite: Suite, seals: Bool, seed: @escaping (_ device: String) -> (epoch: UInt32, key: SlotKey)?,
    recipients: [RecipientPublicKey],
    day: ((String) throws(RecorderError) -> SlotKey)?, collector: @escaping () throws(RecorderError) -> [UInt8],
    remember: @escaping (_ folder: String, ChainHead) throws(RecorderError) -> Void
  ) {
    self.suite = suite
    self.seals = seals
    self.seed = seed
    self.recipients = recipients
    self.day = day
    self.collector = collector
    self.remember = remember
  }

  /// Everything a new segment needs. Blocks on the files of keys.
  func seal(device: String, wall: UInt64, previous: [UInt8]) throws(RecorderError) -> SegmentSeal {
    let segment = try Self.random(16)
    let key = SegmentKey(Secret(bytes: try Self.random(SegmentKey.byteCount)), segment: segment)
    let chain = recipients.isEmpty ? nil : Secret(bytes: try Self.random(32))
    var note = [
      "version": "1", "segment": Digits.text(segment), "previous": Digits.text(previous),
      "suite": suite == .aes256GCM ? "aes-256-gcm" : "chacha20-poly1305", "attested": chain == nil ? "no" : "yes",
    ]
    if let day {
      let name = RecordingFolder.day(wall: wall)
      let slot = try day(name)
      note["slot day \(name)"] = Digits.text(slot.identifier + slot.wrap(key, slot: "day"))
    }
    if let (epoch, slot) = seed(device) {
      note["slot seed epoch \(epoch)"] = Digits.text(slot.identifier + slot.wrap(key, slot: "seed"))
    }
    for recipient in recipients {
      guard let chain, let wrapped = recipient.wrap(key, chain: chain) else {
        throw RecorderError(doing: "seal to a recipient in", path: device, number: EIO)
      }
      note["slot recipient \(Digits.text(recipient.identifier))"] = Digits.text(wrapped)
    }
    return SegmentSeal(
      key: key, suite: suite, note: note, previousHead: previous,
      positions: PositionKey(bytes: try collector(), segment: segment), chain: chain)
  }

  static func random(_ count: Int) throws(RecorderError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    guard getentropy(&bytes, count) == 0 else {
      throw RecorderError(doing: "draw random bytes from", path: "the kernel", number: errno)
    }
    return bytes
  }
}

/// The newest segment of a folder.
public struct ChainHead: Hashable, Sendable {
  /// 16 bytes.
  public var segment: [UInt8]
  /// The chain's head when it was closed, 32 bytes; `nil` while it is being written.
  public var head: [UInt8]?

  public init(segment: [UInt8], head: [UInt8]?) {
    self.segment = segment
    self.head = head
  }

  /// As ``text`` has it.
  public init?(text: String) {
    let words = text.split { $0 == " " || $0 == "\n" }
    guard words.count == 2, let segment = Digits.bytes(String(words[0])), segment.count == 16 else { return nil }
    let head = Digits.bytes(String(words[1]))
    guard words[1] == "open" || head?.count == 32 else { return nil }
    self.init(segment: segment, head: words[1] == "open" ? nil : head)
  }

  /// One line: the segment, and its head or `open`.
  public var text: String { "\(Digits.text(segment)) \(head.map { Digits.text($0) } ?? "open")\n" }
}
