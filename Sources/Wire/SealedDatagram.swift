/// The layout of every session frame: `header 24 | packet number u64 | ciphertext | tag 16`
/// (docs/protocol.md 2.3).
public enum SealedDatagram {
  /// Header and packet number: the AEAD's additional data.
  public static let additionalByteCount = FrameHeader.byteCount + 8
  public static let tagByteCount = 16
  /// Bytes a datagram is longer than its plaintext.
  public static let overheadByteCount = additionalByteCount + tagByteCount

  /// The packet number of a datagram at least ``overheadByteCount`` long. Not yet authenticated.
  public static func packetNumber(unsafe datagram: UnsafeRawPointer) -> UInt64 {
    UInt64(littleEndian: datagram.loadUnaligned(fromByteOffset: FrameHeader.byteCount, as: UInt64.self))
  }
}
