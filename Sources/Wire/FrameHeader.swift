/// The 24 bytes every frame begins with (docs/protocol.md 2.2).
///
/// `0 version | 1 type | 2 flags u16 | 4 session 8 | 12 stream u16 | 14 sequence u32 |
/// 18 payload length u32 | 22 crc16`, little-endian.
public struct FrameHeader: Hashable, Sendable {
  @inlinable public static var byteCount: Int { 24 }
  public static let version: UInt8 = 0x01
  /// A UDP payload over IPv4 holds no more.
  public static let largestDatagram = 65_507

  public var type: FrameType
  public var flags: FrameFlags
  public var session: SessionID
  public var stream: UInt16
  /// Per-stream frame number, modulo 2^32.
  public var sequence: UInt32
  /// Bytes after the header, without the CRC-32 that handshake frames end in.
  public var payloadByteCount: UInt32

  public init(
    type: FrameType, flags: FrameFlags = [], session: SessionID, stream: UInt16 = 0, sequence: UInt32 = 0,
    payloadByteCount: Int
  ) {
    precondition(payloadByteCount >= 0 && payloadByteCount <= Self.largestDatagram, "a frame fits a datagram")
    self.type = type
    self.flags = flags
    self.session = session
    self.stream = stream
    self.sequence = sequence
    self.payloadByteCount = UInt32(payloadByteCount)
  }

  /// Reads the header of a whole datagram and checks it against the datagram's length, so that a
  /// payload taken by it always exists.
  ///
  /// - Parameter checksum: knows the header of the datagram before.
  public init(datagram: RawSpan, _ checksum: inout HeaderChecksum) throws(WireError) {
    guard datagram.byteCount >= Self.byteCount else { throw .truncated }
    // All of it is there: what is read below is looked at once, not field by field.
    func field<Value: FixedWidthInteger & BitwiseCopyable>(_ offset: Int) -> Value {
      Value(littleEndian: datagram.unsafeLoadUnaligned(fromByteOffset: offset, as: Value.self))
    }
    let version: UInt8 = field(0)
    guard version == Self.version else { throw .unknownVersion(version) }
    type = FrameType(rawValue: field(1))
    flags = FrameFlags(rawValue: field(2))
    session = SessionID(rawValue: field(4))
    stream = field(12)
    sequence = field(14)
    payloadByteCount = field(18)
    let checksumThere: UInt16 = field(22)
    let checksumDue = datagram.withUnsafeBytes { bytes in bytes.baseAddress.map { checksum.of(unsafe: $0) } }
    guard checksumThere == checksumDue else { throw .checksumMismatch }
    guard type.isHandshake || type.isSession else { throw .unexpectedType(type.rawValue) }
    guard flags.rawValue & ~FrameFlags.allowed(on: type) == 0 else { throw .forbiddenFlags(flags.rawValue) }
    let trailer: UInt64 = type.isHandshake ? 4 : 0
    guard UInt64(Self.byteCount) + UInt64(payloadByteCount) + trailer == UInt64(datagram.byteCount) else {
      throw .lengthMismatch
    }
  }

  /// Reads the header of a datagram that has nothing to do with another.
  public init(datagram: RawSpan) throws(WireError) {
    var checksum = HeaderChecksum()
    try self.init(datagram: datagram, &checksum)
  }

  /// Writes the 24 bytes, checksum included, at `destination`.
  ///
  /// - Parameter checksum: knows the header that was written before.
  public func write(unsafe destination: UnsafeMutableRawPointer, _ checksum: inout HeaderChecksum) {
    writeFields(destination)
    let crc = checksum.of(unsafe: destination)
    destination.storeBytes(of: crc.littleEndian, toByteOffset: 22, as: UInt16.self)
  }

  /// Writes a header that has nothing to do with another.
  public func write(unsafe destination: UnsafeMutableRawPointer) {
    var checksum = HeaderChecksum()
    write(unsafe: destination, &checksum)
  }

  /// The header as transcripts and MACs see it: the checksum is zero ("header*").
  public var bytesWithoutChecksum: [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Self.byteCount) { buffer, count in
      if let base = buffer.baseAddress {
        let raw = UnsafeMutableRawPointer(base)
        writeFields(raw)
        raw.storeBytes(of: 0, toByteOffset: 22, as: UInt16.self)
      }
      count = Self.byteCount
    }
  }

  private func writeFields(_ destination: UnsafeMutableRawPointer) {
    destination.storeBytes(of: Self.version, as: UInt8.self)
    destination.storeBytes(of: type.rawValue, toByteOffset: 1, as: UInt8.self)
    destination.storeBytes(of: flags.rawValue.littleEndian, toByteOffset: 2, as: UInt16.self)
    destination.storeBytes(of: session.rawValue.littleEndian, toByteOffset: 4, as: UInt64.self)
    destination.storeBytes(of: stream.littleEndian, toByteOffset: 12, as: UInt16.self)
    destination.storeBytes(of: sequence.littleEndian, toByteOffset: 14, as: UInt32.self)
    destination.storeBytes(of: payloadByteCount.littleEndian, toByteOffset: 18, as: UInt32.self)
  }
}
