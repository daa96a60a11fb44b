/// What an agent does: whom it talks to, what it reads, and how much memory it may use.
public struct AgentConfiguration: Hashable, Sendable {
  /// The device's name, when the configuration repeats it; must then equal the pair's.
  public var deviceName: String?
  /// The device's own private key, by which it proves who it is in every session; `nil`: it does not.
  public var identity: PairReference?
  /// Where counters, the incarnation and later the spool are kept; one agent at a time.
  public var stateDirectory: String
  /// A Unix socket that answers `stt-agent status`; `nil` when switched off with `""`.
  public var statusSocket: String?
  public var collector: CollectorLink
  public var buffers: BufferBudget
  /// In the order of the text, at least one.
  public var sources: [SourceConfiguration]

  /// How the agent reaches its collector.
  public struct CollectorLink: Hashable, Sendable {
    /// `nil` where only the WebSocket is used.
    public var address: NetworkAddress?
    public var transport: Transport
    /// Unless the transport is UDP alone.
    public var webSocket: WebSocketLink?
    public var pair: PairReference
    public var mode: HandshakeMode
    public var cipher: CipherPreference
    /// The largest UDP payload offered, in bytes.
    public var maximumDatagramByteCount: Int

    /// Where the collector is, for people.
    public var place: String {
      let ways = [transport == .webSocket ? nil : address?.description, webSocket?.url.description]
      return ways.compactMap(\.self).joined(separator: " or ")
    }
  }

  /// Memory of the agent, in bytes: reserved at start, never grown.
  public struct BufferBudget: Hashable, Sendable {
    /// All leased buffers together.
    public var memoryByteCount: Int
    /// Messages sent and not yet acknowledged (for durable streams: not yet synced), all streams.
    public var unacknowledgedByteCount: Int
    /// Outputs waiting between one source and the session.
    public var queueLength: Int
  }
}

/// What the handshake mixes into its keys (docs/protocol.md 2.0).
public enum HandshakeMode: String, CaseIterable, Hashable, Sendable {
  /// The seed, X25519 and ML-KEM-768: a stolen seed does not open recorded sessions.
  case hybrid
  /// The seed alone, for devices too small for more. The collector must allow it by name.
  case seed
}

/// Which AEAD the agent offers.
public enum CipherPreference: String, CaseIterable, Hashable, Sendable {
  /// AES-256-GCM where the processor has AES instructions, else ChaCha20-Poly1305.
  case automatic = "auto"
  case aes256GCM = "aes-256-gcm"
  case chaCha20Poly1305 = "chacha20-poly1305"
}

/// The agent's numbers, each with its reason.
public enum AgentLimits {
  public static let stateDirectory = "/var/lib/stt/agent"
  public static let statusSocket = "/run/stt/agent/status.sock"
  public static let maximumDatagram = Limit(
    1_200, 65_507, usual: 65_507,
    because: "1200 passes every IPv6 path unfragmented and holds a handshake message, and 65507 is the largest UDP payload")
  public static let memory = Limit(
    1 << 20, 1 << 34, usual: 32 << 20,
    because: "below 1 MiB not one camera frame fits, and above 16 GiB no such board exists")
  public static let unacknowledged = Limit(
    256 << 10, 1 << 34, usual: 16 << 20,
    because: "it must hold what a round trip and the collector's sync interval keep in flight, and lies inside the memory")
  public static let queueLength = Limit(
    2, 65_536, usual: 256,
    because: "one output is being written while one is read, and a longer queue only hides a slow link")
  public static let sourceCount = 64
  public static let sourceCountReason = "a session has 256 streams, and each source is a thread's duty"
}
