import NIOCore

/// The agent's datagrams as they come on loopback, from its port alone.
final class AgentPort: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>

  private let agent: SocketAddress
  private let take: (ByteBuffer) -> Void

  init(_ agent: SocketAddress, take: @escaping (ByteBuffer) -> Void) {
    self.agent = agent
    self.take = take
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let envelope = unwrapInboundIn(data)
    if envelope.remoteAddress == agent { take(envelope.data) }
  }

  /// The agent's port may be closed for a moment (ECONNREFUSED by ICMP); the next datagram tells.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}

/// Ends the process with its standard input, which the agent holds.
final class Lifeline: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let end: () -> Void

  init(end: @escaping () -> Void) { self.end = end }

  func channelInactive(context: ChannelHandlerContext) { end() }
}
