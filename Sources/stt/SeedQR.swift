import ArgumentParser
import CQRencode
import Glibc
import STTKeyring

/// `stt seed qr FILE`: a whole pair for a phone's or another machine's camera.
struct SeedQR: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "qr",
    abstract: "Show a pair as a QR code on this terminal.",
    discussion: """
      Exit codes: 0 done, 64 wrong usage, 65 no usable pair, 66 unreadable, 73 unwritable, 77 permissions.

      The code holds the pair file, seeds included except archive-only ones: scan it, save the text as a file of mode
      600, and run `stt seed verify` on it. Everybody who sees or photographs the screen has the
      secret. It is therefore only drawn on a terminal; --anyway draws it elsewhere.
      """)

  @Argument(help: "A path, or file:, credential:, fd: or env: as in a configuration.")
  var file: PairArgument

  @Flag(help: "Draw even when the output is no terminal.")
  var anyway = false

  func run() throws {
    guard anyway || isatty(STDOUT_FILENO) == 1 else {
      throw ValidationError("The output is no terminal, and the code holds the secret. Add --anyway if that is meant.")
    }
    let pair = try file.load()
    let text: SecretBytes
    do throws(PairFlaw) {
      text = try pair.withoutArchive.text(commented: false)
    } catch {
      writeToStandardError("stt seed: \(error.sentence)\n")
      throw SeedExit.noPair
    }
    let code = text.withUnsafeBytes { bytes in
      bytes.withMemoryRebound(to: UInt8.self) { QRcode_encodeData(CInt($0.count), $0.baseAddress, 0, QR_ECLEVEL_L) }
    }
    guard let code else {
      writeToStandardError("stt seed: the QR library refused: \(String(cString: strerror(errno))).\n")
      throw ExitCode.failure
    }
    defer { QRcode_free(code) }
    draw(code)
    print("fingerprint  \(try fingerprintWords(of: pair))")
    print("Clear the screen and its history when the code was scanned.")
  }

  /// Two rows a line in half blocks, dark on light whatever the terminal's colours are.
  private func draw(_ code: UnsafeMutablePointer<QRcode>) {
    let width = Int(code.pointee.width)
    guard let modules = code.pointee.data else { return }
    // The quiet zone of ISO/IEC 18004: four modules on every side.
    func isDark(_ row: Int, _ column: Int) -> Bool {
      guard (0..<width).contains(row), (0..<width).contains(column) else { return false }
      return modules[row * width + column] & 1 == 1
    }
    for row in stride(from: -4, to: width + 4, by: 2) {
      var line = "\u{1B}[30;107m"
      for column in -4..<(width + 4) {
        switch (isDark(row, column), isDark(row + 1, column)) {
        case (true, true): line += "█"
        case (true, false): line += "▀"
        case (false, true): line += "▄"
        case (false, false): line += " "
        }
      }
      print(line + "\u{1B}[0m")
    }
  }
}
