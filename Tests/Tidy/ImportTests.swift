import Testing

/// The module that a line imports, or `nil` for any other line.
func importedModule(_ line: Substring) -> String? {
  var words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })[...]
  let modifiers: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
  while let word = words.first, word.hasPrefix("@") || modifiers.contains(word) { words = words.dropFirst() }
  guard words.first == "import" else { return nil }
  words = words.dropFirst()
  let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "typealias", "func", "let", "var"]
  if let word = words.first, kinds.contains(word) { words = words.dropFirst() }
  return words.first?.split(separator: ".").first.map(String.init)
}

@Suite struct ImportTests {
  @Test(arguments: [
    ("import Glibc", "Glibc"), ("public import STTBoard", "STTBoard"), ("  @preconcurrency import Foundation", "Foundation"),
    ("@_spi(X) public import STC", "STC"), ("import struct Foundation.Date", "Foundation"),
    ("import func Glibc.open", "Glibc"),
  ])
  func importsAreFound(line: String, module: String) {
    #expect(importedModule(line[...]) == module)
  }

  @Test(arguments: ["// import Glibc", "let important = 1", "importance()", "", "/// The import line"])
  func otherLinesAreNoImports(line: String) {
    #expect(importedModule(line[...]) == nil)
  }

  @Test func everyArrowPointsTowardsCore() {
    let files = Repository.files(under: ["Sources", "collector"], suffixes: ["swift"])
    #expect(files.count > 20)
    for file in files {
      let folder = Modules.folder(of: file.path)
      guard let allowed = Modules.allowed(in: folder) else {
        Issue.record(
          "\(file.path): the folder \(folder) has no place in Tests/Tidy/Modules.swift: say whether it is core or edge")
        continue
      }
      for (index, line) in file.lines.enumerated() {
        if let module = importedModule(line), !allowed.contains(module) {
          Issue.record("\(file.path):\(index + 1): imports \(module), which \(folder) may not see (docs/architecture.md)")
        }
      }
    }
  }

  @Test func coreSeesNothingOfTheSystemAndSTCAloneSeesCrypto() {
    let outside: Set<String> = [
      "Foundation", "FoundationEssentials", "Glibc", "Musl", "Dispatch", "Logging", "NIOCore", "CLinux",
    ]
    for (name, module) in Modules.core {
      #expect(module.sees.isDisjoint(with: outside), "\(name)")
      #expect(module.sees.contains("Crypto") == (name == "STC"), "\(name)")
    }
    for folder in Modules.edges.values.sorted() {
      #expect(Modules.allowed(in: folder)?.isDisjoint(with: Modules.edges.keys) == true, "\(folder)")
      #expect(Modules.allowed(in: folder)?.contains("Foundation") == false, "\(folder)")
    }
    #expect(Modules.allowed(in: "Sources/AgentRuntime")?.contains("Foundation") == false)
  }

  /// A C source of our own may use OpenSSL's successors inside swift-crypto only in CSealing.
  @Test func onlyCSealingIncludesACryptoLibrary() {
    for file in Repository.files(under: ["Sources", "collector"], suffixes: ["c", "h"])
    where Modules.folder(of: file.path) != "Sources/CSealing" {
      for (index, line) in file.lines.enumerated() where line.hasPrefix("#include") && line.lowercased().contains("crypto") {
        Issue.record("\(file.path):\(index + 1): includes a crypto library")
      }
    }
  }
}
