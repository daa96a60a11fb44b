/// Bytes at rest that can be read anywhere: a file, or an array.
public protocol ByteSource {
  var byteCount: UInt64 { get }
  /// Fills `destination` with the bytes at `offset` and answers how many there were; fewer only at
  /// the end.
  mutating func read(at offset: UInt64, into destination: UnsafeMutableRawBufferPointer) throws -> Int
}

/// An array as a file.
package struct ArraySource: ByteSource {
  package var bytes: [UInt8]

  package init(bytes: [UInt8]) { self.bytes = bytes }

  package var byteCount: UInt64 { UInt64(bytes.count) }

  package func read(at offset: UInt64, into destination: UnsafeMutableRawBufferPointer) -> Int {
    guard offset < UInt64(bytes.count) else { return 0 }
    let count = min(destination.count, bytes.count - Int(offset))
    bytes.withUnsafeBytes {
      destination.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[Int(offset)..<Int(offset) + count]))
    }
    return count
  }
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
