import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Synchronization

/// Shows streams to viewers that speak foxglove.websocket.v1, such as Foxglove
/// (https://github.com/foxglove/ws-protocol). An event loop of its own speaks to them; messages may come from
/// one other thread.
public final class FoxgloveServer: Sendable {
  static let subprotocol = "foxglove.websocket.v1"
  /// Pages that may connect besides those of this machine: a browser lets every page try.
  static let knownOrigins = ["https://app.foxglove.dev", "https://studio.foxglove.dev", "file://"]

  private let group: MultiThreadedEventLoopGroup
  private let listener: any Channel
  private let table: ViewerTable
  private let droppedMessages = Atomic<UInt64>(0)

  /// Listens from now on.
  ///
  /// - Parameters:
  ///   - port: 0 for any that is free.
  ///   - name: what viewers call the server.
  ///   - origins: further pages that may connect, as browsers name them: `https://example.org`.
  public init(host: String, port: Int, name: String, origins: [String]) throws(FoxgloveFailure) {
    let table = ViewerTable(name: name, sessionID: String(UInt64.random(in: .min ... .max), radix: 16))
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    do {
      listener = try ServerBootstrap(group: group)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelOption(.socketOption(.init(rawValue: SO_KEEPALIVE)), value: 1)
        .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
        .childChannelInitializer { channel in Self.prepare(channel, table, origins) }
        .bind(host: host, port: port).wait()
    } catch {
      try? group.syncShutdownGracefully()
      let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
      throw FoxgloveFailure(description: "cannot listen for viewers at \(host):\(port): \(reason)")
    }
    self.group = group
    self.table = table
  }

  /// Where it listens.
  public var port: Int { listener.localAddress?.port ?? 0 }

  /// Tells viewers, those that come later too, of channels.
  public func advertise(_ channels: [FoxgloveChannel]) { table.advertise(channels) }

  /// Whether a viewer wants anything.
  public var hasSubscriber: Bool { table.viewers.contains(where: \.isSubscribed) }

  /// Messages that viewers were too slow for.
  public var droppedMessageCount: UInt64 { droppedMessages.load(ordering: .relaxed) }

  /// Sends a copy of `payload` to every viewer that subscribed to `channel`.
  public func send(channel: UInt32, logTime: UInt64, payload: UnsafeRawBufferPointer) {
    for viewer in table.viewers where !viewer.send(channel: channel, logTime: logTime, payload: payload) {
      droppedMessages.add(1, ordering: .relaxed)
    }
  }

  /// Tells viewers what time it is in what is played, in nanoseconds since 1970.
  public func send(time: UInt64) {
    for viewer in table.viewers { viewer.send(time: time) }
  }

  /// Closes every connection when what was sent has left, at most a second later.
  public func stop() {
    try? listener.close().wait()
    try? EventLoopFuture.andAllComplete(table.viewers.map { $0.leave() }, on: listener.eventLoop).wait()
    try? group.syncShutdownGracefully()
  }

  // MARK: - A connection's begin

  private static func prepare(
    _ channel: any Channel, _ table: ViewerTable, _ origins: [String]
  ) -> EventLoopFuture<Void> {
    channel.eventLoop.makeCompletedFuture {
      let upgrader = NIOWebSocketServerUpgrader(
        maxFrameSize: 1 << 20, automaticErrorHandling: true,
        shouldUpgrade: { channel, request in
          channel.eventLoop.makeSucceededFuture(answer(to: request, origins))
        },
        upgradePipelineHandler: { channel, _ in
          channel.eventLoop.makeCompletedFuture { try begin(channel, table) }
        })
      var limits = NIOHTTPDecoderLimitConfiguration()
      limits.maxHeaderFieldSize = 8 << 10
      limits.maxHeaderListSize = 16 << 10
      limits.maxHeaderFieldCount = 64
      let pipeline = channel.pipeline.syncOperations
      try pipeline.configureHTTPServerPipeline(
        withPipeliningAssistance: false,
        withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in }), withErrorHandling: true,
        withEncoderConfiguration: .init(), withDecoderLimitConfiguration: limits)
      try pipeline.addHandler(PlainReply())
    }
  }

  /// The headers to accept with, or `nil` to refuse.
  static func answer(to request: HTTPRequestHead, _ origins: [String]) -> HTTPHeaders? {
    let offered = request.headers[canonicalForm: "sec-websocket-protocol"]
    guard offered.contains(where: { $0 == subprotocol }) else { return nil }
    if let origin = request.headers.first(name: "origin"), !isWelcome(origin, origins) { return nil }
    return HTTPHeaders([("Sec-WebSocket-Protocol", subprotocol)])
  }

  private static func isWelcome(_ origin: String, _ origins: [String]) -> Bool {
    if knownOrigins.contains(origin) || origins.contains(origin) { return true }
    return ["http://localhost", "https://localhost", "http://127.0.0.1", "http://[::1]"].contains {
      origin == $0 || origin.hasPrefix($0 + ":")
    }
  }

  private static func begin(_ channel: any Channel, _ table: ViewerTable) throws {
    let pipeline = channel.pipeline.syncOperations
    pipeline.removeHandler(try pipeline.handler(type: PlainReply.self), promise: nil)
    guard let viewer = table.add(channel) else { return channel.close(promise: nil) }
    try pipeline.addHandlers([
      NIOWebSocketFrameAggregator(
        minNonFinalFragmentSize: 0, maxAccumulatedFrameCount: 64, maxAccumulatedFrameSize: 1 << 20),
      ViewerHandler(viewer, table),
    ])
  }
}

/// Answers requests that become no connection of a viewer.
private final class PlainReply: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard case .head = unwrapInboundIn(data) else { return }
    let text =
      "A recording is replayed here: open ws://HOST:PORT in Foxglove. Other pages may connect if the replay was started with --allow-origin.\n"
    let head = HTTPResponseHead(
      version: .http1_1, status: .badRequest,
      headers: HTTPHeaders([
        ("content-type", "text/plain"), ("content-length", "\(text.utf8.count)"), ("connection", "close"),
      ]))
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
    let channel = context.channel
    context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in channel.close(promise: nil) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // Of an upgrade that is not to be, the request itself comes next, and gets an answer.
    if !(error is NIOWebSocketUpgradeError) { context.close(promise: nil) }
  }
}
