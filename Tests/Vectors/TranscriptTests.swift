import Foundation
import STC
import STTSession
import STTWire
import Testing

/// Whole handshakes, frozen as files with all their inputs, so that a change of one byte on the wire
/// or of one derivation shows, and so that another implementation can be held against them.
@Suite struct TranscriptTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("transcripts")
  static let names = ["hybrid-chacha20poly1305", "hybrid-aes256gcm", "seed-chacha20poly1305", "seed-aes256gcm"]

  @Test("the code makes the frozen transcript, byte for byte", arguments: names)
  func transcriptIsReproduced(name: String) throws {
    let file = Self.folder.appendingPathComponent("\(name).json")
    try Self.writeIfAsked(name, to: file)
    let frozen = try #require(
      JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: [String: String]])
    let inputs = try #require(frozen["inputs"])
    let made = try Transcripts.make(
      name, inputs, encapsulation: (hex(inputs["kem_ciphertext"] ?? ""), hex(inputs["kem_secret"] ?? "")))
    for section in ["inputs", "messages", "packets", "derived"] {
      #expect(made[section] == frozen[section], "\(section)")
    }
    #expect(frozen.count == 4)
  }

  /// `STT_WRITE_VECTORS=again` writes what the frozen inputs lead to now; `=fresh` draws new inputs.
  private static func writeIfAsked(_ name: String, to file: URL) throws {
    switch ProcessInfo.processInfo.environment["STT_WRITE_VECTORS"] {
    case "fresh": try Transcripts.write(Transcripts.make(name, Transcripts.freshInputs(name), encapsulation: nil), to: file)
    case "again":
      let frozen = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: [String: String]]
      let inputs = try #require(frozen?["inputs"])
      let secret = (hex(inputs["kem_ciphertext"] ?? ""), hex(inputs["kem_secret"] ?? ""))
      try Transcripts.write(Transcripts.make(name, inputs, encapsulation: secret), to: file)
    default: break
    }
  }

  @Test(
    "a decoder in another language, written from docs/protocol.md, opens the frozen transcripts",
    .enabled(
      if: ProcessInfo.processInfo.environment["STT_TEST_PYTHON"] != nil,
      "STT_TEST_PYTHON names no Python with the package cryptography (make test sets it)"), arguments: names)
  func independentDecoderAgrees(name: String) throws {
    try Self.expectAgreement(of: name, Self.folder.appendingPathComponent("\(name).json"))
  }

  static func expectAgreement(of name: String, _ file: URL) throws {
    let decoder = Process()
    decoder.executableURL = URL(fileURLWithPath: ProcessInfo.processInfo.environment["STT_TEST_PYTHON"] ?? "")
    decoder.arguments = [
      folder.deletingLastPathComponent().appendingPathComponent("decode.py").path, file.path,
    ]
    let output = Pipe()
    decoder.standardOutput = output
    decoder.standardError = output
    try decoder.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    decoder.waitUntilExit()
    #expect(decoder.terminationStatus == 0, "\(text)")
    #expect(text.contains("\(name): agrees"))
  }
}

func hex(_ text: String) -> [UInt8] {
  let digits = Array(text)
  return stride(from: 0, to: digits.count - 1, by: 2).compactMap { UInt8(String(digits[$0..<$0 + 2]), radix: 16) }
}

func hex(_ bytes: [UInt8]) -> String { bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
