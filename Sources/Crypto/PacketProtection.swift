public import STTWire

/// Seals one direction's packets (docs/protocol.md 2.3, 2.11).
///
/// It alone counts packets: a number is taken, used once and never comes back, so no key meets the
/// same nonce twice.
public struct PacketSealer<Engine: SealingEngine & ~Copyable>: ~Copyable {
  @usableFromInline var engine: Engine
  @usableFromInline var iv: NonceBase
  private var secret: TrafficSecret
  private let suite: Suite
  @usableFromInline var count: UInt64 = 0
  @usableFromInline var packets: UInt64 = 0
  @usableFromInline var bytes: UInt64 = 0
  @usableFromInline var step: UInt8 = 0
  @usableFromInline var checksum = HeaderChecksum()
  /// The number the next packet gets.
  @inlinable public var nextPacketNumber: UInt64 { count }
  /// Packets sealed under the present key.
  @inlinable public var packetsUnderKey: UInt64 { packets }
  /// Payload bytes sealed under the present key.
  @inlinable public var bytesUnderKey: UInt64 { bytes }
  /// Modulo 4, as the header carries it.
  @inlinable public var epoch: UInt8 { step }

  public init(_ secret: TrafficSecret, suite: Suite) {
    engine = Engine(suite: suite, key: secret.key)
    iv = NonceBase(secret.iv)
    self.secret = secret
    self.suite = suite
  }

  /// Seals a datagram whose header and packet number get written here: `datagram` is the whole of
  /// it, `prefix` bytes of plaintext already lie at offset 32, and `body` follows them.
  ///
  /// - Returns: the packet number.
  @inlinable public mutating func seal(
    unsafe datagram: UnsafeMutableRawBufferPointer, header: FrameHeader, prefix: Int, body: UnsafeRawBufferPointer
  ) -> UInt64 {
    precondition(
      datagram.count == SealedDatagram.overheadByteCount + prefix + body.count
        && Int(header.payloadByteCount) == datagram.count - FrameHeader.byteCount,
      "a datagram is exactly as long as what it holds")
    guard let base = datagram.baseAddress else { preconditionFailure("a datagram has memory") }
    precondition(nextPacketNumber < .max, "a session ends before its packet numbers do")
    let number = nextPacketNumber
    count = number + 1
    var stamped = header
    stamped.flags = stamped.flags.union(.encrypted).with(keyEpoch: epoch)
    stamped.write(unsafe: base, &checksum)
    base.storeBytes(of: number.littleEndian, toByteOffset: FrameHeader.byteCount, as: UInt64.self)
    var nonce = iv.nonce(number)
    withUnsafeBytes(of: &nonce) { nonce in
      if let nonce = nonce.baseAddress {
        engine.seal(
          unsafe: UnsafeMutableRawBufferPointer(start: base + SealedDatagram.additionalByteCount, count: prefix),
          body: body, nonce: nonce,
          additional: UnsafeRawBufferPointer(start: base, count: SealedDatagram.additionalByteCount))
      }
    }
    packets += 1
    bytes += UInt64(prefix + body.count)
    return number
  }

  /// Leaves out packet numbers, so that those of two networks don't follow one another
  /// (docs/protocol.md 2.14). `false`: there would be too few left.
  public mutating func skip(to number: UInt64) -> Bool {
    guard number > nextPacketNumber, number < 1 << 62 else { return false }
    count = number
    return true
  }

  /// Moves to the next key epoch; the old key is forgotten (docs/protocol.md 2.11).
  public mutating func ratchet() { ratchet(to: secret.next) }

  /// Moves to the next key epoch, whose secret came from a new key agreement.
  public mutating func ratchet(to fresh: TrafficSecret) {
    secret = fresh
    engine = Engine(suite: suite, key: secret.key)
    iv = NonceBase(secret.iv)
    step = (step &+ 1) & 3
    packets = 0
    bytes = 0
  }
}
/// Opens one direction's packets and refuses what it has seen (docs/protocol.md 2.3, 2.11, 2.14).
public struct PacketOpener<Engine: SealingEngine & ~Copyable>: ~Copyable {
  /// What became of a datagram.
  public enum Outcome: Hashable, Sendable {
    case opened(packetNumber: UInt64)
    case replayed
    case forged
    /// A key epoch that is neither the last, this nor the next.
    case unknownEpoch
  }

  @usableFromInline struct Key: ~Copyable {
    @usableFromInline let engine: Engine
    @usableFromInline let iv: NonceBase

    init(engine: consuming Engine, iv: NonceBase) {
      self.engine = engine
      self.iv = iv
    }
  }

