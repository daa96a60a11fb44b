import DequeModule
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket
public import STTSession
import STTWebSocket

/// Takes datagrams that come over WebSocket connections, for networks that let nothing else through,
/// and answers over them. An event loop of its own does TLS, HTTP and framing; datagrams go to and come
/// from whichever thread owns the sessions.
public final class WebSocketServer: Sendable {
  private let group: MultiThreadedEventLoopGroup
  private let listener: any Channel
  private let table: ConnectionTable

  /// Listens from now on.
  ///
  /// - Parameters:
  ///   - notify: called on another thread when there is something for ``receive(_:)``; at most once
  ///     until that was called.
  ///   - trouble: told what the owner should know while it runs.
  public init(
    _ settings: WebSocketServerSettings, notify: @escaping @Sendable () -> Void,
    trouble: @escaping @Sendable (String) -> Void
  ) throws(WebSocketServerFailure) {
    let certificate =
      if let files = settings.certificate {
        try Certificate(chain: files.chain, key: files.key, trouble: trouble)
      } else {
        Certificate?.none
      }
    let table = ConnectionTable(settings, notify: notify)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    do {
      listener = try ServerBootstrap(group: group)
        .serverChannelOption(.backlog, value: 256)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelOption(.writeBufferWaterMark, value: StreamOptions.watermark)
        .childChannelInitializer { channel in Self.prepare(channel, settings, certificate, table) }
        .bind(host: settings.host, port: settings.port).wait()
    } catch {
      try? group.syncShutdownGracefully()
      throw WebSocketServerFailure(
        "cannot listen for WebSocket connections at \(settings.host):\(settings.port): \(Self.reason(error)); `ss -tlpn` shows who listens where"
      )
    }
    self.group = group
    self.table = table
  }

  /// Throws what is wrong with a certificate and its key.
  public static func check(certificate chain: String, key: String) throws(WebSocketServerFailure) {
    _ = try Certificate.load(chain, key)
  }

  /// Where it listens.
  public var port: Int { listener.localAddress?.port ?? 0 }

  public var counters: WebSocketServerCounters { table.counters }

  /// Calls `body` with every datagram that has come. One thread's.
  ///
  /// - Parameter body: may overwrite the datagram, and must not keep it.
  public func receive(_ body: (_ datagram: UnsafeMutableRawBufferPointer, _ source: PeerAddress) -> Void) {
    var incoming = table.takeIncoming()
    while var next = incoming.popFirst() {
      next.bytes.withUnsafeMutableReadableBytes { body($0, next.source) }
    }
  }

  /// Sends a copy of `datagram` to a connection, unless it is gone.
  public func send(_ datagram: UnsafeRawBufferPointer, to address: PeerAddress) { table.send(datagram, to: address) }

  private static func reason(_ error: any Error) -> String {
    (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
  }

  /// Closes every connection, and ends the thread.
  public func stop() {
    try? listener.close().wait()
    try? group.syncShutdownGracefully()
  }

  // MARK: - A connection's begin

  private static func prepare(
    _ channel: any Channel, _ settings: WebSocketServerSettings, _ certificate: Certificate?, _ table: ConnectionTable
  ) -> EventLoopFuture<Void> {
    guard table.openSocket() else { return channel.close() }
    channel.closeFuture.whenComplete { _ in table.closeSocket() }
    return channel.eventLoop.makeCompletedFuture {
      let pipeline = channel.pipeline.syncOperations
      if let options = channel.syncOptions {
        for (option, value) in StreamOptions.tcp { try options.setOption(option, value: value) }
      }
      if let certificate { try pipeline.addHandler(NIOSSLServerHandler(context: certificate.context)) }
      var limits = NIOHTTPDecoderLimitConfiguration()
      limits.maxHeaderFieldSize = 8 << 10
      limits.maxHeaderListSize = 16 << 10
      limits.maxHeaderFieldCount = 64
      let configuration: NIOHTTPServerUpgradeConfiguration = (
        upgraders: [upgrader(settings, table)], completionHandler: { _ in }
      )
      try pipeline.configureHTTPServerPipeline(
        withPipeliningAssistance: false, withServerUpgrade: configuration, withErrorHandling: true,
        withEncoderConfiguration: .init(), withDecoderLimitConfiguration: limits)
      try pipeline.addHandler(PlainAnswer(path: settings.path))
      try pipeline.addHandler(HandshakeWatch(table, limit: .nanoseconds(settings.handshakeNanoseconds)))
    }
  }

  private static func upgrader(
    _ settings: WebSocketServerSettings, _ table: ConnectionTable
  ) -> NIOWebSocketServerUpgrader {
    NIOWebSocketServerUpgrader(
      maxFrameSize: DatagramHandler.largestDatagram, automaticErrorHandling: false,
      shouldUpgrade: { channel, request in
        let isWelcome =
          request.uri.pathOnly == settings.path
          && remote(channel, request, settings).map { table.hasRoom(for: $0) } == true
        return channel.eventLoop.makeSucceededFuture(isWelcome ? HTTPHeaders() : nil)
      },
      upgradePipelineHandler: { channel, request in
        channel.eventLoop.makeCompletedFuture { try begin(channel, request, settings, table) }
      })
  }

  private static func begin(
    _ channel: any Channel, _ request: HTTPRequestHead, _ settings: WebSocketServerSettings, _ table: ConnectionTable
  ) throws {
    guard let remote = remote(channel, request, settings) else { return channel.close(promise: nil) }
    let pipeline = channel.pipeline.syncOperations
    try pipeline.handler(type: HandshakeWatch.self).succeeded()
    pipeline.removeHandler(try pipeline.handler(type: HandshakeWatch.self), promise: nil)
    pipeline.removeHandler(try pipeline.handler(type: PlainAnswer.self), promise: nil)
    let queue = DatagramQueue()
    let address = table.add(channel, queue: queue, from: remote)
    channel.closeFuture.whenComplete { _ in table.remove(address) }
    try pipeline.addHandler(IdleStateHandler(readTimeout: .nanoseconds(settings.idleNanoseconds)))
    try pipeline.addHandler(
      DatagramHandler(
        .server, queue: queue, receive: { table.received(.init(bytes: $0, source: address)) },
        refused: { _ in table.countViolation() }))
  }

  /// Where a connection comes from. A proxy appends the address it sees to X-Forwarded-For; whatever
  /// stands before that, the client may have invented.
  private static func remote(
    _ channel: any Channel, _ request: HTTPRequestHead, _ settings: WebSocketServerSettings
  ) -> PeerAddress? {
    guard let direct = channel.remoteAddress.flatMap({ PeerAddress($0) }) else { return nil }
    guard settings.isBehindProxy, let last = request.headers[canonicalForm: "x-forwarded-for"].last,
      let forwarded = try? SocketAddress(ipAddress: String(last), port: 0), var address = PeerAddress(forwarded)
    else { return direct }
    address.port = direct.port
    return address
  }
}
