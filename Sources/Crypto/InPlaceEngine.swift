import CSealing

/// BoringSSL's AEAD as swift-crypto links it, without allocation per packet (docs/decisions/0002).
public struct InPlaceEngine: SealingEngine, ~Copyable {
  private let context: OpaquePointer
  private let encryptsGathered: Bool

  public init(suite: Suite, key: Secret) {
    precondition(key.byteCount == 32, "both suites take 32-byte keys")
    let algorithm =
      switch suite {
      case .aes256GCM: CCryptoBoringSSL_EVP_aead_aes_256_gcm()
      case .chaCha20Poly1305: CCryptoBoringSSL_EVP_aead_chacha20_poly1305()
      }
    let made = key.withUnsafeBytes { bytes in
      CCryptoBoringSSL_EVP_AEAD_CTX_new(
        algorithm, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, 16)
    }
    guard let made else { preconditionFailure("out of memory for an AEAD context") }
    context = made
    // GCM encrypts a second input at full speed; ChaCha20 takes it block by block, and a copy of a
    // packet (15 ns) is far cheaper than that.
    encryptsGathered = suite == .aes256GCM
  }

  deinit {
    CCryptoBoringSSL_EVP_AEAD_CTX_free(context)
  }

  public func seal(
    unsafe prefix: UnsafeMutableRawBufferPointer, body: UnsafeRawBufferPointer, nonce: UnsafeRawPointer,
    additional: UnsafeRawBufferPointer
  ) {
    guard let base = prefix.baseAddress else { preconditionFailure("a packet has a destination") }
    let start = base.assumingMemoryBound(to: UInt8.self)
    var inPlace = prefix.count
    var extra: UnsafePointer<UInt8>?
    var extraCount = 0
    if let source = body.baseAddress, body.count > 0 {
      if encryptsGathered {
        extra = source.assumingMemoryBound(to: UInt8.self)
        extraCount = body.count
      } else {
        (base + prefix.count).copyMemory(from: source, byteCount: body.count)
        inPlace += body.count
      }
    }
    var tagByteCount = 0
    let sealed = CCryptoBoringSSL_EVP_AEAD_CTX_seal_scatter(
      context, start, start + inPlace, &tagByteCount, extraCount + 16, nonce.assumingMemoryBound(to: UInt8.self), 12,
      start, inPlace, extra, extraCount, additional.baseAddress?.assumingMemoryBound(to: UInt8.self),
      additional.count)
    precondition(sealed == 1, "sealing a datagram can't fail")
  }

  public func open(
    unsafe text: UnsafeMutableRawBufferPointer, nonce: UnsafeRawPointer, additional: UnsafeRawBufferPointer
  ) -> Bool {
    guard let base = text.baseAddress else { return false }
    let start = base.assumingMemoryBound(to: UInt8.self)
    return CCryptoBoringSSL_EVP_AEAD_CTX_open_gather(
      context, start, nonce.assumingMemoryBound(to: UInt8.self), 12, start, text.count, start + text.count, 16,
      additional.baseAddress?.assumingMemoryBound(to: UInt8.self), additional.count) == 1
  }
}
