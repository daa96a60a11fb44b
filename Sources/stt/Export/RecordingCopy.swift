import STTRecord
import STTRecorder

/// Messages of several recordings on their way into one plain file, each once.
final class RecordingCopy {
  private let segment: PlainSegment
  /// By the channel's index in what is read.
  private var channels: [UInt16?] = []
  /// Messages received at `time`: a copy of a message has its time.
  private var seen: Set<Identity> = []
  private var time: UInt64 = 0
  private(set) var duplicateCount: UInt64 = 0

  private struct Identity: Hashable {
    var channel: Int
    var number: UInt64
  }

  private let leavesOutCopies: Bool

  /// - Parameter leavesOutCopies: whether a message may come twice: more than one track is read.
  init(creating path: String, leavesOutCopies: Bool) throws {
    segment = try PlainSegment(creating: path, on: WriteBehindDisk())
    self.leavesOutCopies = leavesOutCopies
  }

  struct TooManyChannels: Error, CustomStringConvertible {
    let path: String
    var description: String { "\(path): a file has at most 65,535 channels; take fewer streams, or less time" }
  }

  func add(_ message: borrowing RecordedMessage, _ channel: PlayedChannel) throws {
    if leavesOutCopies, isCopy(message, channel) {
      duplicateCount += 1
      return
    }
    while channels.count <= channel.index { channels.append(nil) }
    if channels[channel.index] == nil {
      channels[channel.index] = segment.add(channel.channel, channel.stream.key.schema)
    }
    guard let place = channels[channel.index] else { throw TooManyChannels(path: segment.path) }
    try segment.append(message, channel: place)
  }

  private func isCopy(_ message: borrowing RecordedMessage, _ channel: PlayedChannel) -> Bool {
    if message.logTime != time {
      seen.removeAll(keepingCapacity: true)
      time = message.logTime
    }
    return !seen.insert(Identity(channel: channel.index, number: message.identity.number)).inserted
  }

  /// Ends the file; how many messages it has.
  func finish() throws -> UInt64 {
    try segment.finish()
    return segment.messageCount
  }
}
