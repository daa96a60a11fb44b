/// A host and a UDP port, as written: names are resolved by the edge, at every connection.
public struct NetworkAddress: Hashable, Sendable, CustomStringConvertible {
  /// The port of STT when none is written.
  public static let usualPort: UInt16 = 4650

  /// A name or an address, without brackets.
  public var host: String
  public var port: UInt16

  public init(host: String, port: UInt16 = usualPort) {
    self.host = host
    self.port = port
  }

  /// Why a text is no address.
  public enum Mistake: Error, Hashable, Sendable {
    case noHost
    case badPort
    /// Several colons: an IPv6 address needs brackets, or its end looks like a port.
    case needsBrackets
    case badCharacter

    /// The middle of a sentence.
    public var sentence: String {
      switch self {
      case .noHost: "names no host"
      case .badPort: "has no port from 1 to 65535 after its colon"
      case .needsBrackets: "has several colons outside brackets"
      case .badCharacter: "holds a character no host name or address has"
      }
    }
  }

  /// Reads `host`, `host:port`, `192.0.2.1:4650` or `[2001:db8::1]:4650`.
  public init(parsing text: String) throws(Mistake) {
    var host = text[...]
    var port = Self.usualPort
    if text.hasPrefix("[") {
      guard let close = text.firstIndex(of: "]") else { throw .needsBrackets }
      host = text[text.index(after: text.startIndex)..<close]
      let rest = text[text.index(after: close)...]
      if !rest.isEmpty {
        guard rest.first == ":" else { throw .badPort }
        port = try Self.port(rest.dropFirst())
      }
    } else if let colon = text.firstIndex(of: ":") {
      guard text.lastIndex(of: ":") == colon else { throw .needsBrackets }
      host = text[..<colon]
      port = try Self.port(text[text.index(after: colon)...])
    }
    guard !host.isEmpty, host.utf8.count <= 253 else { throw .noHost }
    let allowed = host.utf8.allSatisfy {
      isLetterOrDigit($0) || ".-_:%".utf8.contains($0)
    }
    guard allowed else { throw .badCharacter }
    self.init(host: String(host), port: port)
  }

  private static func port(_ text: Substring) throws(Mistake) -> UInt16 {
    guard text.utf8.allSatisfy(isDigit), let value = UInt16(text), value > 0 else { throw .badPort }
    return value
  }

  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

extension TableReader {
  mutating func address(_ key: String, usual: NetworkAddress?, _ remedy: String) -> NetworkAddress? {
    guard table[key] != nil || usual != nil else {
      _ = take(key)
      missing(key, remedy)
      return nil
    }
    guard let (text, position) = text(key, remedy) else { return usual }
    do {
      return try NetworkAddress(parsing: text)
    } catch {
      fail(.invalidValue, key, at: position, "\"\(shown(text))\" \(error.sentence)", remedy)
      return usual
    }
  }
}
