/// HELLO, the initiator's first message (docs/protocol.md 2.5).
///
/// `0 version | 1 modes | 2 suites u16 | 4 max_udp u16 | 6 0 u16 | 8 nonce 32 | 40 X25519 32 |
/// 72 key hint 16 | 88 sealed 48 | 136 zero padding | retry token 32 | mac1 16`.
public struct Hello: Hashable, Sendable {
  public static let handshakeVersion: UInt8 = 1
  /// Padded so that no answer is larger than the question: RESPONSE's own size.
  public static let payloadByteCount = 412
  /// Bytes the transcript and ``sealed``'s neighbours see: all before the retry token.
  public static let transcriptByteCount = payloadByteCount - 48
  /// Bytes before ``sealed``, its additional data.
  public static let sealedOffset = 88
  static let sealedByteCount = 48

  public var modes: UInt8
  public var suites: UInt16
  public var maximumDatagram: UInt16
  public var nonce: [UInt8]
  public var ephemeral: [UInt8]
  public var keyHint: [UInt8]
  public var sealed: [UInt8]
  public var retryToken: [UInt8]
  public var mac1: [UInt8]

  public init(
    modes: UInt8, suites: UInt16, maximumDatagram: UInt16, nonce: [UInt8], ephemeral: [UInt8], keyHint: [UInt8],
    sealed: [UInt8] = [UInt8](repeating: 0, count: 48), retryToken: [UInt8] = [UInt8](repeating: 0, count: 32),
    mac1: [UInt8] = [UInt8](repeating: 0, count: 16)
  ) {
    self.modes = modes
    self.suites = suites
    self.maximumDatagram = maximumDatagram
    self.nonce = nonce
    self.ephemeral = ephemeral
    self.keyHint = keyHint
    self.sealed = sealed
    self.retryToken = retryToken
    self.mac1 = mac1
  }

  public init(payload: [UInt8]) throws(WireError) {
    guard payload.count == Self.payloadByteCount else { throw .lengthMismatch }
    var reader = ByteReader(payload.span.bytes)
    let version = try reader.u8()
    guard version == Self.handshakeVersion else { throw .unknownVersion(version) }
    modes = try reader.u8()
    suites = try reader.u16()
    maximumDatagram = try reader.u16()
    guard try reader.u16() == 0 else { throw .reservedNotZero }
    nonce = try reader.array(32)
    ephemeral = try reader.array(32)
    keyHint = try reader.array(16)
    sealed = try reader.array(Self.sealedByteCount)
    let padding = try reader.array(reader.left - 48)
    guard padding.allSatisfy({ $0 == 0 }) else { throw .reservedNotZero }
    retryToken = try reader.array(32)
    mac1 = try reader.array(16)
  }

  /// The payload, at its usual size.
  public var payload: [UInt8] {
    ByteWriter.array(capacity: Self.payloadByteCount) { writer in
      writer.u8(Self.handshakeVersion)
      writer.u8(modes)
      writer.u16(suites)
      writer.u16(maximumDatagram)
      writer.u16(0)
      writer.bytes(nonce)
      writer.bytes(ephemeral)
      writer.bytes(keyHint)
      writer.bytes(sealed)
      writer.zeros(Self.payloadByteCount - 48 - writer.count)
      writer.bytes(retryToken)
      writer.bytes(mac1)
    }
  }
}

/// What HELLO's `sealed` part hides (docs/protocol.md 2.5).
public struct HelloSecret: Hashable, Sendable {
  static let byteCount = 32

  /// The device's handshake counter: fresh for every attempt, never reused.
  public var counter: UInt64
  /// Changes with every start of the machine.
  public var bootID: UInt64
  /// Milliseconds since 1970 by the device's clock. Advice for logs, never a decision.
  public var wallMilliseconds: UInt64
  public var capabilities: UInt64

  public init(counter: UInt64, bootID: UInt64, wallMilliseconds: UInt64, capabilities: UInt64) {
    self.counter = counter
    self.bootID = bootID
    self.wallMilliseconds = wallMilliseconds
    self.capabilities = capabilities
  }

  public init(bytes: [UInt8]) throws(WireError) {
    guard bytes.count == Self.byteCount else { throw .lengthMismatch }
    var reader = ByteReader(bytes.span.bytes)
    counter = try reader.u64()
    bootID = try reader.u64()
    wallMilliseconds = try reader.u64()
    capabilities = try reader.u64()
  }

  public var bytes: [UInt8] {
    ByteWriter.array(capacity: Self.byteCount) { writer in
      writer.u64(counter)
      writer.u64(bootID)
      writer.u64(wallMilliseconds)
      writer.u64(capabilities)
    }
  }
}
