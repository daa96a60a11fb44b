/// One message as a reader sees it. The payload is lent.
public struct RecordedMessage: ~Escapable {
  public let identity: MessageIdentity
  /// Nanoseconds since 1970 by the collector's clock.
  public let logTime: UInt64
  public let publishTime: UInt64
  public let payload: RawSpan

  @_lifetime(copy payload)
  public init(identity: MessageIdentity, logTime: UInt64, publishTime: UInt64, payload: RawSpan) {
    self.identity = identity
    self.logTime = logTime
    self.publishTime = publishTime
    self.payload = payload
  }
}
