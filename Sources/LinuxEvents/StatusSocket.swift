import CLinux
import Glibc

/// A Unix socket at which a running program tells how it is: whoever connects gets one text and the
/// end of the stream.
public struct StatusSocket: ~Copyable {
  public let descriptor: CInt
  private let path: String

  /// Listens at `path`; a socket left by a killed process is replaced.
  public init(path: String) throws(SystemFailure) {
    descriptor = try SystemFailure.check(clinux_unix_listen(path), "cannot listen at \(path)")
    self.path = path
  }

  deinit {
    close(descriptor)
    unlink(path)
  }

  /// Answers one waiting client, if there is one. A client that doesn't read gets what the socket
  /// takes at once: status is never a reason to wait.
  public func answer(_ text: () -> String) {
    let client = clinux_unix_accept(descriptor)
    guard client >= 0 else { return }
    var bytes = Array(text().utf8)
    _ = send(client, &bytes, bytes.count, CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL))
    close(client)
  }

  /// What the program listening at `path` says.
  public static func ask(_ path: String) throws(SystemFailure) -> String {
    let connection = try SystemFailure.check(clinux_unix_connect(path), "nothing answers at \(path)")
    defer { close(connection) }
    var text: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 65_536)
    while true {
      let got = read(connection, &part, part.count)
      if got == 0 { break }
      if got < 0 {
        if errno == EINTR { continue }
        throw SystemFailure(call: "reading from \(path)", number: errno)
      }
      text += part[..<got]
      if text.count > 1 << 20 { break }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
