import BasicContainers
import STTWire

/// Whole messages of one stream that come one behind the other and in turn: the stream is looked up and looked at once for all
/// of them.
extension IncomingStreams {
  /// Takes the messages that `reader` begins with, up to the first frame that is anything but the next message of the same
  /// stream, whole.
  ///
  /// - Returns: how many.
  mutating func takeRun<Sink: MessageSink & ~Copyable>(_ reader: inout ByteReader, into sink: inout Sink) -> Int {
    guard let stream = reader.streamOfData, let index = index(of: stream), streams[index].mayTakeRun else { return 0 }
    return streams[index].takeRun(&reader, into: &sink)
  }
}

extension IncomingStream {
  fileprivate mutating func takeRun<Sink: MessageSink & ~Copyable>(
    _ reader: inout ByteReader, into sink: inout Sink
  ) -> Int {
    let first = next
    var number = first
    while sink.isAccepting,
      let message = reader.bundledMessage(stream: id, number: number, largest: largestPayload),
      let payload = try? reader.span(message.payloadByteCount)
    {
      sink.deliver(token: token, number: number, time: message.time, payload: payload)
      number += 1
    }
    noteDelivered(below: number)
    return Int(number - first)
  }
}
