/// swift-crypto's public interface behind the engine's: allocates and copies, and is right.
public struct OracleEngine: SealingEngine, ~Copyable {
  private let suite: Suite
  private let key: Secret

  public init(suite: Suite, key: Secret) {
    self.suite = suite
    self.key = key
  }

  public func seal(
    unsafe prefix: UnsafeMutableRawBufferPointer, body: UnsafeRawBufferPointer, nonce: UnsafeRawPointer,
    additional: UnsafeRawBufferPointer
  ) {
    let sealed = suite.seal(
      [UInt8](prefix) + [UInt8](body), key: key,
      nonce: [UInt8](UnsafeRawBufferPointer(start: nonce, count: 12)), additional: [UInt8](additional))
    sealed.withUnsafeBytes { bytes in
      if let base = prefix.baseAddress, let source = bytes.baseAddress {
        base.copyMemory(from: source, byteCount: bytes.count)
      }
    }
  }

  public func open(
    unsafe text: UnsafeMutableRawBufferPointer, nonce: UnsafeRawPointer, additional: UnsafeRawBufferPointer
  ) -> Bool {
    guard let base = text.baseAddress else { return false }
    let sealed = [UInt8](UnsafeRawBufferPointer(start: base, count: text.count + 16))
    guard
      let plaintext = suite.open(
        sealed, key: key, nonce: [UInt8](UnsafeRawBufferPointer(start: nonce, count: 12)),
        additional: [UInt8](additional))
    else { return false }
    plaintext.withUnsafeBytes { bytes in
      if let source = bytes.baseAddress { base.copyMemory(from: source, byteCount: bytes.count) }
    }
    return true
  }
}
