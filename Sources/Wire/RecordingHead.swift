/// Head of a recording's chain: SHA-256 over everything recorded before (docs/recording.md, The chain).
///
/// Four words instead of an array: acknowledgements come with one, and nothing is allocated for it.
public struct RecordingHead: Hashable, Sendable {
  public static let byteCount = 32

  private let first: UInt64
  private let second: UInt64
  private let third: UInt64
  private let fourth: UInt64

  /// `nil` unless there are 32 bytes.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count == Self.byteCount else { return nil }
    func word(_ index: Int) -> UInt64 {
      (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[index * 8 + $1]) << UInt64(8 * $1) }
    }
    (first, second, third, fourth) = (word(0), word(1), word(2), word(3))
  }

  init(_ reader: inout ByteReader) throws(WireError) {
    first = try reader.u64()
    second = try reader.u64()
    third = try reader.u64()
    fourth = try reader.u64()
  }

  func write(_ writer: inout ByteWriter) {
    writer.u64(first)
    writer.u64(second)
    writer.u64(third)
    writer.u64(fourth)
  }

  public var bytes: [UInt8] {
    [first, second, third, fourth].flatMap { word in
      (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) }
    }
  }
}
