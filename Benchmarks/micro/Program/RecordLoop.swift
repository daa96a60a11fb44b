import STTRecord
import STTSample

/// Writes a sample of 64 bytes into a plain segment that goes nowhere.
final class RecordLoop: Micro.Operation {
  private var writer: SegmentWriter<NoCompression, NoSealer>
  private let channel: UInt16
  private var number: UInt64 = 0
  private let payload = [UInt8](repeating: 7, count: 64)

  init() throws {
    var writer = SegmentWriter<NoCompression, NoSealer>(
      compressor: NoCompression(), sealer: nil, library: "stt-micro", chunkCapacity: 256 << 10)
    let schema = Schema.protobuf(messageName: "sample", fields: [Field("value", .double, unit: "Cel")])
    guard let channel = writer.addChannel(topic: "micro", schema: schema, metadata: [:]) else {
      throw Micro.Unexpected(description: "there is no channel")
    }
    self.channel = channel
    self.writer = writer
  }

  func run(_ count: Int) {
    payload.withUnsafeBytes { payload in
      for _ in 0..<count {
        let time = 1_790_000_000_000_000_000 + number * 1_000_000
        writer.append(
          MessageIdentity(
            channel: channel, number: number,
            deviceTime: SampleTime(monotonicNanoseconds: number * 1_000_000, wallNanoseconds: time)), logTime: time,
          publishTime: time, first: payload)
        number += 1
        if writer.chunkByteCount >= 256 << 10 {
          writer.closeChunk()
          writer.written(writer.pending.count)
        }
      }
    }
  }
}
