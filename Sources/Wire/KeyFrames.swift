/// REKEY_OFFER: `X25519 32 | ML-KEM-768 public key 1184` (docs/protocol.md 2.11).
public struct RekeyOffer: Hashable, Sendable {
  public static let byteCount = 32 + ProofContent.kemPublicKeyByteCount

  public var ephemeral: [UInt8]
  public var kemPublicKey: [UInt8]

  public init(ephemeral: [UInt8], kemPublicKey: [UInt8]) {
    self.ephemeral = ephemeral
    self.kemPublicKey = kemPublicKey
  }

  public init(_ reader: inout ByteReader) throws(WireError) {
    ephemeral = try reader.array(32)
    kemPublicKey = try reader.array(ProofContent.kemPublicKeyByteCount)
    guard reader.left == 0 else { throw .trailingBytes }
  }

  public func write(_ writer: inout ByteWriter) {
    writer.bytes(ephemeral)
    writer.bytes(kemPublicKey)
  }
}

/// REKEY_ACCEPT: `X25519 32 | ML-KEM-768 ciphertext 1088` (docs/protocol.md 2.11).
public struct RekeyAccept: Hashable, Sendable {
  public static let byteCount = 32 + Final.kemCiphertextByteCount

  public var ephemeral: [UInt8]
  public var kemCiphertext: [UInt8]

  public init(ephemeral: [UInt8], kemCiphertext: [UInt8]) {
    self.ephemeral = ephemeral
    self.kemCiphertext = kemCiphertext
  }

  public init(_ reader: inout ByteReader) throws(WireError) {
    ephemeral = try reader.array(32)
    kemCiphertext = try reader.array(Final.kemCiphertextByteCount)
    guard reader.left == 0 else { throw .trailingBytes }
  }

  public func write(_ writer: inout ByteWriter) {
    writer.bytes(ephemeral)
    writer.bytes(kemCiphertext)
  }
}

/// IDENTITY: `algorithms u8 | key length u16 | key | signature` (docs/protocol.md 2.12).
public struct IdentityFrame: Hashable, Sendable {
  /// ML-DSA-65 and Ed25519 keys together are the longest there are.
  static let longestKey = 1952 + 32
  static let longestSignature = 3309 + 64

  /// Bit 0 Ed25519, bit 1 ML-DSA-65; both set means both must verify.
  public var algorithms: UInt8
  public var key: [UInt8]
  public var signature: [UInt8]

  public init(algorithms: UInt8, key: [UInt8], signature: [UInt8]) {
    self.algorithms = algorithms
    self.key = key
    self.signature = signature
  }

  public var bytes: [UInt8] {
    ByteWriter.array(capacity: 3 + key.count + signature.count) { write(&$0) }
  }

  public init(_ reader: inout ByteReader) throws(WireError) {
    algorithms = try reader.u8()
    guard algorithms >= 1, algorithms <= 3 else { throw .invalidValue }
    let keyByteCount = Int(try reader.u16())
    guard keyByteCount >= 32, keyByteCount <= Self.longestKey else { throw .invalidValue }
    key = try reader.array(keyByteCount)
    guard reader.left >= 64, reader.left <= Self.longestSignature else { throw .lengthMismatch }
    signature = try reader.array(reader.left)
  }

  public func write(_ writer: inout ByteWriter) {
    writer.u8(algorithms)
    writer.u16(UInt16(truncatingIfNeeded: key.count))
    writer.bytes(key)
    writer.bytes(signature)
  }
}

/// SEED_UPDATE: `phase u8 | epoch u32`, in phase 0 `| overlap_s u32 | seed 32`, in phase 2 `| reason u8`
/// (docs/protocol.md 2.13).
public enum SeedUpdate: Hashable, Sendable {
  /// The responder's: a seed that the next handshake proves.
  case offer(epoch: UInt32, overlapSeconds: UInt32, seed: [UInt8])
  /// The initiator has it on its disk.
  case stored(epoch: UInt32)
  case refused(epoch: UInt32, Refusal)

  /// Why an initiator does not take a seed.
  public enum Refusal: UInt8, Hashable, Sendable, CaseIterable {
    /// Its pair is kept where it can't write.
    case fixed = 1
    /// Writing failed.
    case notWritten = 2
    /// It has that epoch or a newer one, with another seed.
    case notNewer = 3
    /// No random generator makes such a seed.
    case weakSeed = 4
  }

  public static let seedByteCount = 32

  public var epoch: UInt32 {
    switch self {
    case .offer(let epoch, _, _), .stored(let epoch), .refused(let epoch, _): epoch
    }
  }

  public var bytes: [UInt8] {
    ByteWriter.array(capacity: 9 + Self.seedByteCount) { write(&$0) }
  }

  public init(_ reader: inout ByteReader) throws(WireError) {
    let phase = try reader.u8()
    let epoch = try reader.u32()
    guard epoch >= 1 else { throw .invalidValue }
    switch phase {
    case 0: self = .offer(epoch: epoch, overlapSeconds: try reader.u32(), seed: try reader.array(Self.seedByteCount))
    case 1: self = .stored(epoch: epoch)
    case 2:
      guard let refusal = Refusal(rawValue: try reader.u8()) else { throw .invalidValue }
      self = .refused(epoch: epoch, refusal)
    default: throw .invalidValue
    }
    guard reader.left == 0 else { throw .trailingBytes }
  }

  public func write(_ writer: inout ByteWriter) {
    switch self {
    case .offer(let epoch, let overlapSeconds, let seed):
      writer.u8(0)
      writer.u32(epoch)
      writer.u32(overlapSeconds)
      writer.bytes(seed)
    case .stored(let epoch):
      writer.u8(1)
      writer.u32(epoch)
    case .refused(let epoch, let refusal):
      writer.u8(2)
      writer.u32(epoch)
      writer.u8(refusal.rawValue)
    }
  }
}