  @usableFromInline var current: Key
  @usableFromInline var next: Key
  @usableFromInline var previous: Key?
  /// The epoch of `next`, from which the one after it comes.
  private var nextSecret: TrafficSecret
  private let suite: Suite
  @usableFromInline var step: UInt8 = 0
  @usableFromInline var failures: UInt64 = 0
  /// Modulo 4.
  @inlinable public var epoch: UInt8 { step }
  public private(set) var window: ReplayWindow
  /// Datagrams that failed authentication under the present key (docs/protocol.md 2.11).
  @inlinable public var failuresUnderKey: UInt64 { failures }
  /// How many times the peer has changed its key.
  public private(set) var steps: UInt64 = 0

  public init(_ secret: TrafficSecret, suite: Suite, windowBitCount: Int = 2048) {
    self.suite = suite
    current = Self.key(secret, suite)
    nextSecret = secret.next
    // Ready before it is needed: the first packet of a new epoch takes no longer than any other.
    next = Self.key(nextSecret, suite)
    previous = nil
    window = ReplayWindow(bitCount: windowBitCount)
  }

  /// Opens `datagram` where it lies. On success its plaintext is at
  /// `[SealedDatagram.additionalByteCount, datagram.count - tagByteCount)`; call ``accept(_:)`` once
  /// the packet was taken. `header` was read from `datagram`.
  @inlinable public mutating func open(unsafe datagram: UnsafeMutableRawBufferPointer, header: FrameHeader) -> Outcome {
    guard datagram.count >= SealedDatagram.overheadByteCount, let base = datagram.baseAddress else { return .forged }
    let number = SealedDatagram.packetNumber(unsafe: base)
    guard window.accepts(number) else { return .replayed }
    let text = UnsafeMutableRawBufferPointer(
      start: base + SealedDatagram.additionalByteCount, count: datagram.count - SealedDatagram.overheadByteCount)
    let additional = UnsafeRawBufferPointer(start: base, count: SealedDatagram.additionalByteCount)
    let authentic: Bool
    switch header.flags.keyEpoch {
    case epoch:
      authentic = Self.open(current, text, number, additional)
    case (epoch &+ 1) & 3:
      authentic = Self.open(next, text, number, additional)
      if authentic { advance() }
    case (epoch &- 1) & 3:
      switch previous {
      case .some(let key): authentic = Self.open(key, text, number, additional)
      case .none: return .unknownEpoch
      }
    default:
      return .unknownEpoch
    }
    guard authentic else {
      failures += 1
      return .forged
    }
    return .opened(packetNumber: number)
  }

  /// Remembers an opened packet, so that it is refused from now on.
  public mutating func accept(_ packetNumber: UInt64) { window.mark(packetNumber) }

  /// The next epoch's secret will be this one, from a new key agreement.
  public mutating func expect(next fresh: TrafficSecret) {
    nextSecret = fresh
    next = Self.key(fresh, suite)
  }

  /// Whether an old key is still held for stragglers.
  public var holdsPrevious: Bool { previous != nil }

  /// Forgets the last epoch's key; due three probe timeouts after the epoch advanced.
  public mutating func forgetPrevious() { previous = nil }

  @usableFromInline mutating func advance() {
    nextSecret = nextSecret.next
    var fresh = Self.key(nextSecret, suite)
    swap(&fresh, &next)
    swap(&fresh, &current)
    previous = consume fresh
    step = (step &+ 1) & 3
    steps += 1
    failures = 0
  }

  private static func key(_ secret: TrafficSecret, _ suite: Suite) -> Key {
    Key(engine: Engine(suite: suite, key: secret.key), iv: NonceBase(secret.iv))
  }

  @inlinable static func open(
    _ key: borrowing Key, _ text: UnsafeMutableRawBufferPointer, _ number: UInt64, _ additional: UnsafeRawBufferPointer
  ) -> Bool {
    var nonce = key.iv.nonce(number)
    return withUnsafeBytes(of: &nonce) { nonce in
      guard let nonce = nonce.baseAddress else { return false }
      return key.engine.open(unsafe: text, nonce: nonce, additional: additional)
    }
  }
}

/// `nonce = iv XOR (0^4 | packet number LE)` (docs/protocol.md 2.3).
@usableFromInline struct NonceBase: Sendable {
  @usableFromInline let low: UInt32
  @usableFromInline let middle: UInt32
  @usableFromInline let high: UInt32

  init(_ iv: [UInt8]) {
    precondition(iv.count == 12, "an iv is 12 bytes")
    func word(_ start: Int) -> UInt32 {
      (0..<4).reduce(0) { $0 | UInt32(iv[start + $1]) << UInt32($1 * 8) }
    }
    low = word(0)
    middle = word(4)
    high = word(8)
  }

  /// The twelve bytes, in memory order.
  @inlinable func nonce(_ number: UInt64) -> (UInt32, UInt32, UInt32) {
    (
      low.littleEndian, (middle ^ UInt32(truncatingIfNeeded: number)).littleEndian,
      (high ^ UInt32(truncatingIfNeeded: number >> 32)).littleEndian
    )
  }
}
