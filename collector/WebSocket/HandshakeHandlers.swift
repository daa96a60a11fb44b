import NIOCore
import NIOHTTP1
import NIOWebSocket

/// Closes a connection that has not become a WebSocket in time, and counts every one that never does.
final class HandshakeWatch: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = NIOAny

  private let table: ConnectionTable
  private let limit: TimeAmount
  private var timer: Scheduled<Void>?
  private var isOver = false

  init(_ table: ConnectionTable, limit: TimeAmount) {
    self.table = table
    self.limit = limit
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let channel = context.channel
    timer = context.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
  }

  /// It became one.
  func succeeded() {
    isOver = true
    timer?.cancel()
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    if !isOver { table.countRefused() }
    context.fireChannelInactive()
  }

  /// What is no TLS or no HTTP has nothing to say after that.
  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// Answers every request that is no upgrade to our WebSocket, and closes.
final class PlainAnswer: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let path: String
  private var isAnswered = false

  init(path: String) { self.path = path }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard case .head(let request) = unwrapInboundIn(data), !isAnswered else { return }
    isAnswered = true
    let isOurs = request.uri.pathOnly == path
    let isUpgrade = !request.headers[canonicalForm: "upgrade"].isEmpty
    let (status, text): (HTTPResponseStatus, String) =
      if !isOurs {
        (.notFound, "Nothing is here.\n")
      } else if isUpgrade {
        (.serviceUnavailable, "No more connections are possible, or the upgrade is malformed.\n")
      } else {
        (.upgradeRequired, "This address speaks WebSocket (RFC 6455).\n")
      }
    var headers = HTTPHeaders([("content-type", "text/plain"), ("content-length", "\(text.utf8.count)")])
    headers.add(name: "connection", value: "close")
    if status == .upgradeRequired { headers.add(name: "upgrade", value: "websocket") }
    let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
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

extension String {
  /// Without a query.
  var pathOnly: String { split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init) ?? "" }
}
