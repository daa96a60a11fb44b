import Glibc
import STC
import STTBuffers
import STTRecord
import STTRecorder
import STTSample

/// A recording made up for measuring: samples at 1 kHz and camera frames at 30 Hz, written by the recorder itself.
struct BenchRecording {
  static let device = "bench"
  static let samples = "samples"
  static let camera = "camera"
  private static let frameByteCount = 64 << 10
  private static let begin: UInt64 = 1_790_000_000_000_000_000

  let root: String
  /// Set for a sealed one.
  let keys: KeySources
  private(set) var messageCount: UInt64 = 0
  /// Payloads, as devices sent them.
  private(set) var payloadByteCount: UInt64 = 0

  /// Writes `seconds` of samples, and frames for the first `cameraSeconds` of them.
  init(root: String, isSealed: Bool, seconds: Int, cameraSeconds: Int, isOneFile: Bool = false) throws {
    self.root = root
    let day = SlotKey(day: [UInt8](repeating: 7, count: 32))
    let collector = [UInt8](repeating: 9, count: 32)
    keys = isSealed ? KeySources(days: { _ in [day] }, collectors: [collector]) : KeySources()
    let recordingKeys = RecordingKeys(
      suite: BenchCipher.auto.suite, seals: true, seed: { _ in nil }, recipients: [],
      day: { _ throws(RecorderError) in day }, collector: { () throws(RecorderError) in collector },
      remember: { _, _ throws(RecorderError) in })
    let settings =
      isOneFile ? RecorderSettings(segmentByteCount: 1 << 50, segmentAge: .max >> 1) : RecorderSettings()
    let recorder = try Recorder(root: root, settings: settings, keys: isSealed ? recordingKeys : nil)
    let schema = Schema.protobuf(
      messageName: "samples", fields: [Field("value", .double, unit: "Cel"), Field("count", .uint64, unit: "1")])
    recorder.open(Self.stream(Self.samples, schema), token: 0, position: 0)
    recorder.open(Self.stream(Self.camera, .compressedImage), token: 1, position: 0)
    let frame = Self.frame()
    let small = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 8)
    defer { small.deallocate() }
    for index in 0..<UInt64(seconds) * 1000 {
      let now = index * 1_000_000
      var writer = ProtobufWriter(unsafe: small)
      writer.double((Double(index % 4000) / 100).rounded() / 10 + 20, field: 1)
      writer.uint64(index, field: 2)
      let count = writer.count
      try add(recorder, 0, index, now, UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(small)[..<count]))
      if index % 33 == 0, index < UInt64(cameraSeconds) * 1000 {
        try frame.withUnsafeBytes { try add(recorder, 1, index / 33, now, $0) }
      }
      if index % 100 == 0 { _ = recorder.tick(now: now, wall: Self.begin + now) { _, _ in } }
    }
    recorder.close(now: UInt64(seconds) * 1_000_000_000) { _, _ in }
    if let trouble = recorder.trouble { throw trouble }
  }

  private static func stream(_ name: String, _ schema: Schema) -> RecordedStream {
    RecordedStream(
      device: device, name: name, uid: name, incarnation: 1, purpose: "main", schema: schema, delivery: "reliable",
      durability: .periodic)
  }

  private mutating func add(
    _ recorder: Recorder, _ token: Int, _ number: UInt64, _ now: UInt64, _ payload: UnsafeRawBufferPointer
  ) throws {
    let wall = Self.begin + now
    let isTaken = recorder.append(
      token: token, number: number, deviceTime: SampleTime(monotonicNanoseconds: now, wallNanoseconds: wall),
      publishTime: wall, received: wall, first: payload, now: now)
    guard isTaken else { throw recorder.trouble ?? RecorderError(doing: "record to", path: root, number: EIO) }
    messageCount += 1
    payloadByteCount += UInt64(payload.count)
  }

  /// A `foxglove.CompressedImage` whose picture no compression makes smaller.
  private static func frame() -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: frameByteCount)
    var state: UInt64 = 88_172_645_463_325_252
    for place in bytes.indices {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      bytes[place] = UInt8(truncatingIfNeeded: state)
    }
    // The beginning of a JPEG picture of 1280 by 720.
    bytes.replaceSubrange(0..<13, with: [0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, 2, 208, 5, 0, 1, 1])
    var message = [UInt8](repeating: 0, count: frameByteCount + 64)
    let length = message.withUnsafeMutableBytes { memory in
      var writer = ProtobufWriter(unsafe: memory)
      writer.string("jpeg", field: 3)
      writer.string("camera", field: 4)
      writer.bytes(bytes.span.bytes, field: 2)
      return writer.count
    }
    return Array(message[..<length])
  }
}
