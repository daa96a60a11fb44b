import STTRecord

/// A message out of its recording, for as long as it is wanted.
struct PlayedMessage: Sendable {
  let channel: PlayedChannel
  let identity: MessageIdentity
  let logTime: UInt64
  let publishTime: UInt64
  let payload: [UInt8]
  /// How its device's clock stood when it was recorded, if that was known.
  let clock: RecordedClock?

  init(_ message: borrowing RecordedMessage, _ channel: PlayedChannel, clock: RecordedClock?) {
    self.channel = channel
    identity = message.identity
    logTime = message.logTime
    publishTime = message.publishTime
    payload = message.payload.withUnsafeBytes { [UInt8]($0) }
    self.clock = clock
  }

  var stream: PlayedStream { channel.stream }

  func withRecorded(_ body: (borrowing RecordedMessage) -> Void) {
    body(
      RecordedMessage(identity: identity, logTime: logTime, publishTime: publishTime, payload: payload.span.bytes))
  }
}
