import STTWire
import Testing

@testable import STC

@Suite struct IdentityTests {
  static let kinds: [(UInt8?, UInt8?)] = [(1, nil), (nil, 2), (1, 2)]

  static func key(_ first: UInt8?, _ second: UInt8?) throws -> IdentityKey {
    try #require(
      IdentityKey(
        ed25519: first.map { [UInt8](repeating: $0, count: 32) }, mlDSA65: second.map { [UInt8](repeating: $0, count: 32) }))
  }

  static func binding(_ value: UInt8 = 7, isInitiator: Bool = true) -> IdentityBinding {
    let secret = Secret(bytes: [UInt8](repeating: value, count: 32))
    return IdentityBinding(
      SessionKeys(
        initiatorToResponder: TrafficSecret(secret), responderToInitiator: TrafficSecret(secret), ratchetRoot: secret,
        exporter: secret, identity: secret), isInitiator: isInitiator)
  }

  @Test("an identity proves itself with Ed25519, ML-DSA-65 or both, in its session and role alone", arguments: kinds)
  func proves(first: UInt8?, second: UInt8?) throws {
    let key = try Self.key(first, second)
    let proof = try #require(key.proof(of: Self.binding()))
    #expect(IdentityPublicKey.verified(proof, Self.binding()) == key.publicKey)
    #expect(IdentityPublicKey.verified(proof, Self.binding(8)) == nil, "another session's")
    #expect(IdentityPublicKey.verified(proof, Self.binding(isInitiator: false)) == nil, "another role's")
  }

  @Test("the frame crosses the wire whole, both keys' in less than a control message's 8192 bytes")
  func frame() throws {
    let proof = try #require(Self.key(1, 2).proof(of: Self.binding()))
    var reader = ByteReader(proof.bytes.span.bytes)
    #expect(try IdentityFrame(&reader) == proof)
    #expect(proof.bytes.count == 3 + 32 + 1952 + 64 + 3309)
  }

  @Test("with two keys both signatures must verify")
  func bothMustVerify() throws {
    let honest = try #require(Self.key(1, 2).proof(of: Self.binding()))
    for place in [0, 63, 64, 64 + 3308] {
      var changed = honest
      changed.signature[place] ^= 1
      #expect(IdentityPublicKey.verified(changed, Self.binding()) == nil, "byte \(place)")
    }
    // A thief who broke Ed25519 alone signs with a key of its own for the other half.
    let thief = try #require(Self.key(1, 9).proof(of: Self.binding()))
    var mixed = honest
    mixed.signature = thief.signature
    #expect(IdentityPublicKey.verified(mixed, Self.binding()) == nil)
  }

  @Test("every flipped bit of the key and cut length is refused")
  func hostileFrames() throws {
    let honest = try #require(Self.key(1, nil).proof(of: Self.binding()))
    for bit in 0..<honest.key.count * 8 {
      var changed = honest
      changed.key[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(IdentityPublicKey.verified(changed, Self.binding()) == nil, "bit \(bit)")
    }
    for bit in 0..<honest.signature.count * 8 {
      var changed = honest
      changed.signature[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(IdentityPublicKey.verified(changed, Self.binding()) == nil, "bit \(bit)")
    }
    for algorithms in UInt8.min...UInt8.max where algorithms != 1 {
      let frame = IdentityFrame(algorithms: algorithms, key: honest.key, signature: honest.signature)
      #expect(IdentityPublicKey.verified(frame, Self.binding()) == nil, "algorithms \(algorithms)")
    }
    for count in [0, 31, 33, 1952, 1984] {
      let key = [UInt8](repeating: 1, count: count)
      for length in [0, 63, 65, 3309, 3373] {
        let frame = IdentityFrame(algorithms: 1, key: key, signature: [UInt8](repeating: 1, count: length))
        #expect(IdentityPublicKey.verified(frame, Self.binding()) == nil)
      }
    }
  }

  @Test("fingerprints tell keys apart, and a pair of keys from either of them")
  func fingerprints() throws {
    let prints = try Self.kinds.map { try Self.key($0.0, $0.1).publicKey.fingerprint }
    #expect(Set(prints).count == 3)
    #expect(prints.allSatisfy { $0.count == 32 })
    #expect(try Self.key(1, 2).publicKey.fingerprint == prints[2])
  }

  @Test("no key, and keys of another length, make no identity")
  func noIdentity() {
    let short = [UInt8](repeating: 1, count: 31)
    #expect(IdentityKey(ed25519: nil, mlDSA65: nil) == nil)
    #expect(IdentityKey(ed25519: short, mlDSA65: nil) == nil)
    #expect(IdentityKey(ed25519: [UInt8](repeating: 1, count: 32), mlDSA65: short) == nil)
  }
}
