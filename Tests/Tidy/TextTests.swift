import Foundation
import Testing

@Suite struct TextTests {
  /// Words are put together here so that this file does not contain what it forbids.
  private static let unfinished = ["TO" + "DO", "FIX" + "ME", "XX" + "X:"]
  private static let traps = ["try" + "!", "as" + "!", "fatal" + "Error("]
  private static let workplace = "/wo" + "rk/"

  @Test func nothingTrapsOnPurposeInProductCode() {
    for file in Repository.files(under: ["Sources", "collector"], suffixes: ["swift"]) {
      for (index, line) in file.lines.enumerated() where !isComment(line) {
        for trap in Self.traps where containsWord(line, trap) {
          Issue.record("\(file.path):\(index + 1): \(trap) stops the process: throw, or answer a refusal")
        }
      }
    }
  }

  @Test func nothingIsLeftForLater() {
    for file in Repository.files {
      for (index, line) in file.lines.enumerated() {
        for word in Self.unfinished where containsWord(line, word) {
          Issue.record("\(file.path):\(index + 1): \(word) marks unfinished work: finish it or open an issue")
        }
      }
    }
  }

  @Test func noPathOfAnyonesMachineIsWritten() {
    for file in Repository.files {
      for (index, line) in file.lines.enumerated() where line.contains(Self.workplace) {
        Issue.record("\(file.path):\(index + 1): holds a path that exists on one machine only")
      }
    }
  }

  @Test func sourcesHaveFewerThan500Lines() {
    for file in Repository.files(under: ["Sources", "collector", "Tests"], suffixes: ["swift", "c", "h"]) {
      let count = file.lines.count - 1
      #expect(count < 500, "\(file.path): has \(count) lines: one idea a file")
    }
  }

  @Test func linesEndWithoutBlanksAndFilesWithALineEnd() {
    for file in Repository.files where !file.text.isEmpty {
      for (index, line) in file.lines.enumerated() where line.last == " " || line.last == "\t" || line.last == "\r" {
        Issue.record("\(file.path):\(index + 1): ends with a blank")
      }
      #expect(file.text.hasSuffix("\n"), "\(file.path): the last line has no line end")
      #expect(!file.text.hasSuffix("\n\n"), "\(file.path): ends with an empty line")
    }
  }

  private func isComment(_ line: Substring) -> Bool {
    line.drop { $0 == " " }.hasPrefix("//")
  }

  /// Whether `word` stands in `line` and is not the end of a longer word (`has!` is no `as!`).
  private func containsWord(_ line: Substring, _ word: String) -> Bool {
    var rest = line
    while let range = rest.range(of: word) {
      let before = line[..<range.lowerBound].last
      if before == nil || !(before?.isLetter ?? false) && before != "_" { return true }
      rest = rest[range.upperBound...]
    }
    return false
  }
}
