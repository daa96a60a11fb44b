/// Bytes at rest that can be read anywhere: a file, or a test's array.
public protocol ByteSource {
  var byteCount: UInt64 { get }
  /// Fills `destination` with the bytes at `offset` and answers how many there were; fewer only at
  /// the end.
  mutating func read(at offset: UInt64, into destination: UnsafeMutableRawBufferPointer) throws -> Int
}

/// What is wrong with a file, and where.
public struct SegmentDamage: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Kind: Hashable, Sendable {
    /// The file ends too soon: what a power cut leaves.
    case cut
    /// Bytes are not what was written.
    case altered
  }

  public var kind: Kind
  /// Byte offset of the record concerned.
  public var offset: UInt64
  public var what: String

  public var description: String { "at byte \(offset): \(what)" }
}
