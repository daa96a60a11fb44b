import STTChecksum

/// A handshake frame as a datagram: header, payload, and CRC-32 of both (docs/protocol.md 2.2).
public enum HandshakeDatagram {
  /// Header and CRC-32.
  public static let overheadByteCount = FrameHeader.byteCount + 4

  public static func encode(
    _ type: FrameType, flags: FrameFlags = [], session: SessionID, payload: [UInt8]
  ) -> [UInt8] {
    let header = FrameHeader(
      type: type, flags: flags, session: session, payloadByteCount: payload.count)
    var bytes = [UInt8](repeating: 0, count: FrameHeader.byteCount)
    bytes.withUnsafeMutableBytes { buffer in
      if let base = buffer.baseAddress { header.write(unsafe: base) }
    }
    bytes += payload
    let crc = CRC32.of(bytes.span.bytes)
    for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: crc >> UInt32(shift))) }
    return bytes
  }

  /// The payload, copied, after its CRC-32 was found right. `header` was read from `datagram`.
  public static func payload(of datagram: RawSpan, header: FrameHeader) throws(WireError) -> [UInt8] {
    guard header.type.isHandshake else { throw .unexpectedType(header.type.rawValue) }
    guard datagram.byteCount >= overheadByteCount else { throw .truncated }
    let end = datagram.byteCount - 4
    let crc = UInt32(littleEndian: datagram.unsafeLoadUnaligned(fromByteOffset: end, as: UInt32.self))
    guard crc == CRC32.of(datagram.extracting(0..<end)) else { throw .checksumMismatch }
    return datagram.extracting(FrameHeader.byteCount..<end).withUnsafeBytes { [UInt8]($0) }
  }
}
