import Glibc

/// What a test wants of the collector's configuration.
struct CollectorSettings {
  var allowsSeedMode = false
  var identity = "off"
  var port: UInt16?
  /// `[recording]` root, if not the site's.
  var root: String?
  var pair: String?
  var state = "collector-state"
  var socket = "collector.sock"
  var seal = "none"
  /// Further lines of `[[device]]`.
  var device = ""
  /// Further lines of `[recording]`.
  var recording = ""
  /// Further lines of `[collector]`.
  var more = ""
  /// Lines of `[websocket]`, if it is there.
  var webSocket: String?

  func text(_ site: Site) -> String {
    """
    \(webSocket.map { "[websocket]\n\($0)" } ?? "")

    [collector]
    listen = "127.0.0.1:\(port ?? site.port)"
    state = "\(site.path)/\(state)"
    status_socket = "\(site.path)/\(socket)"
    \(more)

    [[device]]
    pair = "file:\(pair ?? site.pairPath)"
    allow_seed_mode = \(allowsSeedMode)
    identity = "\(identity)"
    \(device)

    [recording]
    root = "\(root ?? site.recordings)"
    seal = "\(seal)"
    \(recording)

    \(Self.threads(recording))
    """
  }

  /// All tests again with several receive threads: STT_TEST_RECEIVE_THREADS=2.
  private static func threads(_ recording: String) -> String {
    guard let count = getenv("STT_TEST_RECEIVE_THREADS"), !recording.contains("[limits]") else { return "" }
    return "[limits]\nreceive_threads = \(String(cString: count))\n"
  }
}

/// What a test wants of the agent's configuration.
struct AgentSettings {
  var mode = "hybrid"
  var cipher = "auto"
  var port: UInt16?
  var pair: String?
  /// The whole reference, instead of a path.
  var pairReference: String?
  var state = "agent-state"
  var socket = "agent.sock"
  /// A path, or nothing.
  var identity: String?
  /// Further lines of `[agent]`.
  var more = ""
  /// Further lines of `[collector]`.
  var transport = ""
  /// Whole `[[source]]` tables.
  var sources: [String]

  func text(_ site: Site) -> String {
    """
    [agent]
    state = "\(site.path)/\(state)"
    status_socket = "\(site.path)/\(socket)"
    \(more)

    [collector]
    address = "127.0.0.1:\(port ?? site.port)"
    pair = "\(pairReference ?? "file:\(pair ?? site.pairPath)")"
    mode = "\(mode)"
    cipher = "\(cipher)"
    \(transport)

    \(identity.map { "[device]\nidentity = \"file:\($0)\"" } ?? "")

    \(sources.joined(separator: "\n"))
    """
  }
}

/// Tables of `[[source]]`.
enum Source {
  static func pattern(
    _ name: String = "pattern", rate: Int = 500, count: UInt64, size: Int = 200, delivery: String = "reliable"
  ) -> String {
    """
    [[source]]
    name = "\(name)"
    type = "pattern"
    rate_hz = \(rate)
    count = \(count)
    message_size = \(size)
    delivery = "\(delivery)"

    """
  }

  static let system = """
    [[source]]
    name = "system"
    type = "system"
    rate_hz = 10

    """

  static func lines(_ path: String) -> String {
    """
    [[source]]
    name = "lines"
    type = "file"
    path = "\(path)"
    framing = "lines"

    """
  }

  static func pictures(_ path: String, rate: Int = 20) -> String {
    """
    [[source]]
    name = "camera"
    type = "file"
    path = "\(path)"
    framing = "jpeg"
    rate_hz = \(rate)

    """
  }
}

/// Bytes with the outline of a JPEG picture: markers, segments and data, as far as framing looks.
func outlineOfPicture(_ number: UInt8, dataByteCount: Int = 3000) -> [UInt8] {
  var bytes: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE0, 0, 6, 1, 2, 3, number]
  // A thumbnail, which is no picture of its own.
  bytes += [0xFF, 0xE1, 0, 8, 0xFF, 0xD8, 9, 9, 0xFF, 0xD9]
  bytes += [0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0]
  bytes += (0..<dataByteCount).map { UInt8(truncatingIfNeeded: ($0 &* 31 &+ Int(number)) % 251) }
  return bytes + [0xFF, 0, 0xFF, 0xD0, 7, 0xFF, 0xD9]
}
