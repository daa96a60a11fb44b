import STTRecord
import STTSample

/// A small file: two streams, three chunks, identities that jump.
enum SampleFile {
  struct Message: Equatable {
    var channel: UInt16
    var number: UInt64
    var monotonic: UInt64
    var wall: UInt64
    var payload: [UInt8]
  }

  static let messages: [Message] = (0..<12).map { message($0) }

  private static func message(_ index: Int) -> Message {
    // A clock that jumps from 1970 to 2026 in the middle.
    let jump: UInt64 = index < 6 ? 0 : 1_790_000_000_000_000_000
    var payload: [UInt8] = []
    for place in 0..<index * 3 { payload.append(UInt8(truncatingIfNeeded: place * 11 + index)) }
    return Message(
      channel: UInt16(index % 2), number: UInt64(index / 2), monotonic: 1000 + UInt64(index) * 7,
      wall: jump + UInt64(index), payload: payload)
  }

  /// The file, and where each chunk's group ends.
  static func make() -> (bytes: [UInt8], groupEnds: [Int]) {
    var writer = SegmentWriter(compressor: NoCompression(), library: "test", chunkCapacity: 4096)
    let schema = Schema.protobuf(messageName: "one", fields: [Field("value", .double, unit: "Cel")])
    for name in ["a", "b"] {
      _ = writer.addChannel(
        topic: name, schema: name == "a" ? schema : .opaque,
        metadata: ["stt.delivery": "reliable", "stt.stream_uid": name, "stt.incarnation": "1"])
    }
    var groupEnds: [Int] = []
    for (index, message) in messages.enumerated() {
      message.payload.withUnsafeBytes { payload in
        writer.append(
          MessageIdentity(
            channel: message.channel, number: message.number,
            deviceTime: SampleTime(monotonicNanoseconds: message.monotonic, wallNanoseconds: message.wall)),
          logTime: 5000 + UInt64(index), publishTime: message.wall, first: payload)
      }
      if index % 4 == 3 {
        writer.closeChunk()
        groupEnds.append(writer.pending.count)
      }
    }
    writer.finish()
    return ([UInt8](writer.pending), groupEnds)
  }

  static func read(_ bytes: [UInt8]) throws -> (messages: [Message], report: SegmentReport) {
    var found: [Message] = []
    let report = try SegmentVerifier.verify(
      ArraySource(bytes: bytes), decompressor: NoDecompression(),
      message: { message, _ in
        found.append(
          Message(
            channel: message.identity.channel, number: message.identity.number,
            monotonic: message.identity.deviceTime.monotonicNanoseconds,
            wall: message.identity.deviceTime.wallNanoseconds, payload: message.payload.withUnsafeBytes { [UInt8]($0) }))
      })
    return (found, report)
  }
}
