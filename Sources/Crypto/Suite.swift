import Crypto

/// An AEAD with 256-bit keys, 96-bit nonces and 128-bit tags. Raw values are HELLO's offer bits
/// (docs/protocol.md 2.5).
public enum Suite: UInt8, CaseIterable, Hashable, Sendable {
  /// RFC 8439. For processors without AES instructions, such as the Raspberry Pi 3 and 4.
  case chaCha20Poly1305 = 1
  /// NIST SP 800-38D.
  case aes256GCM = 2

  /// The faster one for a processor with or without AES instructions. Without them AES would also
  /// not run in constant time everywhere.
  public static func preferred(aesInstructions: Bool) -> Suite {
    aesInstructions ? .aes256GCM : .chaCha20Poly1305
  }

  /// Seals one handshake part; ciphertext and tag. Packets go through ``PacketSealer``.
  public func seal(_ plaintext: [UInt8], key: Secret, nonce: [UInt8], additional: [UInt8]) -> [UInt8] {
    precondition(nonce.count == 12 && key.byteCount == 32, "nonces are 12 bytes, keys 32")
    do {
      switch self {
      case .chaCha20Poly1305:
        let box = try ChaChaPoly.seal(
          plaintext, using: key.key, nonce: ChaChaPoly.Nonce(data: nonce), authenticating: additional)
        return Array(box.ciphertext) + Array(box.tag)
      case .aes256GCM:
        let box = try AES.GCM.seal(
          plaintext, using: key.key, nonce: AES.GCM.Nonce(data: nonce), authenticating: additional)
        return Array(box.ciphertext) + Array(box.tag)
      }
    } catch {
      preconditionFailure("sealing \(plaintext.count) bytes under a whole key can't fail: \(error)")
    }
  }

  /// The plaintext, or `nil` when anything about it is wrong.
  public func open(_ sealed: [UInt8], key: Secret, nonce: [UInt8], additional: [UInt8]) -> [UInt8]? {
    guard sealed.count >= 16, nonce.count == 12, key.byteCount == 32 else { return nil }
    let ciphertext = sealed.dropLast(16)
    let tag = sealed.suffix(16)
    // The error says only that authentication failed, which `nil` says too.
    switch self {
    case .chaCha20Poly1305:
      guard let nonce = try? ChaChaPoly.Nonce(data: nonce),
        let box = try? ChaChaPoly.SealedBox(nonce: nonce, ciphertext: ciphertext, tag: tag),
        let plaintext = try? ChaChaPoly.open(box, using: key.key, authenticating: additional)
      else { return nil }
      return Array(plaintext)
    case .aes256GCM:
      guard let nonce = try? AES.GCM.Nonce(data: nonce),
        let box = try? AES.GCM.SealedBox(nonce: nonce, ciphertext: ciphertext, tag: tag),
        let plaintext = try? AES.GCM.open(box, using: key.key, authenticating: additional)
      else { return nil }
      return Array(plaintext)
    }
  }
}

/// How a session's keys are made. Raw values are HELLO's offer bits (docs/protocol.md 2.5).
public enum HandshakeMode: UInt8, Hashable, Sendable {
  /// From the seed alone: no forward secrecy.
  case seed = 1
  /// From the seed, X25519 and ML-KEM-768.
  case hybrid = 2
}
