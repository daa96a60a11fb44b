import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket
import STTBoard
import STTWebSocket

/// The agent's UDP port on one side, a WebSocket connection on the other, made again whenever it ends.
final class Bridge: @unchecked Sendable {
  // Sound because after `run` has begun everything that changes is touched on the one event loop alone.

  /// What a session finds to be the largest datagram of this path: a longer one would hold up all others
  /// on a slow link, and saves nothing.
  private static let largestDatagram = 8_952
  private static let connectTimeout = TimeAmount.seconds(10)

  private let target: WebSocketURL
  private let tls: NIOSSLContext?
  private let agent: SocketAddress
  private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  private let loop: any EventLoop
  private var local: (any Channel)?
  private var connection: (channel: any Channel, queue: DatagramQueue)?
  private var backoff = Backoff()
  /// Why the present attempt or connection is ending, once that is known.
  private var reason: String?
  private var droppedBefore: UInt64 = 0
  private var reportedDrops: UInt64 = 0

  init(to target: WebSocketURL, authorities: String?, agentPort: UInt16) throws {
    self.target = target
    agent = try SocketAddress(ipAddress: "127.0.0.1", port: Int(agentPort))
    loop = group.next()
    if target.isSecure {
      var configuration = TLSConfiguration.makeClientConfiguration()
      configuration.minimumTLSVersion = .tlsv12
      configuration.applicationProtocols = ["http/1.1"]
      if let authorities {
        // Read here, because a file that is missing or empty would otherwise show as a distrusted server.
        guard let trusted = try? NIOSSLCertificate.fromPEMFile(authorities), !trusted.isEmpty else {
          throw Unusable(description: "\(authorities) holds no certificates (PEM) that this user can read")
        }
        configuration.trustRoots = .certificates(trusted)
      }
      tls = try NIOSSLContext(configuration: configuration)
    } else {
      tls = nil
    }
  }

  /// Works until standard input ends.
  func run() throws {
    let end = loop.makePromise(of: Void.self)
    let input = dup(STDIN_FILENO)
    _ = try NIOPipeBootstrap(group: group)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Lifeline { end.succeed(()) })
        }
      }
      .takingOwnershipOfDescriptor(input: input).wait()
    let local = try DatagramBootstrap(group: group)
      .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 65_536))
      .channelOption(.socketOption(.so_rcvbuf), value: 1 << 20)
      .channelInitializer { [self] channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(AgentPort(agent) { self.send($0) })
        }
      }
      .bind(host: "127.0.0.1", port: 0).wait()
    Report.line("port \(local.localAddress?.port ?? 0)")
    try loop.submit { self.begin(local) }.wait()
    try end.futureResult.wait()
    // The agent's last datagrams, which it has sent by now, still leave.
    try loop.scheduleTask(in: .milliseconds(100)) { self.leave() }.futureResult.flatMap { $0 }.wait()
    try? group.syncShutdownGracefully()
  }

  private func leave() -> EventLoopFuture<Void> {
    guard let channel = connection?.channel else { return loop.makeSucceededVoidFuture() }
    channel.pipeline.fireUserInboundEventTriggered(DatagramHandler.Leave())
    return channel.closeFuture.hop(to: loop)
  }

  private func begin(_ local: any Channel) {
    self.local = local
    connect()
    loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in self.reportDrops() }
  }

  // MARK: - Datagrams

  private func send(_ datagram: ByteBuffer) {
    guard let connection, datagram.readableBytes <= Self.largestDatagram else {
      droppedBefore += 1
      return
    }
    if connection.queue.push(datagram) {
      connection.channel.pipeline.fireUserInboundEventTriggered(DatagramHandler.Wake())
    }
  }

  private func receive(_ datagram: ByteBuffer) {
    guard let local, local.isWritable else {
      droppedBefore += 1
      return
    }
    local.writeAndFlush(AddressedEnvelope(remoteAddress: agent, data: datagram), promise: nil)
  }

  private func reportDrops() {
    let dropped = droppedBefore + (connection?.queue.droppedCount ?? 0)
    guard dropped != reportedDrops else { return }
    reportedDrops = dropped
    Report.line("dropped \(dropped)")
  }

  // MARK: - The connection

  private func connect() {
    reason = nil
    ClientBootstrap(group: group)
      .connectTimeout(Self.connectTimeout)
      .channelOption(.writeBufferWaterMark, value: StreamOptions.watermark)
      .channelInitializer { [self] channel in channel.eventLoop.makeCompletedFuture { try prepare(channel) } }
      .connect(host: target.host, port: Int(target.port))
      .hop(to: loop)
      .whenComplete { [self] result in
        switch result {
        case .success(let channel): channel.closeFuture.hop(to: loop).whenComplete { _ in self.ended("it was closed") }
        case .failure(let error): ended(Self.sentence(error, target))
        }
      }
  }

  private func prepare(_ channel: any Channel) throws {
    let pipeline = channel.pipeline.syncOperations
    if let options = channel.syncOptions {
      for (option, value) in StreamOptions.tcp { try options.setOption(option, value: value) }
    }
    if let tls {
      let isAddress = (try? SocketAddress(ipAddress: target.host, port: 0)) != nil
      try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: isAddress ? nil : target.host))
    }
    let upgrader = NIOWebSocketClientUpgrader(
      maxFrameSize: DatagramHandler.largestDatagram, automaticErrorHandling: false,
      upgradePipelineHandler: { [self] channel, _ in channel.eventLoop.makeCompletedFuture { try upgraded(channel) } })
    let configuration: NIOHTTPClientUpgradeConfiguration = (upgraders: [upgrader], completionHandler: { _ in })
    try pipeline.addHTTPClientHandlers(leftOverBytesStrategy: .forwardBytes, withClientUpgrade: configuration)
    try pipeline.addHandler(UpgradeRequest(target) { self.reason = self.reason ?? $0 })
  }

  private func upgraded(_ channel: any Channel) throws {
    let pipeline = channel.pipeline.syncOperations
    pipeline.removeHandler(try pipeline.handler(type: UpgradeRequest.self), promise: nil)
    let queue = DatagramQueue()
    try pipeline.addHandler(
      DatagramHandler(
        .client, queue: queue, receive: { self.receive($0) }, refused: { self.reason = "the server sent \($0)" }))
    connection = (channel, queue)
    backoff.connected(at: .now())
    Report.line("connected")
  }

  private func ended(_ usual: String) {
    if let queue = connection?.queue {
      queue.clear()
      droppedBefore += queue.droppedCount
    }
    connection = nil
    let wait = backoff.next(at: .now())
    Report.line("disconnected \(reason ?? usual); trying again in \(wait.nanoseconds / 1_000_000) ms")
    loop.scheduleTask(in: wait) { self.connect() }
  }

  /// What keeps it from working at all.
  struct Unusable: Error, CustomStringConvertible {
    let description: String
  }

  private static func sentence(_ error: any Error, _ target: WebSocketURL) -> String {
    guard let failure = error as? NIOConnectionError else { return "\(error)" }
    if let first = failure.connectionErrors.first {
      let reason = (first.error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(first.error)"
      return "cannot reach \(target.authority): \(reason)"
    }
    return "cannot find the address of \(target.host)"
  }
}
