/// Keeps a segment's content secret and makes a chain of it. Supplied by whoever links a cryptographic
/// library and has keys.
public protocol SegmentSealer {
  /// The segment's 16 random bytes.
  var segment: [UInt8] { get }
  /// What the segment's first record says: who may open it.
  var note: [String: String] { get }
  /// Head of the chain of the segment before, 32 bytes; zeros for the first.
  var previousHead: [UInt8] { get }
  /// Encrypts `text` where it lies and writes 16 bytes of tag behind it; there is room for them.
  mutating func seal(_ text: UnsafeMutableRawBufferPointer, number: UInt64, additional: [UInt8])
  /// Seals what only the collector has to read.
  mutating func sealPositions(_ positions: [UInt8]) -> [UInt8]
  /// SHA-256 of everything given to ``absorb(_:)`` since the last call.
  mutating func digest() -> [UInt8]
  mutating func absorb(_ bytes: UnsafeRawBufferPointer)
  /// SHA-256.
  func hash(_ bytes: [UInt8]) -> [UInt8]
  /// 32 bytes over `seal` under a key that is then replaced; zeros where nobody could verify it.
  mutating func attest(_ seal: [UInt8]) -> [UInt8]
  /// 32 bytes that say the segment was closed at `head` by who held its key.
  func ending(_ head: [UInt8]) -> [UInt8]
}

/// Leaves a segment plain.
public struct NoSealer: SegmentSealer {
  public var segment: [UInt8] { [] }
  public var note: [String: String] { [:] }
  public var previousHead: [UInt8] { [] }
  public func seal(_ text: UnsafeMutableRawBufferPointer, number: UInt64, additional: [UInt8]) {}
  public func sealPositions(_ positions: [UInt8]) -> [UInt8] { [] }
  public func digest() -> [UInt8] { [] }
  public func absorb(_ bytes: UnsafeRawBufferPointer) {}
  public func hash(_ bytes: [UInt8]) -> [UInt8] { [] }
  public func attest(_ seal: [UInt8]) -> [UInt8] { [] }
  public func ending(_ head: [UInt8]) -> [UInt8] { [] }
}

/// Opens what a ``SegmentSealer`` sealed, as far as its keys reach.
public protocol SegmentOpener {
  /// Whether it can hash: without, a chain can't be walked.
  var hashes: Bool { get }
  /// Begins a segment with what its first record says; whether its batches can be opened.
  mutating func begin(_ note: SealNote) -> Bool
  /// Decrypts `text`, whose last 16 bytes are the tag, where it lies; `false`: not authentic.
  mutating func open(_ text: UnsafeMutableRawBufferPointer, number: UInt64, additional: [UInt8]) -> Bool
  /// `nil` without the collector's key, or when they are not authentic.
  mutating func openPositions(_ sealed: [UInt8]) -> [UInt8]?
  mutating func digest() -> [UInt8]
  mutating func absorb(_ bytes: UnsafeRawBufferPointer)
  func hash(_ bytes: [UInt8]) -> [UInt8]
  /// The chain is whole up to this head.
  mutating func reached(_ head: [UInt8])
  /// Whether a seal's code is right; `nil` without the chain's first key.
  mutating func attests(_ seal: [UInt8], _ code: [UInt8]) -> Bool?
  /// Whether the one who closed the segment held its key; `nil` without it.
  func isEnding(_ code: [UInt8], _ head: [UInt8]) -> Bool?
  /// Whether the collector ended it after a crash; `nil` without the collector's key.
  func isRecovery(_ code: [UInt8], _ head: [UInt8]) -> Bool?
}

extension SegmentOpener {
  public func reached(_ head: [UInt8]) {}
}

/// Opens nothing: sealed batches stay closed and chains are not walked.
public struct NoOpener: SegmentOpener {
  public init() {}
  public var hashes: Bool { false }
  public func begin(_ note: SealNote) -> Bool { false }
  public func open(_ text: UnsafeMutableRawBufferPointer, number: UInt64, additional: [UInt8]) -> Bool { false }
  public func openPositions(_ sealed: [UInt8]) -> [UInt8]? { nil }
  public func digest() -> [UInt8] { [] }
  public func absorb(_ bytes: UnsafeRawBufferPointer) {}
  public func hash(_ bytes: [UInt8]) -> [UInt8] { [] }
  public func attests(_ seal: [UInt8], _ code: [UInt8]) -> Bool? { nil }
  public func isEnding(_ code: [UInt8], _ head: [UInt8]) -> Bool? { nil }
  public func isRecovery(_ code: [UInt8], _ head: [UInt8]) -> Bool? { nil }
}

/// What a sealed segment's first record says.
public struct SealNote: Hashable, Sendable {
  public static let name = "stt.seal"
  public static let chainName = "stt.chain"
  public static let positionsName = "stt.positions"
  public static let recoveryName = "stt.recovery"
  /// In the note of a recovery: the file, in the same folder, that has the bytes cut off.
  public static let setAsideKey = "set_aside"

  /// 16 bytes.
  public var segment: [UInt8]
  /// 32 bytes; zeros for the first of its folder.
  public var previousHead: [UInt8]
  public var entries: [String: String]

  /// `nil` unless the entries have what every such record has.
  public init?(_ entries: [String: String]) {
    guard entries["version"] == "1", let segment = entries["segment"].flatMap({ Digits.bytes($0) }), segment.count == 16,
      let head = entries["previous"].flatMap({ Digits.bytes($0) }), head.count == 32
    else { return nil }
    self.segment = segment
    previousHead = head
    self.entries = entries
  }

  /// The slots' names, such as `day 2026-11-23`, for people.
  public var slots: [String] {
    entries.keys.filter { $0.hasPrefix("slot ") }.map { String($0.dropFirst(5)) }.sorted()
  }
}

/// Hexadecimal digits, in which metadata carries bytes.
public enum Digits {
  public static func text(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  public static func bytes(_ text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count.isMultiple(of: 2) else { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(digits.count / 2)
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = value(digits[index]), let low = value(digits[index + 1]) else { return nil }
      result.append(high << 4 | low)
    }
    return result
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}
