import LinuxEvents
import Logging
import STTBoard
import STTJSON
import STTSession
import STTWebSocketServer

/// The collector's second way in, as the receiving thread sees it.
struct WebSocketEntrance {
  private let server: WebSocketServer
  private let place: String
  private let log: Logger
  /// Readable when datagrams wait.
  let wakeup: WakeupDescriptor

  init(_ configuration: CollectorConfiguration.WebSocketListener, log: Logger) throws {
    func nanoseconds(_ duration: Duration) -> Int64 { Int64(duration / .nanoseconds(1)) }
    let wakeup = try WakeupDescriptor()
    server = try WebSocketServer(
      WebSocketServerSettings(
        host: configuration.listen.host, port: Int(configuration.listen.port), path: configuration.path,
        certificate: configuration.certificate.map { ($0.chain, $0.key) }, isBehindProxy: configuration.isBehindProxy,
        connectionCount: configuration.connectionCount, connectionsPerAddress: configuration.connectionsPerAddress,
        handshakeNanoseconds: nanoseconds(configuration.handshakeTimeout),
        idleNanoseconds: nanoseconds(configuration.idleTimeout)),
      notify: { wakeup.signal() }, trouble: { log.error("\($0)") })
    let scheme = configuration.certificate == nil ? "ws" : "wss"
    place = "\(scheme)://\(configuration.listen)\(configuration.path)"
    self.wakeup = wakeup
    self.log = log
  }

  func announce() { log.notice("taking WebSocket connections at \(place)") }

  func receive(_ body: (_ datagram: UnsafeMutableRawBufferPointer, _ source: PeerAddress) -> Void) {
    wakeup.clear()
    server.receive(body)
  }

  func send(_ datagram: UnsafeRawBufferPointer, to address: PeerAddress) { server.send(datagram, to: address) }

  func stop() { server.stop() }

  func describe(into root: inout JSONObject) {
    let counters = server.counters
    var status = JSONObject()
    status.set("listen", place)
    status.set("connections", counters.open)
    status.set("accepted", counters.accepted)
    status.set("overLimit", counters.overLimit)
    status.set("refused", counters.refused)
    status.set("violations", counters.violations)
    status.set("datagramsReceived", counters.received)
    status.set("datagramsSent", counters.sent)
    status.set("datagramsDroppedIncoming", counters.droppedIncoming)
    status.set("datagramsDroppedOutgoing", counters.droppedOutgoing)
    root.set("webSocket", status)
  }
}
