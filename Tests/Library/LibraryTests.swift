import Foundation
import Testing

@Suite struct LibraryTests {
  @Test("the example of docs/library.md runs: a message goes from one endpoint to the other")
  func exampleRuns() throws {
    #expect(try streamOneMessage() == Array("hello".utf8))
  }

  @Test("docs/library.md shows the example as it is compiled")
  func documentShowsTheExample() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let example = try String(contentsOf: folder.appendingPathComponent("Example.swift"), encoding: .utf8)
    let document = try String(
      contentsOf: folder.appendingPathComponent("../../docs/library.md"), encoding: .utf8)
    let code = example.split(separator: "\n", omittingEmptySubsequences: false).dropFirst().joined(separator: "\n")
    #expect(document.contains("```swift\n" + code + "```"))
  }
}
