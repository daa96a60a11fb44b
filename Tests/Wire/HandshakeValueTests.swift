import STTWire
import Testing

/// The literal examples hold the values they should: each field in its place, none swapped.
@Suite struct HandshakeValueTests {
  private func example(_ name: String) throws -> [UInt8] {
    try #require(Layout.all.first { $0.description == name }).bytes
  }

  @Test("HELLO")
  func hello() throws {
    let hello = try Hello(payload: example("HELLO"))
    #expect(hello.modes == 3 && hello.suites == 3 && hello.maximumDatagram == 1200)
    #expect(
      hello.nonce == repeated(0xA1, 32) && hello.ephemeral == repeated(0xA2, 32) && hello.keyHint == repeated(0xA3, 16))
    #expect(hello.sealed == repeated(0xA4, 48) && hello.retryToken == repeated(0xA5, 32) && hello.mac1 == repeated(0xA6, 16))
    let secret = try HelloSecret(bytes: example("HELLO's sealed part"))
    #expect(secret == HelloSecret(counter: 7, bootID: 8, wallMilliseconds: 9, capabilities: 0x0100_0000_0000_000A))
  }

  @Test("RESPONSE and its biscuit")
  func response() throws {
    let response = try Response(payload: example("RESPONSE"))
    #expect(response.mode == 2 && response.suite == 1 && response.maximumDatagram == 65_507)
    #expect(response.initiatorNoncePrefix == repeated(0xC1, 8) && response.nonce == repeated(0xC2, 32))
    #expect(response.ephemeral == repeated(0xC3, 32) && response.biscuit == repeated(0xC4, 252))
    #expect(response.challenge == repeated(0xC5, 80))
    let sealed = try SealedBiscuit(bytes: example("biscuit, sealed"))
    #expect(sealed == SealedBiscuit(keyID: 9, salt: repeated(0xD1, 16), sealed: repeated(0xD2, 232)))
    let biscuit = try Biscuit(bytes: example("biscuit, opened"))
    #expect(biscuit.mode == 2 && biscuit.suite == 1 && biscuit.pair == 5 && biscuit.epoch == 6 && biscuit.counter == 7)
    #expect(biscuit.initiatorNoncePrefix == repeated(0xE1, 8) && biscuit.responderNonce == repeated(0xE2, 32))
    #expect(biscuit.initiatorEphemeral == repeated(0xE3, 32) && biscuit.responderEphemeralPrivate == repeated(0xE4, 32))
    #expect(biscuit.responderEphemeral == repeated(0xE5, 32) && biscuit.transcript1 == repeated(0xE6, 32))
    #expect(biscuit.addressHash == repeated(0xE7, 8) && biscuit.issuedSeconds == 8 && biscuit.maximumDatagram == 1200)
  }

  @Test("AUTH_PROOF, the proof it carries, and FINAL")
  func proofAndFinal() throws {
    let message = try AuthProof(payload: example("AUTH_PROOF"))
    #expect(message.session.rawValue == 0xF0F0_F0F0_F0F0_F0F0 && message.fragmentIndex == 1 && message.fragmentCount == 2)
    #expect(
      message.biscuit == repeated(0xF1, 252) && message.mac2 == repeated(0xF2, 16) && message.sealed == repeated(0xF3, 40))
    #expect(message.authenticated == Array(try example("AUTH_PROOF").prefix(264)))
    let proof = try ProofContent(bytes: example("proof, HYBRID"), hybrid: true)
    #expect(proof.session.rawValue == 0x0101_0101_0101_0101 && proof.proof == repeated(2, 32))
    #expect(proof.kemPublicKey == repeated(3, 1184))
    #expect(
      proof.parameters
        == SessionParameters(sessionWindow: 65_536, acknowledgementDelayMilliseconds: 25, streamLimit: 256))
    #expect(try ProofContent(bytes: example("proof, SEED"), hybrid: false).kemPublicKey.isEmpty)
    let final = try Final(payload: example("FINAL, HYBRID"), hybrid: true)
    #expect(final.session.rawValue == 0x0404_0404_0404_0404 && final.status == 0)
    #expect(final.kemCiphertext == repeated(5, 1088) && final.sealed == repeated(6, 30))
    let refusal = try Final(payload: example("FINAL, a refusal"), hybrid: true)
    #expect(refusal.status == 3 && refusal.kemCiphertext.isEmpty && refusal.sealed == repeated(6, 16))
  }
}
