import Foundation
import Testing

@Suite struct DocumentationTests {
  @Test func everyLinkInTheDocumentsLeadsToAFile() {
    var count = 0
    for file in Repository.files where file.path.hasSuffix(".md") {
      var isCode = false
      for (index, line) in file.lines.enumerated() {
        if line.hasPrefix("```") { isCode.toggle() }
        if isCode { continue }
        for target in linkTargets(line) {
          count += 1
          let path = resolve(target, from: file.path)
          #expect(path.map(Repository.exists) == true, "\(file.path):\(index + 1): \(target) leads nowhere")
        }
      }
    }
    #expect(count > 0, "no document has a link")
  }

  @Test func linksAreFoundAndResolved() {
    #expect(linkTargets("see [a](b.md), [c](https://x) and [d](../e/f.md#g) or [h](#i)"[...]) == ["b.md", "../e/f.md"])
    #expect(resolve("b.md", from: "docs/a.md") == "docs/b.md")
    #expect(resolve("../x/y", from: "docs/a/b.md") == "docs/x/y")
    #expect(resolve("../../x", from: "docs/a.md") == nil)
  }

  /// Types and functions at the top level of a core file: what a reader of the library sees first.
  @Test func everyPublicDeclarationOfCoreIsExplained() {
    let folders = Modules.core.values.map(\.folder)
    for file in Repository.files(under: folders, suffixes: ["swift"]) {
      let lines = file.lines
      for (index, line) in lines.enumerated() where declares(line) {
        var above = index - 1
        while above >= 0, lines[above].hasPrefix("@") { above -= 1 }
        let isExplained = above >= 0 && (lines[above].hasPrefix("///") || lines[above].hasPrefix(" */"))
        #expect(isExplained, "\(file.path):\(index + 1): has no comment that says what it is")
      }
    }
  }

  private func declares(_ line: Substring) -> Bool {
    var words = line.split(separator: " ")[...]
    while let word = words.first, word.hasPrefix("@") { words = words.dropFirst() }
    guard words.first == "public" else { return false }
    let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "actor", "typealias", "func", "let", "var"]
    return !line.hasPrefix(" ") && words.dropFirst().prefix(3).contains { kinds.contains($0) }
  }

  /// Targets of `[text](target)` that are paths, without their anchors.
  private func linkTargets(_ line: Substring) -> [String] {
    line.components(between: "](", and: ")").compactMap { target in
      if target.contains("://") || target.hasPrefix("#") || target.hasPrefix("mailto:") { return nil }
      return target.split(separator: "#").first.map(String.init)
    }
  }

  private func resolve(_ target: String, from document: String) -> String? {
    var parts = document.split(separator: "/").dropLast().map(String.init)
    for part in target.split(separator: "/") where part != "." {
      if part == ".." {
        if parts.isEmpty { return nil }
        parts.removeLast()
      } else {
        parts.append(String(part))
      }
    }
    return parts.joined(separator: "/")
  }
}

extension Substring {
  fileprivate func components(between start: String, and end: String) -> [String] {
    var result: [String] = []
    var rest = self
    while let begin = rest.range(of: start), let close = rest[begin.upperBound...].range(of: end) {
      result.append(String(rest[begin.upperBound..<close.lowerBound]))
      rest = rest[close.upperBound...]
    }
    return result
  }
}
