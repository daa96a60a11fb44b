import Crypto

/// Key material. Overwritten when the last reference ends (swift-crypto zeroes its storage), never
/// printed.
public struct Secret: Sendable, CustomStringConvertible {
  let key: SymmetricKey

  init(_ key: SymmetricKey) { self.key = key }

  /// Copies `bytes`; the caller clears its own copy.
  public init(bytes: [UInt8]) { key = SymmetricKey(data: bytes) }

  public var byteCount: Int { key.bitCount / 8 }

  public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try key.withUnsafeBytes(body)
  }

  /// A copy of the bytes, for what must be written down: test vectors and sealed state.
  package var bytes: [UInt8] { key.withUnsafeBytes { [UInt8]($0) } }

  public var description: String { "<\(byteCount) secret bytes>" }
}
