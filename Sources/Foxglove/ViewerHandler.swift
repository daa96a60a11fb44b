import NIOCore
import NIOWebSocket

/// Reads what a viewer says. The last of its pipeline, behind the aggregator of frames.
final class ViewerHandler: ChannelInboundHandler {
  typealias InboundIn = WebSocketFrame
  typealias OutboundOut = WebSocketFrame

  private let viewer: Viewer
  private let table: ViewerTable

  init(_ viewer: Viewer, _ table: ViewerTable) {
    self.viewer = viewer
    self.table = table
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = unwrapInboundIn(data)
    switch frame.opcode {
    case .text: take(frame.unmaskedData)
    case .ping:
      // Whoever pings and doesn't read gets no answers.
      guard context.channel.isWritable else { return }
      context.writeAndFlush(
        wrapOutboundOut(WebSocketFrame(fin: true, opcode: .pong, data: frame.unmaskedData)), promise: nil)
    case .connectionClose:
      let channel = context.channel
      context.writeAndFlush(
        wrapOutboundOut(WebSocketFrame(fin: true, opcode: .connectionClose, data: frame.unmaskedData))
      ).whenComplete { _ in channel.close(promise: nil) }
    default: break
    }
  }

  private func take(_ text: ByteBuffer) {
    switch ClientMessage(text) {
    case .subscribe(let subscriptions):
      for problem in viewer.subscribe(subscriptions, isKnown: { table.hasChannel($0) }) {
        viewer.send(status: 2, problem)
      }
    case .unsubscribe(let ids): viewer.unsubscribe(ids)
    case .other(let operation): viewer.send(status: 1, "a replay offers no \(operation.prefix(40))")
    case nil: viewer.send(status: 2, "this is no message of foxglove.websocket.v1")
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
