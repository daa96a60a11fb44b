/// KEEP_ALIVE: `token 8 | t_send_mono_ns u64 | t_send_wall_ns u64`, then zero padding for path
/// probes (docs/protocol.md 2.2, 2.14).
public struct KeepAlive: Hashable, Sendable {
  public static let byteCount = 24

  public var token: UInt64
  public var sent: MessageTime

  public init(token: UInt64, sent: MessageTime) {
    self.token = token
    self.sent = sent
  }

  public init(_ reader: inout ByteReader) throws(WireError) {
    token = try reader.u64()
    sent = try MessageTime(&reader)
    _ = reader.rest()
  }

  public func write(_ writer: inout ByteWriter) {
    writer.u64(token)
    sent.write(&writer)
  }
}

/// KEEP_ALIVE_ACK: the KEEP_ALIVE's fields, then when it was received and answered by the
/// answerer's wall and monotonic clocks: `… | t_recv_mono u64 | t_recv_wall u64 | t_reply_mono u64`.
/// Four times of two clocks give round trip and offset (RFC 5905 section 8).
public struct KeepAliveAck: Hashable, Sendable {
  public static let byteCount = 48

  public var token: UInt64
  public var sent: MessageTime
  public var received: MessageTime
  public var repliedMonotonicNanoseconds: UInt64

  public init(token: UInt64, sent: MessageTime, received: MessageTime, repliedMonotonicNanoseconds: UInt64) {
    self.token = token
    self.sent = sent
    self.received = received
    self.repliedMonotonicNanoseconds = repliedMonotonicNanoseconds
  }

  public init(_ reader: inout ByteReader) throws(WireError) {
    token = try reader.u64()
    sent = try MessageTime(&reader)
    received = try MessageTime(&reader)
    repliedMonotonicNanoseconds = try reader.u64()
    _ = reader.rest()
  }

  public func write(_ writer: inout ByteWriter) {
    writer.u64(token)
    sent.write(&writer)
    received.write(&writer)
    writer.u64(repliedMonotonicNanoseconds)
  }
}
