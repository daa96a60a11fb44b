package import NIOCore
package import NIOWebSocket

/// One end of a WebSocket connection that carries datagrams: a binary message is a datagram, and
/// nothing else is welcome (docs/protocol.md 2.17, RFC 6455).
///
/// Must be the last in its pipeline, after the frame decoder and encoder.
package final class DatagramHandler: ChannelInboundHandler {
  package typealias InboundIn = WebSocketFrame
  package typealias OutboundOut = WebSocketFrame

  package enum Role: Sendable { case client, server }

  /// Tells the handler that its queue was empty and no longer is.
  package struct Wake: Sendable {
    package init() {}
  }

  /// Tells the handler to say goodbye.
  package struct Leave: Sendable {
    package init() {}
  }

  /// The largest UDP payload, so that whatever came this way could have come that way.
  package static let largestDatagram = 65_507
  /// After a close frame, how long the other end may take to close.
  private static let closing = TimeAmount.seconds(2)
  /// Frames are handed to TLS and the socket in portions of about this size, which shows soon when they
  /// take no more.
  private static let portion = 16 << 10

  private let role: Role
  private let queue: DatagramQueue
  private let receive: (ByteBuffer) -> Void
  private let refused: (String) -> Void
  /// The beginning of a message that comes in several frames.
  private var partial: ByteBuffer?
  private var isClosing = false

  /// - Parameters:
  ///   - receive: gets every datagram, on the event loop.
  ///   - refused: why the other end's conduct closes the connection; at most once.
  package init(
    _ role: Role, queue: DatagramQueue, receive: @escaping (ByteBuffer) -> Void,
    refused: @escaping (String) -> Void
  ) {
    self.role = role
    self.queue = queue
    self.receive = receive
    self.refused = refused
  }

  // MARK: - In

  package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = unwrapInboundIn(data)
    guard !isClosing else {
      if frame.opcode == .connectionClose { context.close(promise: nil) }
      return
    }
    // RFC 6455 5.1: clients mask, servers never. 5.2: nobody agreed on a meaning of the reserved bits.
    guard (frame.maskKey != nil) == (role == .server), !frame.rsv1, !frame.rsv2, !frame.rsv3 else {
      return refuse(context, .protocolError, "a frame is masked wrongly or sets reserved bits")
    }
    switch frame.opcode {
    case .binary where partial == nil, .continuation where partial != nil: take(frame, context)
    case .text: refuse(context, .unacceptableData, "a text message, where all are binary")
    case .ping: answer(frame.unmaskedData, context)
    case .pong: break
    case .connectionClose: end(context, frame.unmaskedData)
    default: refuse(context, .protocolError, "a frame that cannot come here")
    }
  }

  private func take(_ frame: WebSocketFrame, _ context: ChannelHandlerContext) {
    guard (partial?.readableBytes ?? 0) + frame.length <= Self.largestDatagram else {
      return refuse(context, .messageTooLarge, "a message longer than a datagram can be")
    }
    var bytes = frame.unmaskedData
    if var begun = partial.take() {
      begun.writeBuffer(&bytes)
      bytes = begun
    }
    if frame.fin { receive(bytes) } else { partial = bytes }
  }

  private func answer(_ ping: ByteBuffer, _ context: ChannelHandlerContext) {
    // Whoever pings and doesn't read gets no answers, rather than memory of ours.
    guard context.channel.isWritable else { return }
    context.writeAndFlush(wrapOutboundOut(frame(.pong, ping)), promise: nil)
  }

  package func errorCaught(context: ChannelHandlerContext, error: any Error) {
    switch error {
    case NIOWebSocketError.invalidFrameLength:
      refuse(context, .messageTooLarge, "a frame longer than a datagram can be")
    case is NIOWebSocketError: refuse(context, .protocolError, "a malformed control frame")
    default: context.close(promise: nil)
    }
  }

  // MARK: - Out

  package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case is Wake:
      queue.beginDraining()
      drain(context)
    case is Leave: close(context, .normalClosure)
    case is IdleStateHandler.IdleStateEvent: close(context, .goingAway)
    default: context.fireUserInboundEventTriggered(event)
    }
  }

  package func channelWritabilityChanged(context: ChannelHandlerContext) {
    drain(context)
    context.fireChannelWritabilityChanged()
  }

  private func drain(_ context: ChannelHandlerContext) {
    var unflushed = 0
    while !isClosing, context.channel.isWritable, let datagram = queue.pop() {
      unflushed += datagram.readableBytes
      context.write(wrapOutboundOut(frame(.binary, datagram)), promise: nil)
      if unflushed >= Self.portion {
        context.flush()
        unflushed = 0
      }
    }
    context.flush()
  }

  private func frame(_ opcode: WebSocketOpcode, _ data: ByteBuffer) -> WebSocketFrame {
    WebSocketFrame(fin: true, opcode: opcode, maskKey: role == .client ? .random() : nil, data: data)
  }

  // MARK: - End

  private func refuse(_ context: ChannelHandlerContext, _ code: WebSocketErrorCode, _ reason: String) {
    guard !isClosing else { return }
    refused(reason)
    close(context, code)
  }

  private func close(_ context: ChannelHandlerContext, _ code: WebSocketErrorCode) {
    guard !isClosing else { return }
    isClosing = true
    partial = nil
    var data = context.channel.allocator.buffer(capacity: 2)
    data.write(webSocketErrorCode: code)
    context.writeAndFlush(wrapOutboundOut(frame(.connectionClose, data)), promise: nil)
    let channel = context.channel
    context.eventLoop.scheduleTask(in: Self.closing) { channel.close(promise: nil) }
  }

  /// The other end closes: its close frame is answered in kind (RFC 6455 5.5.1).
  private func end(_ context: ChannelHandlerContext, _ data: ByteBuffer) {
    isClosing = true
    let channel = context.channel
    context.writeAndFlush(wrapOutboundOut(frame(.connectionClose, data))).whenComplete { _ in
      channel.close(promise: nil)
    }
  }
}
