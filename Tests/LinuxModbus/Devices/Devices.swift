import Foundation

/// The devices of devices.py, made by a stock library.
package final class ModbusDevices {
  package static let python = ProcessInfo.processInfo.environment["STT_TEST_PYTHON"]

  package struct CannotStart: Error {}

  /// The port they are at.
  package let path: String
  private let process = Process()
  private let commands = Pipe()
  private let answers = Pipe()

  package init() throws {
    guard let python = Self.python else { throw CannotStart() }
    process.executableURL = URL(fileURLWithPath: python)
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("devices.py")
    process.arguments = [script.path]
    process.standardInput = commands
    process.standardOutput = answers
    try process.run()
    path = Self.line(answers)
    guard path.hasPrefix("/dev/pts/") else { throw CannotStart() }
  }

  // Not by closing its input: programs that other tests start meanwhile may hold the pipe's end, too.
  deinit { process.terminate() }

  /// Tells them what to do and waits until they do it.
  package func tell(_ command: String) {
    commands.fileHandleForWriting.write(Data("\(command)\n".utf8))
    _ = Self.line(answers)
  }

  private static func line(_ pipe: Pipe) -> String {
    var bytes: [UInt8] = []
    while let byte = try? pipe.fileHandleForReading.read(upToCount: 1)?.first, byte != UInt8(ascii: "\n") {
      bytes.append(byte)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
