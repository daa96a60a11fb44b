import Glibc

/// What the agent is told, a line each on standard output:
///
///     port 40123            where the agent's datagrams go
///     connected
///     disconnected REASON   also when connecting failed; the next attempt comes by itself
///     dropped 17            datagrams so far
///     failed REASON         and it ends
enum Report {
  static func line(_ text: String) {
    // A line is a line, whatever a server or a library put into it.
    let safe = text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : String($0) }.joined().prefix(500)
    let bytes = Array("\(safe)\n".utf8)
    // An agent that is gone will not miss it.
    _ = write(STDOUT_FILENO, bytes, bytes.count)
  }
}
