import NIOCore
import NIOHTTP1
import STTBoard

/// Asks for the upgrade, and says why there was none.
final class UpgradeRequest: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundOut = HTTPClientRequestPart

  private static let patience = TimeAmount.seconds(15)

  private let target: WebSocketURL
  private let fail: (String) -> Void
  private var timer: Scheduled<Void>?

  init(_ target: WebSocketURL, fail: @escaping (String) -> Void) {
    self.target = target
    self.fail = fail
  }

  func channelActive(context: ChannelHandlerContext) {
    var headers = HTTPHeaders([("host", target.authority), ("user-agent", "stt-websocket")])
    headers.add(name: "content-length", value: "0")
    let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: target.path, headers: headers)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    let channel = context.channel
    let fail = NIOLoopBound(fail, eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleTask(in: Self.patience) {
      fail.value("no answer to the upgrade within \(Self.patience.nanoseconds / 1_000_000_000) s")
      channel.close(promise: nil)
    }
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard case .head(let response) = unwrapInboundIn(data) else { return }
    fail("the server answers \(response.status.code) \(response.status.reasonPhrase) instead of upgrading")
    context.close(promise: nil)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    fail("\(error)")
    context.close(promise: nil)
  }

  func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }
}
