import STTChecksum

/// Checksums of headers that mostly begin as the one before did: of the frames of a session that follow one another, version,
/// type, flags, session and stream are the same (docs/protocol.md 2.2). Only what comes behind those is gone through then.
public struct HeaderChecksum: Sendable {
  /// Up to where a header is compared with the one before: eight bytes of sequence and length follow.
  private static let sharedByteCount = 14

  /// What the last header began with, as two numbers that overlap.
  private var first: UInt64 = 0
  private var second: UInt64 = 0
  /// What that leaves.
  private var state: UInt16
  private let tables = CRC16.tables

  public init() {
    // Of zeros, as `first` and `second` say.
    state = withUnsafeBytes(of: (first, second)) {
      CRC16.of(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: $0[..<Self.sharedByteCount])))
    }
  }

  /// The checksum of the 22 bytes that a header at `header` begins with.
  mutating func of(unsafe header: UnsafeRawPointer) -> UInt16 {
    let first = header.loadUnaligned(as: UInt64.self)
    let second = header.loadUnaligned(fromByteOffset: Self.sharedByteCount - 8, as: UInt64.self)
    if first != self.first || second != self.second {
      self.first = first
      self.second = second
      state = CRC16.of(RawSpan(_unsafeStart: header, byteCount: Self.sharedByteCount))
    }
    let rest = UInt64(bigEndian: header.loadUnaligned(fromByteOffset: Self.sharedByteCount, as: UInt64.self))
    return tables.withUnsafeBufferPointer { tables in
      guard let table = tables.baseAddress else { return 0 }
      return CRC16.fold(table, rest, after: state)
    }
  }
}
