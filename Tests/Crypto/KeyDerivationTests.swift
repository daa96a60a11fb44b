import Crypto
import STTWire
import Testing

@testable import STC

/// The derivations through BoringSSL's functions against swift-crypto's public ones (docs/decisions/0002).
@Suite struct KeyDerivationTests {
  private static func bytes(_ count: Int, _ first: UInt8) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0) &* 31 &+ first }
  }

  @Test(
    "HKDF-Expand of labels agrees with swift-crypto, for one block of output and many",
    arguments: [1, 8, 31, 32, 33, 64, 255, 8160])
  func expands(byteCount: Int) {
    for contextCount in [0, 1, 32, 255] {
      let (secret, context) = (Self.bytes(32, 7), Self.bytes(contextCount, 9))
      let label = "some label"
      let full = Array("stt1 \(label)".utf8)
      let info =
        [UInt8(byteCount & 0xFF), UInt8(byteCount >> 8), UInt8(full.count)] + full + [UInt8(contextCount)] + context
      let expected = HKDF<SHA256>.expand(
        pseudoRandomKey: SymmetricKey(data: secret), info: info, outputByteCount: byteCount)
      let made = expandLabel(SymmetricKey(data: secret), label, context, byteCount: byteCount)
      #expect(made.key == expected)
    }
  }

  @Test("HKDF-Extract agrees with swift-crypto, for no salt, short and long ones", arguments: [0, 1, 32, 64, 65, 200])
  func extracts(saltCount: Int) {
    for inputCount in [1, 32, 64, 1000] {
      let (salt, input) = (Self.bytes(saltCount, 3), SymmetricKey(data: Self.bytes(inputCount, 5)))
      let expected = HKDF<SHA256>.extract(inputKeyMaterial: input, salt: salt)
      #expect(extract(salt: salt, input) == SymmetricKey(data: expected))
    }
  }

  @Test("HMAC over parts is HMAC over all of them, for keys of every usual length", arguments: [1, 32, 64, 65, 130])
  func authenticates(keyCount: Int) {
    let key = Self.bytes(keyCount, 1)
    for parts in [[], [[]], [Self.bytes(100, 2)], [Self.bytes(3, 4), [], Self.bytes(1200, 6)]] as [[[UInt8]]] {
      let expected = HMAC<SHA256>.authenticationCode(for: Array(parts.joined()), using: SymmetricKey(data: key))
      #expect(authenticationCode(Secret(bytes: key), parts, byteCount: 32) == Array(expected))
      #expect(authenticationCode(Secret(bytes: key), parts, byteCount: 16) == Array(Array(expected).prefix(16)))
    }
  }

  /// RFC 5869, test case 1, of the functions that swift-crypto is compared with above.
  @Test("the extracted key of RFC 5869's first test case")
  func knownAnswer() {
    let key = extract(
      salt: (0...12).map { UInt8($0) }, SymmetricKey(data: [UInt8](repeating: 0x0B, count: 22)))
    let expected: [UInt8] = [
      0x07, 0x77, 0x09, 0x36, 0x2C, 0x2E, 0x32, 0xDF, 0x0D, 0xDC, 0x3F, 0x0D, 0xC4, 0x7B, 0xBA, 0x63,
      0x90, 0xB6, 0xC7, 0x3B, 0xB5, 0x0F, 0x9C, 0x31, 0x22, 0xEC, 0x84, 0x4A, 0xD7, 0xC2, 0xB3, 0xE5,
    ]
    #expect(key == SymmetricKey(data: expected))
  }
}
