import CSealing
import Crypto

// HKDF and HMAC are BoringSSL's own functions (docs/decisions/0002): a handshake derives two dozen keys, and through
// the generic types of swift-crypto that takes longer than its public-key operations.

/// HKDF-Extract with SHA-256 (RFC 5869 section 2.2).
func extract(salt: [UInt8], _ input: SymmetricKey) -> SymmetricKey {
  secretBytes(32) { output in
    var count = 0
    let made = input.withUnsafeBytes { input in
      CCryptoBoringSSL_HKDF_extract(
        output, &count, CCryptoBoringSSL_EVP_sha256(), input.baseAddress?.assumingMemoryBound(to: UInt8.self), input.count,
        salt, salt.count)
    }
    precondition(made == 1 && count == 32, "HMAC-SHA-256 fails only without memory")
  }
}

/// `EL(secret, label, context, length)`: HKDF-Expand with SHA-256 over `u16 length | u8 |
/// "stt1 " label | u8 | context` (docs/protocol.md 2.1; the shape of RFC 8446 section 7.1).
func expandLabel(_ secret: SymmetricKey, _ label: String, _ context: [UInt8] = [], byteCount: Int = 32) -> Secret {
  let labelCount = 5 + label.utf8.count
  // RFC 5869 section 2.3: at most 255 times the hash.
  precondition(labelCount < 256 && context.count < 256 && byteCount <= 8160, "labels and contexts are short")
  var info: [UInt8] = []
  info.reserveCapacity(4 + labelCount + context.count)
  info.append(UInt8(byteCount & 0xFF))
  info.append(UInt8(byteCount >> 8))
  info.append(UInt8(labelCount))
  info.append(contentsOf: "stt1 ".utf8)
  info.append(contentsOf: label.utf8)
  info.append(UInt8(context.count))
  info.append(contentsOf: context)
  return Secret(
    secretBytes(byteCount) { output in
      let made = secret.withUnsafeBytes { secret in
        CCryptoBoringSSL_HKDF_expand(
          output, byteCount, CCryptoBoringSSL_EVP_sha256(), secret.baseAddress?.assumingMemoryBound(to: UInt8.self),
          secret.count, info, info.count)
      }
      precondition(made == 1, "HMAC-SHA-256 fails only without memory")
    })
}

/// The first `byteCount` bytes of HMAC-SHA-256.
func authenticationCode(_ key: Secret, _ parts: [[UInt8]], byteCount: Int) -> [UInt8] {
  let data = parts.count == 1 ? parts[0] : Array(parts.joined())
  var code = [UInt8](repeating: 0, count: 32)
  let made = key.withUnsafeBytes { key in
    CCryptoBoringSSL_HMAC(CCryptoBoringSSL_EVP_sha256(), key.baseAddress, key.count, data, data.count, &code, nil)
  }
  precondition(made != nil, "HMAC-SHA-256 fails only without memory")
  return Array(code.prefix(byteCount))
}

/// A key whose bytes `fill` writes; the memory it wrote them to is cleared.
private func secretBytes(_ byteCount: Int, _ fill: (UnsafeMutablePointer<UInt8>) -> Void) -> SymmetricKey {
  withUnsafeTemporaryAllocation(of: UInt8.self, capacity: byteCount) { buffer in
    guard let base = buffer.baseAddress else { return SymmetricKey(data: [UInt8]()) }
    fill(base)
    let key = SymmetricKey(data: UnsafeRawBufferPointer(buffer))
    CCryptoBoringSSL_OPENSSL_cleanse(base, byteCount)
    return key
  }
}

/// Whether two values made from secrets are equal, in time that doesn't depend on where they differ
/// (BoringSSL's CRYPTO_memcmp).
public func equalInConstantTime(_ left: [UInt8], _ right: [UInt8]) -> Bool {
  left.withUnsafeBytes { left in right.withUnsafeBytes { right in equalInConstantTime(unsafe: left, right) } }
}

func equalInConstantTime(unsafe left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
  guard left.count == right.count else { return false }
  guard let first = left.baseAddress, let second = right.baseAddress else { return true }
  return CCryptoBoringSSL_CRYPTO_memcmp(first, second, left.count) == 0
}

/// A running hash of everything both sides said (docs/protocol.md 2.9).
public struct Transcript: Hashable, Sendable {
  /// 32 bytes.
  public let hash: [UInt8]

  /// h1, over the HELLO.
  public init(helloHeader: [UInt8], helloBeforeRetryToken: [UInt8]) {
    hash = Self.digest([Array("stt1 hs".utf8), helloHeader, helloBeforeRetryToken])
  }

  /// A hash that was kept elsewhere, such as in a biscuit.
  public init(hash: [UInt8]) { self.hash = hash }

  /// The next hash, over this one and what was said since.
  public func adding(_ parts: [[UInt8]]) -> Transcript {
    Transcript(hash: Self.digest([hash] + parts))
  }

  static func digest(_ parts: [[UInt8]]) -> [UInt8] {
    var hasher = SHA256()
    for part in parts { hasher.update(data: part) }
    return Array(hasher.finalize())
  }
}

/// A running SHA-256 over payloads, by which two ends compare what they saw.
public struct RunningDigest: Sendable {
  private var hasher = SHA256()

  public init() {}

  public mutating func update(_ bytes: RawSpan) {
    bytes.withUnsafeBytes { hasher.update(bufferPointer: $0) }
  }

  /// 32 bytes over everything so far.
  public var value: [UInt8] { Array(hasher.finalize()) }
}

/// A name that stays the same for a device's stream whatever happens to its seed: the first sixteen
/// bytes of SHA-256 over the device's id and the stream's name.
public func streamIdentity(deviceID: [UInt8], name: String) -> (high: UInt64, low: UInt64) {
  let digest = Transcript.digest([Array("stt1 stream".utf8), deviceID, Array(name.utf8)])
  func word(_ start: Int) -> UInt64 { (0..<8).reduce(0) { $0 | UInt64(digest[start + $1]) << UInt64($1 * 8) } }
  return (word(0), word(8))
}
