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

  @Test("examples of a session damaged in a few places keep all promises", arguments: [FuzzTarget.session, .collector])
  func damaged(target: FuzzTarget) {
    // Knuth's linear congruential generator (MMIX); its upper bits.
    var state: UInt64 = 1
    func next(below limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % limit
    }
    for (index, example) in target.examples.enumerated() {
      for round in 0..<Self.damages {
        var bytes = example
        for _ in 0...next(below: 4) { bytes[next(below: bytes.count)] = UInt8(next(below: 256)) }
        let finding = bytes.withUnsafeBytes { target.run($0) }
        #expect(finding == nil, "example \(index), round \(round)")
      }
    }
  }

  private static let damages = 100

  @Test func everyFolderOfInputsBelongsToATarget() throws {
    for folder in ["corpus", "crashes"] {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: Self.root.appendingPathComponent(folder).path)) ?? []
      for name in names where !name.hasPrefix(".") { #expect(FuzzTarget(rawValue: name) != nil, "\(folder)/\(name)") }
    }
  }
}
