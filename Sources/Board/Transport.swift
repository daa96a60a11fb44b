/// How an agent's datagrams travel.
public enum Transport: String, CaseIterable, Hashable, Sendable {
  case udp
  /// For networks that let nothing but TCP 443 through.
  case webSocket = "websocket"
  /// UDP, and the WebSocket where UDP gets no answer.
  case automatic = "auto"
}

extension AgentConfiguration {
  /// The second way to the collector.
  public struct WebSocketLink: Hashable, Sendable {
    public var url: WebSocketURL
    /// A PEM file of the authorities to trust instead of the system's.
    public var authorities: String?
    /// Between looks whether UDP works again.
    public var udpRetry: Duration
  }
}

extension CollectorConfiguration {
  /// Where WebSocket connections are taken, and how many.
  public struct WebSocketListener: Hashable, Sendable {
    public var listen: NetworkAddress
    public var path: String
    /// PEM files; `nil` where a proxy does TLS.
    public var certificate: Certificate?
    public var isBehindProxy: Bool
    public var connectionCount: Int
    public var connectionsPerAddress: Int
    public var handshakeTimeout: Duration
    public var idleTimeout: Duration

    public struct Certificate: Hashable, Sendable {
      public var chain: String
      public var key: String
    }
  }
}

/// The transport's numbers, each with its reason.
public enum TransportLimits {
  public static let path = "/stt"
  public static let udpRetry = Limit<Duration>(
    .seconds(1), .seconds(86_400), usual: .seconds(300),
    because: "a look costs three datagrams, and after a day nobody remembers that UDP would be faster")
  public static let connections = Limit(
    1, 65_536, usual: 1_024, because: "each holds a socket and up to half a MiB of buffers")
  public static let perAddress = Limit(
    1, 65_536, usual: 64,
    because: "devices behind one NAT share an address, and so does whoever wants to use up all connections")
  public static let handshake = Limit<Duration>(
    .seconds(1), .seconds(60), usual: .seconds(10),
    because: "TLS and HTTP take four round trips, and a connection that says nothing holds a socket")
  public static let idle = Limit<Duration>(
    .seconds(15), .seconds(3_600), usual: .seconds(60),
    because: "a session speaks every 10 s, and a device between attempts at least every 75 s, which then connects again")
}
