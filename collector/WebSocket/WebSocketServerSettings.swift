/// What a ``WebSocketServer`` is to do.
public struct WebSocketServerSettings: Sendable {
  public var host: String
  /// 0 for one that the kernel chooses.
  public var port: Int
  /// The only path that is served.
  public var path: String
  /// PEM files of the certificate chain and its key; `nil` where a proxy in front does TLS.
  public var certificate: (chain: String, key: String)?
  /// Whether a proxy in front says where connections come from (X-Forwarded-For).
  public var isBehindProxy: Bool
  public var connectionCount: Int
  public var connectionsPerAddress: Int
  /// From the connection's begin to the upgrade, TLS included, in nanoseconds.
  public var handshakeNanoseconds: Int64
  /// Without anything received, in nanoseconds.
  public var idleNanoseconds: Int64

  public init(
    host: String, port: Int, path: String, certificate: (chain: String, key: String)?, isBehindProxy: Bool,
    connectionCount: Int, connectionsPerAddress: Int, handshakeNanoseconds: Int64, idleNanoseconds: Int64
  ) {
    self.host = host
    self.port = port
    self.path = path
    self.certificate = certificate
    self.isBehindProxy = isBehindProxy
    self.connectionCount = connectionCount
    self.connectionsPerAddress = connectionsPerAddress
    self.handshakeNanoseconds = handshakeNanoseconds
    self.idleNanoseconds = idleNanoseconds
  }
}

/// Why a ``WebSocketServer`` could not start. The text is a sentence for its owner.
public struct WebSocketServerFailure: Error, CustomStringConvertible, Sendable {
  public let description: String

  init(_ description: String) { self.description = description }
}

/// What a ``WebSocketServer`` has seen.
public struct WebSocketServerCounters: Hashable, Sendable {
  /// Connections that carry datagrams now.
  public var open = 0
  /// Connections that ever did.
  public var accepted: UInt64 = 0
  /// Connections beyond a limit.
  public var overLimit: UInt64 = 0
  /// Connections that were no WebSocket for us: another path, no upgrade, no HTTP or TLS at all, or not
  /// in time.
  public var refused: UInt64 = 0
  /// Connections closed for what they sent.
  public var violations: UInt64 = 0
  /// Datagrams dropped because the receiving thread had not come to them.
  public var droppedIncoming: UInt64 = 0
  /// Datagrams dropped because TCP did not take them.
  public var droppedOutgoing: UInt64 = 0
  public var received: UInt64 = 0
  public var sent: UInt64 = 0

  public init() {}
}
