import Foundation
import FuzzInputs
import Testing

/// What fuzzing found and what it begins with, replayed without libFuzzer.
@Suite struct ReplayTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

  private static func inputs(_ folder: String, _ target: FuzzTarget) -> [(name: String, bytes: [UInt8])] {
    let directory = root.appendingPathComponent(folder).appendingPathComponent(target.rawValue)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
    return names.sorted().compactMap { name in
      (try? Data(contentsOf: directory.appendingPathComponent(name))).map {
        ("\(folder)/\(target.rawValue)/\(name)", [UInt8]($0))
      }
    }
  }

  @Test("every checked-in input, every former crash and every example keeps all promises", arguments: FuzzTarget.allCases)
  func replay(target: FuzzTarget) {
    let examples = target.examples.enumerated().map { (name: "example \($0)", bytes: $1) }
    let inputs = Self.inputs("corpus", target) + Self.inputs("crashes", target) + examples
    #expect(examples.isEmpty == false)
    for input in inputs {
      let finding = input.bytes.withUnsafeBytes { target.run($0) }
      #expect(finding == nil, "\(input.name)")
    }
  }

  @Test("every prefix of an example keeps all promises", arguments: FuzzTarget.allCases)
  func prefixes(target: FuzzTarget) {
    for example in target.examples {
      for length in stride(from: 0, to: example.count, by: max(1, example.count / 40)) {
        let finding = example.prefix(length).withUnsafeBytes { target.run($0) }
        #expect(finding == nil, "\(length) of \(example.count) bytes")
      }
    }
  }

  @Test func everyFolderOfInputsBelongsToATarget() throws {
    for folder in ["corpus", "crashes"] {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: Self.root.appendingPathComponent(folder).path)) ?? []
      for name in names where !name.hasPrefix(".") { #expect(FuzzTarget(rawValue: name) != nil, "\(folder)/\(name)") }
    }
  }
}
