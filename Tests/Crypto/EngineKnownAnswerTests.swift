import STTWire
import Testing

@testable import STC

/// Known answers through both engines: the one that calls BoringSSL in place, and swift-crypto's
/// public interface. Never skipped: they are what guards the pinned C symbols.
@Suite struct EngineKnownAnswerTests {
  struct Answer: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var suite: STC.Suite
    var key: [UInt8]
    var nonce: [UInt8]
    var additional: [UInt8]
    var plaintext: [UInt8]
    var sealed: [UInt8]
  }

  static let answers: [Answer] = [
    // RFC 8439 section 2.8.2.
    Answer(
      testDescription: "RFC 8439 2.8.2", suite: .chaCha20Poly1305,
      key: hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"), nonce: hex("070000004041424344454647"),
      additional: hex("50515253c0c1c2c3c4c5c6c7"),
      plaintext: Array(
        "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
          .utf8),
      sealed: hex(
        """
        d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e06\
        0b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d265\
        86cec64b61161ae10b594f09e26a7e902ecbd0600691
        """)),
    // The Galois/Counter Mode of Operation (McGrew, Viega), test cases 13, 14 and 16.
    Answer(
      testDescription: "GCM test case 13", suite: .aes256GCM, key: [UInt8](repeating: 0, count: 32),
      nonce: [UInt8](repeating: 0, count: 12), additional: [], plaintext: [],
      sealed: hex("530f8afbc74536b9a963b4f1c4cb738b")),
    Answer(
      testDescription: "GCM test case 14", suite: .aes256GCM, key: [UInt8](repeating: 0, count: 32),
      nonce: [UInt8](repeating: 0, count: 12), additional: [], plaintext: [UInt8](repeating: 0, count: 16),
      sealed: hex("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")),
    Answer(
      testDescription: "GCM test case 16", suite: .aes256GCM,
      key: hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"), nonce: hex("cafebabefacedbaddecaf888"),
      additional: hex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
      plaintext: hex(
        """
        d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0d\
        e657ba637b39
        """),
      sealed: hex(
        """
        522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba\
        7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b
        """)),
  ]

  @Test("the in-place engine seals as the standard says, whole and gathered from any two pieces", arguments: answers)
  func inPlaceSeals(answer: Answer) { seals(answer, InPlaceEngine(suite: answer.suite, key: Secret(bytes: answer.key))) }

  @Test("swift-crypto's own interface agrees", arguments: answers)
  func oracleSeals(answer: Answer) { seals(answer, OracleEngine(suite: answer.suite, key: Secret(bytes: answer.key))) }

  @Test("the in-place engine opens what the standard seals, and refuses it with any one bit changed", arguments: answers)
  func inPlaceOpens(answer: Answer) { opens(answer, InPlaceEngine(suite: answer.suite, key: Secret(bytes: answer.key))) }

  @Test("so does swift-crypto's own interface", arguments: answers)
  func oracleOpens(answer: Answer) { opens(answer, OracleEngine(suite: answer.suite, key: Secret(bytes: answer.key))) }

  private func seals<Engine: SealingEngine & ~Copyable>(_ answer: Answer, _ engine: borrowing Engine) {
    for split in 0...answer.plaintext.count {
      #expect(
        seal(engine, answer.plaintext, split, answer.nonce, answer.additional) == answer.sealed, "cut at \(split)")
    }
  }

  private func opens<Engine: SealingEngine & ~Copyable>(_ answer: Answer, _ engine: borrowing Engine) {
    #expect(open(engine, answer.sealed, answer.nonce, answer.additional) == answer.plaintext)
    for bit in 0..<answer.sealed.count * 8 {
      var changed = answer.sealed
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(open(engine, changed, answer.nonce, answer.additional) == nil, "bit \(bit) of the sealed bytes")
    }
    for bit in 0..<answer.additional.count * 8 {
      var changed = answer.additional
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(open(engine, answer.sealed, answer.nonce, changed) == nil, "bit \(bit) of the additional data")
    }
  }

  @Test("gathered sealing equals contiguous sealing around every block boundary", arguments: STC.Suite.allCases)
  func gatheredEqualsContiguous(suite: STC.Suite) {
    let key = Secret(bytes: (0..<32).map { UInt8($0 * 7 & 255) })
    let engine = InPlaceEngine(suite: suite, key: key)
    let oracle = OracleEngine(suite: suite, key: key)
    let nonce = [UInt8](repeating: 9, count: 12)
    for prefix in [0, 1, 8, 15, 16, 17, 31, 32, 40] {
      for body in [0, 1, 15, 16, 17, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1335, 1336] {
        let plaintext = (0..<prefix + body).map { UInt8(truncatingIfNeeded: $0 * 31) }
        #expect(
          seal(engine, plaintext, prefix, nonce, [1, 2, 3])
            == seal(oracle, plaintext, plaintext.count, nonce, [1, 2, 3]), "\(prefix) + \(body)")
      }
    }
  }
}

/// Seals `plaintext`, of which `split` bytes lie in place and the rest elsewhere.
func seal<Engine: SealingEngine & ~Copyable>(
  _ engine: borrowing Engine, _ plaintext: [UInt8], _ split: Int, _ nonce: [UInt8], _ additional: [UInt8]
) -> [UInt8] {
  var buffer = Array(plaintext[..<split]) + [UInt8](repeating: 0xAA, count: plaintext.count - split + 16)
  let body = Array(plaintext[split...])
  buffer.withUnsafeMutableBytes { buffer in
    body.withUnsafeBytes { body in
      nonce.withUnsafeBytes { nonce in
        additional.withUnsafeBytes { additional in
          engine.seal(
            unsafe: UnsafeMutableRawBufferPointer(rebasing: buffer[..<split]), body: body,
            nonce: nonce.baseAddress.unsafelyUnwrapped, additional: additional)
        }
      }
    }
  }
  return buffer
}

func open<Engine: SealingEngine & ~Copyable>(
  _ engine: borrowing Engine, _ sealed: [UInt8], _ nonce: [UInt8], _ additional: [UInt8]
) -> [UInt8]? {
  var buffer = sealed
  let count = sealed.count - 16
  let isAuthentic = buffer.withUnsafeMutableBytes { buffer in
    nonce.withUnsafeBytes { nonce in
      additional.withUnsafeBytes { additional in
        engine.open(
          unsafe: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]),
          nonce: nonce.baseAddress.unsafelyUnwrapped, additional: additional)
      }
    }
  }
  return isAuthentic ? Array(buffer[..<count]) : nil
}

func hex(_ text: String) -> [UInt8] {
  let digits = Array(text.filter { $0.isHexDigit })
  return stride(from: 0, to: digits.count - 1, by: 2).compactMap { UInt8(String(digits[$0..<$0 + 2]), radix: 16) }
}
