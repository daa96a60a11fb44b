import Foundation
import STTRecord
import STTRecorder
import Testing

@Suite struct StockWriterTests {
  static let python = ProcessInfo.processInfo.environment["STT_TEST_PYTHON"]

  @Test(
    "every combination of features of the stock Python writer is read",
    .enabled(if: python != nil, "needs STT_TEST_PYTHON: an interpreter with the packages of Tests/requirements.txt"))
  func everyCombination() throws {
    let folder = try RecorderTests.Folder()
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
      "write_with_stock_mcap.py")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(Self.python))
    process.arguments = [script.path, folder.path]
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    let files = folder.segments
    #expect(files.count == 3 * 4 * 128)
    for path in files {
      var numbers: [UInt64] = []
      let report = try SegmentVerifier.verify(
        try FileSource(path), decompressor: Zstandard(),
        message: { message, channel in
          let payload = message.payload.withUnsafeBytes { [UInt8]($0) }
          let number = message.identity.number
          numbers.append(number)
          #expect(payload == [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 40))
          #expect(channel.topic == ["a", "b", "c"][Int(number % 3)])
          #expect(message.logTime == 1000 + number && message.publishTime == 900 + number)
        })
      #expect(report.verdict == .intact, "\(path): \(report.damage?.description ?? "")")
      #expect(numbers.sorted() == Array(0..<30), "\(path)")
    }
  }
}
