/// Where a WebSocket is: `wss://host/path` with TLS, or `ws://host/path` without.
public struct WebSocketURL: Hashable, Sendable, CustomStringConvertible {
  public var isSecure: Bool
  /// A name or an address, without brackets.
  public var host: String
  public var port: UInt16
  /// Begins with `/`; a query may follow.
  public var path: String

  /// Reads a URL; `nil` when `text` is none of these.
  public init?(parsing text: String) {
    var rest = text[...]
    if rest.hasPrefix("wss://") {
      isSecure = true
      rest = rest.dropFirst(6)
    } else if rest.hasPrefix("ws://") {
      isSecure = false
      rest = rest.dropFirst(5)
    } else {
      return nil
    }
    let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
    let authority = rest[..<end]
    guard let address = try? NetworkAddress(parsing: String(authority)) else { return nil }
    host = address.host
    // The port of STT, where none is written, is no port of HTTP.
    let hasPort = authority.last != "]" && authority.contains(":")
    port = hasPort ? address.port : isSecure ? 443 : 80
    let path = String(rest[end...])
    self.path = path.hasPrefix("/") ? path : "/" + path
    guard isRequestTarget(self.path) else { return nil }
  }

  /// What the Host header says.
  public var authority: String {
    let name = host.contains(":") ? "[\(host)]" : host
    return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
  }

  public var description: String { "\(isSecure ? "wss" : "ws")://\(authority)\(path)" }
}

/// Whether `text` can stand in a request line: visible ASCII, without a fragment.
func isRequestTarget(_ text: String) -> Bool {
  text.hasPrefix("/") && text.utf8.count <= 1_024
    && text.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }
}
