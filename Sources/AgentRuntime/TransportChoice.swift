import STTBoard

/// Which of the two ways to the collector is used now, and when to try the other (docs/architecture.md).
///
/// Reads no clock: times are nanoseconds of the monotonic clock.
struct TransportChoice {
  enum Path: Hashable, Sendable { case udp, webSocket }

  /// UDP without an answer for so long is given up: while there is no session, the first attempt and
  /// its five repetitions; in a session, a keep-alive and then some (the session itself ends after 30 s).
  private static let strangerPatience: UInt64 = 8_000_000_000
  private static let sessionPatience: UInt64 = 15_000_000_000
  /// A WebSocket that opens no session for so long is given up too.
  private static let webSocketPatience: UInt64 = 40_000_000_000
  /// Probes of one look, since one may get lost, and the time between them.
  private static let mostProbes = 3
  private static let probeInterval: UInt64 = 1_000_000_000
  /// While the WebSocket is down, UDP is looked at so often.
  private static let urgentInterval: UInt64 = 5_000_000_000

  private let transport: Transport
  private let retry: UInt64
  private(set) var path: Path
  /// When something last came this way, or it was taken.
  private var heardAt: UInt64
  private var probeAt = UInt64.max
  private var probesLeft = 0

  /// - Parameter retry: nanoseconds between looks whether UDP works again.
  init(_ transport: Transport, retry: UInt64, now: UInt64) {
    self.transport = transport
    self.retry = retry
    path = transport == .webSocket ? .webSocket : .udp
    heardAt = now
  }

  /// Whether a WebSocket connection is to be had.
  func wantsWebSocket(isConnected: Bool, now: UInt64) -> Bool {
    path == .webSocket || transport == .automatic && isSilent(isConnected, now)
  }

  /// A datagram came.
  mutating func heard(on path: Path, now: UInt64) {
    if path == self.path { heardAt = now }
  }

  /// This machine is on another network: UDP may work there.
  mutating func moved(now: UInt64) {
    guard path == .webSocket, transport == .automatic else { return }
    probeAt = now
    probesLeft = Self.mostProbes
  }

  /// The collector answered a probe.
  mutating func probeAnswered(now: UInt64) {
    guard path == .webSocket, transport == .automatic else { return }
    take(.udp, now)
  }

  /// Takes the other path, if this one has given no answer for too long.
  mutating func choose(isConnected: Bool, isWebSocketUp: Bool, now: UInt64) {
    guard transport == .automatic else { return }
    switch path {
    case .udp:
      if isWebSocketUp, isSilent(isConnected, now) { take(.webSocket, now) }
    case .webSocket:
      if !isWebSocketUp { probeAt = min(probeAt, now + Self.urgentInterval) }
      if !isConnected, now - heardAt >= Self.webSocketPatience { take(.udp, now) }
    }
  }

  /// Whether to send a probe over UDP now.
  mutating func takeProbe(now: UInt64) -> Bool {
    guard path == .webSocket, now >= probeAt else { return false }
    if probesLeft == 0 { probesLeft = Self.mostProbes }
    probesLeft -= 1
    probeAt = now + (probesLeft == 0 ? retry : Self.probeInterval)
    return true
  }

  /// When to choose again, or to probe.
  func deadline(isConnected: Bool, now: UInt64) -> UInt64 {
    guard transport == .automatic else { return .max }
    switch path {
    case .udp:
      // Once it is silent, what happens next is the WebSocket's to tell.
      let end = heardAt + (isConnected ? Self.sessionPatience : Self.strangerPatience)
      return end > now ? end : .max
    case .webSocket: return min(probeAt, isConnected ? .max : heardAt + Self.webSocketPatience)
    }
  }

  private func isSilent(_ isConnected: Bool, _ now: UInt64) -> Bool {
    now - heardAt >= (isConnected ? Self.sessionPatience : Self.strangerPatience)
  }

  private mutating func take(_ path: Path, _ now: UInt64) {
    self.path = path
    heardAt = now
    probesLeft = 0
    probeAt = path == .webSocket ? now + retry : .max
  }
}
