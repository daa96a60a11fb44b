/// The layout of every session frame: `header 24 | packet number u64 | ciphertext | tag 16`
/// (docs/protocol.md 2.3).
public enum SealedDatagram {
  /// Header and packet number: the AEAD's additional data.
  @inlinable public static var additionalByteCount: Int { FrameHeader.byteCount + 8 }
  @inlinable public static var tagByteCount: Int { 16 }
  /// Bytes a datagram is longer than its plaintext.
  @inlinable public static var overheadByteCount: Int { additionalByteCount + tagByteCount }

  /// The packet number of a datagram at least ``overheadByteCount`` long. Not yet authenticated.
  @inlinable public static func packetNumber(unsafe datagram: UnsafeRawPointer) -> UInt64 {
    UInt64(littleEndian: datagram.loadUnaligned(fromByteOffset: FrameHeader.byteCount, as: UInt64.self))
  }
}
