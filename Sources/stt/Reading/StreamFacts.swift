import STTRecord
import STTSample

/// What is to be told of one stream of a folder, over all of its files.
struct StreamFacts {
  let topic: String
  let device: String
  var schema: RecordedSchema?
  private(set) var messageCount: UInt64 = 0
  private(set) var byteCount: UInt64 = 0
  private(set) var firstTime: UInt64 = 0
  private(set) var lastTime: UInt64 = 0
  /// Numbers that are missing, as the files tell.
  var missingCount: UInt64 = 0
  /// The longest time without a message, and when it began.
  private(set) var silence: (begin: UInt64, nanoseconds: UInt64) = (0, 0)
  var activity: ActivityLine

  /// - Parameter origin: when the folder's first message was received.
  init(_ channel: RecordedChannel, origin: UInt64) {
    activity = ActivityLine(origin: origin)
    topic = channel.topic
    device = channel.metadata["stt.device"] ?? ""
  }

  mutating func note(_ message: borrowing RecordedMessage) {
    let time = message.logTime
    if messageCount == 0 {
      firstTime = time
    } else if time > lastTime, time - lastTime > silence.nanoseconds {
      silence = (lastTime, time - lastTime)
    }
    messageCount += 1
    byteCount += UInt64(message.payload.byteCount)
    lastTime = max(lastTime, time)
    activity.note(time)
  }

  /// Messages a second.
  var rate: Double {
    let seconds = Double(lastTime - firstTime) / 1e9
    return messageCount > 1 && seconds > 0 ? Double(messageCount - 1) / seconds : 0
  }

  /// The silence, when it is longer than the stream's rhythm explains.
  var gap: (begin: UInt64, nanoseconds: UInt64)? {
    guard rate > 0, Double(silence.nanoseconds) / 1e9 * rate > 5, silence.nanoseconds > 100_000_000 else { return nil }
    return silence
  }

  var members: [MessageLayout.Member] {
    guard let schema, schema.encoding == "protobuf" else { return [] }
    return MessageLayout.all(in: schema.data)[schema.name]?.members ?? []
  }
}
