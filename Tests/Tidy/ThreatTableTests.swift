import Testing

@Suite struct ThreatTableTests {
  private struct Row {
    var name: String
    var tests: [(suite: String, function: String)]
  }

  private static let rows: [Row] = {
    guard let file = Repository.files.first(where: { $0.path == "docs/threats.md" }) else { return [] }
    return file.lines.compactMap { line in
      let cells = line.split(separator: "|").map { $0.trimmingBlanks }
      guard cells.count == 4, let letter = cells[0].first, "ABTFR".contains(letter), Int(cells[0].dropFirst()) != nil
      else { return nil }
      let quoted = cells[3].split(separator: "`", omittingEmptySubsequences: false).enumerated().filter {
        $0.offset % 2 == 1
      }
      return Row(
        name: String(cells[0]),
        tests: quoted.compactMap { _, text in
          let parts = text.split(separator: "/")
          return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
        })
    }
  }()

  @Test func everyThreatIsListedOnce() {
    let expected = (1...15).map { "A\($0)" } + (1...16).map { "B\($0)" } + ["T1", "F1", "F2"] + (1...5).map { "R\($0)" }
    #expect(Self.rows.map(\.name) == expected)
  }

  @Test func everyThreatNamesTestsThatExist() {
    let sources = Repository.files(under: ["Tests"], suffixes: ["swift"])
    for row in Self.rows {
      #expect(!row.tests.isEmpty, "\(row.name) names no test")
      for test in row.tests {
        let isThere = sources.contains { file in
          file.lines.contains { $0.contains("struct \(test.suite) {") || $0.contains("struct \(test.suite):") }
            && file.lines.contains { $0.contains("func \(test.function)(") }
        }
        #expect(isThere, "\(row.name) names \(test.suite)/\(test.function), which is no test")
      }
    }
  }
}

extension Substring {
  fileprivate var trimmingBlanks: Substring {
    let start = drop { $0 == " " }
    guard let end = start.lastIndex(where: { $0 != " " }) else { return start }
    return start[...end]
  }
}
