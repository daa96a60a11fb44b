public import STC
public import STTRecord

/// Keys a reader has. Each is tried where a segment has a slot for it.
public struct KeySources {
  /// The keys of a day, from every keystore given.
  public var days: (String) -> [SlotKey]
  public var seeds: [SlotKey]
  public var recipients: [RecipientKey]
  /// Keys of collectors themselves, 32 bytes each.
  public var collectors: [[UInt8]]

  public init(
    days: @escaping (String) -> [SlotKey] = { _ in [] }, seeds: [SlotKey] = [], recipients: [RecipientKey] = [],
    collectors: [[UInt8]] = []
  ) {
    self.days = days
    self.seeds = seeds
    self.recipients = recipients
    self.collectors = collectors
  }
}

/// Opens one segment with the keys there are, and walks its chain with or without any.
public final class SegmentUnsealer: SegmentOpener {
  private let sources: KeySources
  private var key: SegmentKey?
  private var engine: BatchEngine?
  private var positions: [PositionKey] = []
  private var chain: ChainKey?
  private var running = RunningDigest()
  private let anchors: AnchorCheck?

  public init(_ sources: KeySources, anchors: AnchorCheck? = nil) {
    self.sources = sources
    self.anchors = anchors
  }

  public func reached(_ head: [UInt8]) { anchors?.reached(head) }

  public var hashes: Bool { true }

  public func begin(_ note: SealNote) -> Bool {
    positions = sources.collectors.map { PositionKey(bytes: $0, segment: note.segment) }
    for (name, value) in note.entries where name.hasPrefix("slot ") {
      guard let bytes = Digits.bytes(value) else { continue }
      take(name.dropFirst(5), bytes, note.segment)
    }
    guard let key, let suite = Self.suites[note.entries["suite"] ?? ""] else { return false }
    engine = BatchEngine(suite: suite, key: key.batches)
    return true
  }

  private static let suites: [String: Suite] = ["aes-256-gcm": .aes256GCM, "chacha20-poly1305": .chaCha20Poly1305]

  private func take(_ slot: Substring, _ bytes: [UInt8], _ segment: [UInt8]) {
    if slot.hasPrefix("day ") {
      unwrap(sources.days(String(slot.dropFirst(4))), bytes, segment, "day")
    } else if slot.hasPrefix("seed ") {
      unwrap(sources.seeds, bytes, segment, "seed")
    } else if slot.hasPrefix("recipient ") {
      for recipient in sources.recipients where slot.hasSuffix(Digits.text(recipient.publicKey.identifier)) {
        guard let opened = recipient.unwrap(bytes, segment: segment) else { continue }
        key = opened.key
        chain = ChainKey(opened.chain)
      }
    }
  }

  private func unwrap(_ keys: [SlotKey], _ bytes: [UInt8], _ segment: [UInt8], _ slot: String) {
    for candidate in keys where bytes.starts(with: candidate.identifier) {
      key = key ?? candidate.unwrap(Array(bytes.dropFirst(16)), segment: segment, slot: slot)
    }
  }

  public func open(_ text: UnsafeMutableRawBufferPointer, number: UInt64, additional: [UInt8]) -> Bool {
    engine?.open(text, number, additional) ?? false
  }

  public func openPositions(_ sealed: [UInt8]) -> [UInt8]? {
    for key in positions {
      if let opened = key.open(sealed) { return opened }
    }
    return nil
  }

  public func absorb(_ bytes: UnsafeRawBufferPointer) { running.update(RawSpan(_unsafeBytes: bytes)) }

  public func digest() -> [UInt8] {
    defer { running = RunningDigest() }
    return running.value
  }

  public func hash(_ bytes: [UInt8]) -> [UInt8] { STC.digest(bytes) }

  public func attests(_ seal: [UInt8], _ code: [UInt8]) -> Bool? {
    guard let expected = chain?.attest(seal) else { return nil }
    return equalInConstantTime(expected, code)
  }

  public func isEnding(_ code: [UInt8], _ head: [UInt8]) -> Bool? {
    key.map { equalInConstantTime($0.ending(head), code) }
  }

  public func isRecovery(_ code: [UInt8], _ head: [UInt8]) -> Bool? {
    positions.isEmpty ? nil : positions.contains { equalInConstantTime($0.recovery(head), code) }
  }
}

/// A noncopyable engine in a place of its own.
private final class BatchEngine {
  private let engine: InPlaceEngine

  init(suite: Suite, key: Secret) { engine = InPlaceEngine(suite: suite, key: key) }

  func open(_ text: UnsafeMutableRawBufferPointer, _ number: UInt64, _ additional: [UInt8]) -> Bool {
    guard text.count >= 16 else { return false }
    return batchNonce(number).withUnsafeBytes { nonce in
      additional.withUnsafeBytes { additional in
        guard let nonce = nonce.baseAddress else { return false }
        return engine.open(
          unsafe: UnsafeMutableRawBufferPointer(rebasing: text[..<(text.count - 16)]), nonce: nonce,
          additional: additional)
      }
    }
  }
}
