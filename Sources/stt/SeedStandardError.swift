import Glibc

/// Writes a message where it cannot be taken for output.
func writeToStandardError(_ message: String) {
  var message = message
  message.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
