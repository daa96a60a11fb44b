import Foundation
import LinuxProcess
import Testing

@Suite struct ProgramPagesTests {
  /// KiB of files mapped here and resident.
  private func residentFilePages() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("RssFile:") })
    return try #require(line.split(separator: " ").dropFirst().first.flatMap { Int($0) })
  }

  @Test("a program gives back the pages of its file, and goes on")
  func givenBack() throws {
    let before = try residentFilePages()
    ProgramPages.release()
    #expect(try residentFilePages() < before)
  }
}
