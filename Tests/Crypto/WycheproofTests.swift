import Foundation
import Testing

@testable import STC

/// Project Wycheproof's files, where they lie beside the repository.
@Suite struct WycheproofTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../../shared/wycheproof").standardizedFileURL
  static let isThere = FileManager.default.fileExists(atPath: folder.path)

  static func groups(_ name: String) throws -> [[String: Any]] {
    let data = try Data(contentsOf: folder.appendingPathComponent(name))
    let root = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    return try #require(root["testGroups"] as? [[String: Any]])
  }

  static func cases(_ group: [String: Any]) -> [[String: String]] {
    ((group["tests"] as? [[String: Any]]) ?? []).map { test in test.mapValues { "\($0)" } }
  }

  @Test(
    "AEADs through the in-place engine",
    .enabled(if: isThere, "Wycheproof's files are not beside this repository"),
    arguments: [("aes_gcm_test.json", STC.Suite.aes256GCM), ("chacha20_poly1305_test.json", STC.Suite.chaCha20Poly1305)])
  func aead(file: String, suite: STC.Suite) throws {
    var applicable = 0
    for group in try Self.groups(file)
    where group["keySize"] as? Int == 256 && group["ivSize"] as? Int == 96 && group["tagSize"] as? Int == 128 {
      for test in Self.cases(group) {
        applicable += 1
        let engine = InPlaceEngine(suite: suite, key: Secret(bytes: hex(test["key"] ?? "")))
        let sealed = hex(test["ct"] ?? "") + hex(test["tag"] ?? "")
        let opened = open(engine, sealed, hex(test["iv"] ?? ""), hex(test["aad"] ?? ""))
        if test["result"] == "valid" {
          #expect(opened == hex(test["msg"] ?? ""), "\(file) \(test["tcId"] ?? "")")
        } else {
          #expect(opened == nil, "\(file) \(test["tcId"] ?? "")")
        }
      }
    }
    #expect(applicable > 50)
  }

  @Test(
    "X25519: agreement, and refusal of keys of small order",
    .enabled(if: isThere, "Wycheproof's files are not beside this repository"))
  func x25519() throws {
    for group in try Self.groups("x25519_test.json") {
      for test in Self.cases(group) {
        let agreed = EphemeralKey(entropy: hex(test["private"] ?? ""))?.agree(with: hex(test["public"] ?? ""))
        let expected = hex(test["shared"] ?? "")
        if expected.allSatisfy({ $0 == 0 }) {
          #expect(agreed == nil, "test \(test["tcId"] ?? "")")
        } else if test["result"] != "invalid" {
          #expect(agreed?.bytes == expected, "test \(test["tcId"] ?? "")")
        }
      }
    }
  }
}
