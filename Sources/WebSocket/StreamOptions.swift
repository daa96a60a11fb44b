import Glibc
package import NIOCore

/// How TCP connections that carry datagrams are set up: what TCP has not sent yet stays short, so that
/// a full link shows as a longer round trip at once and not after seconds of queue.
package enum StreamOptions {
  /// Bytes that wait in the kernel unsent (TCP_NOTSENT_LOWAT, linux/tcp.h).
  private static let unsent: SocketOptionValue = 16 << 10
  /// Milliseconds after which unacknowledged bytes end a connection (TCP_USER_TIMEOUT, RFC 5482): a
  /// session speaks every ten seconds, so a path that is gone shows soon.
  private static let silence: SocketOptionValue = 15_000
  /// What waits in this process beyond that.
  package static let watermark = ChannelOptions.Types.WriteBufferWaterMark(low: 8 << 10, high: 32 << 10)

  package static let tcp: [(ChannelOptions.Types.SocketOption, SocketOptionValue)] = [
    (.init(level: .tcp, name: .tcp_nodelay), 1),
    (.init(level: .tcp, name: .init(rawValue: TCP_NOTSENT_LOWAT)), unsent),
    (.init(level: .tcp, name: .init(rawValue: TCP_USER_TIMEOUT)), silence),
  ]
}
