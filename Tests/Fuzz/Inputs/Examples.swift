import STTRecord
import STTSample
import STTSession
import STTWire

extension FuzzTarget {
  /// Valid inputs to begin with.
  public var examples: [[UInt8]] {
    switch self {
    case .header: [[1] + [UInt8](repeating: 1, count: 24), [1, 1, 0x10] + [UInt8](repeating: 0, count: 60)]
    case .bundle: [Self.bundleOfAll]
    case .recording: [Self.smallRecording]
    case .pair: Self.pairs
    case .configuration: Self.configurations.map { Array($0.utf8) }
    case .handshake: Self.handshakes
    case .session: Self.sequences + Self.sequences.map { [2] + $0.dropFirst() } + [Self.offer] + Self.blocks
    case .collector: Self.sequences + Self.reconnections + Self.blocks
    default: (FuzzTarget.layouts[self] ?? []).enumerated().map { [UInt8($0)] + $1.bytes }
    }
  }

  /// One bundled frame of every type that has a layout.
  private static var bundleOfAll: [UInt8] {
    let types: [(prefix: String, type: FrameType)] = [
      ("DATA, a whole", .data), ("ACK of a stream", .ack), ("NACK", .nack), ("KEEP_ALIVE", .keepAlive), ("SKIP", .skip),
      ("STREAM_OPEN", .streamOpen), ("STREAM_FIN", .streamFin), ("SESSION_CLOSE", .sessionClose), ("ERROR", .error),
    ]
    return ByteWriter.array(capacity: 4096) { writer in
      for (prefix, type) in types {
        guard let layout = Layout.all.first(where: { $0.description.hasPrefix(prefix) }) else { continue }
        BundledFrame(
          type: type, flags: .wholeMessage, stream: 1, sequence: 0, payloadByteCount: layout.bytes.count
        ).write(&writer)
        writer.bytes(layout.bytes)
      }
    }
  }

  private static var smallRecording: [UInt8] {
    var writer = SegmentWriter(compressor: NoCompression(), library: "fuzz", chunkCapacity: 4096)
    _ = writer.addChannel(
      topic: "a", schema: Schema.protobuf(messageName: "one", fields: [Field("value", .double, unit: "Cel")]),
      metadata: ["stt.delivery": "reliable", "stt.stream_uid": "a", "stt.incarnation": "1"])
    for number in 0..<6 as Range<UInt64> {
      [UInt8](repeating: 7, count: 9).withUnsafeBytes { payload in
        writer.append(
          MessageIdentity(
            channel: 0, number: number, deviceTime: SampleTime(monotonicNanoseconds: number * 7, wallNanoseconds: number)),
          logTime: 5000 + number, publishTime: number, first: payload)
      }
      if number % 3 == 2 { writer.closeChunk() }
    }
    writer.finish()
    return [UInt8](writer.pending)
  }

  private static let pairs: [[UInt8]] = {
    let lines = [
      ("stt-pair", "1"), ("name", "\"bench-1\""),
      ("device-id", "\"263a4dbe41488fb87214b0032339dbb9f0c8da14c16dfcf13084bf3c2552eca5\""),
      ("collector-id", "\"0736fd5b7cc7ab7dfe821d3a17f93f2634497770232486155c9c881321c4d22c\""), ("epoch", "1"),
      ("seed", "\"18c24a724d98bcbd5c802af1f25e678c0b9566fb4b4641c94c25b5e70dc57bb4\""), ("check", "\"efbcd174\""),
    ]
    let rotating = """
      stt-pair=2
      name="bench-1"
      device-id="263a4dbe41488fb87214b0032339dbb9f0c8da14c16dfcf13084bf3c2552eca5"
      collector-id="0736fd5b7cc7ab7dfe821d3a17f93f2634497770232486155c9c881321c4d22c"
      check="fce21e55"
      [[epoch]]
      number=3
      state="next"
      overlap=1209600
      made=1800000000
      seed="fd0fe62cd20e6923c737ebc8ddf03e8fa25cf201c3b5fbf15659ab22a3a08d7c"
      [[epoch]]
      number=2
      state="current"
      seed="553295e4b848bee781c30a0c86a5b731330806eaaca214de195e48761b8a61ee"
      [[epoch]]
      number=1
      state="archive-only"
      seed="8ee89711330c1ccf39a2e65ad12bbd7df4a4a2ee857f53b4823f00fecb7bd252"

      """
    return [" = ", "="].map { equals in Array(lines.map { $0.0 + equals + $0.1 + "\n" }.joined().utf8) }
      + [Array(rotating.utf8)]
  }()

  private static let configurations = [
    """
    [collector]
    address = "192.0.2.7:4480"
    pair = "file:/etc/stt/bench.pair"

    [[source]]
    kind = "cpu"
    name = "cpu"
    every = "1s"

    """,
    """
    listen = "0.0.0.0:4480"
    pairs = "/etc/stt/pairs"
    [recording]
    directory = "/var/lib/stt"
    keep = "10GiB"

    """,
    "a = { b = [1, 0x2, 1e3, true, 1979-05-27T07:32:00Z], 'c' = \"\\u00e9\" }\n[x.\"y z\"]\n[[x.q]]\nw = '''\nv'''\n",
  ]

  /// REKEY_OFFER to a responder in HYBRID mode, in two parts of a control message.
  private static let offer: [UInt8] = {
    let whole = [9] + [UInt8](repeating: 0, count: 31) + [UInt8](repeating: 0, count: 1184)
    func part(_ range: Range<Int>) -> [UInt8] {
      let total: [UInt8] = [0xC0, 4, 0, 0]
      let offset: [UInt8] = [UInt8(truncatingIfNeeded: range.lowerBound), UInt8(range.lowerBound >> 8), 0, 0]
      let bytes = [0, 0, 0, 0] + total + offset + whole[range]
      return [0, 15, 0, 0, UInt8(truncatingIfNeeded: bytes.count), UInt8(bytes.count >> 8)] + bytes
    }
    return [2] + part(0..<1140) + part(1140..<1216) + [10, 20, 0, 24, 10, 20, 0]
  }()

  /// For a collector: a second handshake, its proof again; and one whose counter can't be kept, its proof again.
  private static let reconnections: [[UInt8]] = [
    [0, 11, 0, 0, 0, 7, 0, 0, 0, 0, 12, 0, 0, 24, 0] + [UInt8](repeating: 1, count: 24) + [7, 1, 0, 0, 10, 255, 255],
    [0, 14, 0, 11, 0, 0, 0, 7, 0, 0, 0, 14, 0, 7, 0, 0, 0, 11, 0, 0, 0],
  ]

  private static let handshakes: [[UInt8]] = {
    // Send, deliver, answer, deliver: a whole handshake in SEED and in HYBRID mode, then changed copies.
    let whole: [UInt8] = [0, 2, 0, 3, 0, 0, 2, 0, 2, 1, 3, 0]
    let changed: [UInt8] = [4, 0, 1, 40, 0, 9, 0, 5, 0, 0, 30, 0, 1, 0, 6, 255, 7, 30, 0, 1, 1, 0]
    return [[1] + whole, [0] + whole, [1] + whole + changed, [0, 0, 4, 0, 0, 100, 0, 1, 0, 2, 0, 3, 0] + whole]
  }()

  /// A stream with parity of two shards for four, of each class: a block of three frames of which the middle one comes
  /// from parity and then late, a parity frame that contradicts it, and one of a block that never was.
  private static let blocks: [[UInt8]] = {
    func packet(_ type: UInt8, stream: UInt8, _ bytes: [UInt8]) -> [UInt8] {
      [0, type, 0, stream, UInt8(truncatingIfNeeded: bytes.count), UInt8(truncatingIfNeeded: bytes.count >> 8)] + bytes
    }
    func number(_ value: UInt8, _ count: Int) -> [UInt8] { [value] + [UInt8](repeating: 0, count: count - 1) }
    func bundled(_ flags: UInt8, sequence: UInt8, _ payload: [UInt8]) -> [UInt8] {
      packet(4, stream: 0, [0x10, flags, 1, 0] + number(sequence, 4) + number(UInt8(payload.count), 2) + payload)
    }
    func payload(_ message: UInt8) -> [UInt8] { number(message, 8) + [UInt8](repeating: 5 + message, count: 20) }
    let sum = (0..<28).map { index in payload(0)[index] ^ payload(1)[index] ^ payload(2)[index] }
    let coded: [UInt8] = [29, 0, 6] + sum
    return (0..<4 as Range<UInt8>).map { delivery in
      var open = Layout.all.first { $0.description == "STREAM_OPEN" }?.bytes ?? []
      guard open.count > 44 else { return [] }
      open.replaceSubrange(4..<8, with: [delivery, 0, 0, 1 << 5 | 3])
      open.replaceSubrange(36..<44, with: number(0, 8))
      let begin = [0] + packet(7, stream: 1, number(UInt8(open.count), 4) + number(0, 4) + open)
      let block = bundled(6, sequence: 32, payload(0)) + bundled(6, sequence: 34, payload(2))
      let parity = bundled(8, sequence: 32, [3, 0] + coded) + bundled(6, sequence: 33, payload(1))
      let junk = bundled(8, sequence: 96, [2, 1] + coded) + bundled(8, sequence: 32, [2, 0] + coded)
      return begin + block + parity + [9, 50] + junk + [9, 50]
    }
  }()

  /// A stream that opens and sends, in order and not, with losses, time and an acknowledgement.
  private static let sequences: [[UInt8]] = {
    func packet(_ type: UInt8, flags: UInt8, stream: UInt8, _ bytes: [UInt8]) -> [UInt8] {
      [0, type, flags, stream, UInt8(truncatingIfNeeded: bytes.count), UInt8(truncatingIfNeeded: bytes.count >> 8)] + bytes
    }
    func number(_ value: UInt8, _ count: Int) -> [UInt8] { [value] + [UInt8](repeating: 0, count: count - 1) }
    let example = Layout.all.first { $0.description == "STREAM_OPEN" }?.bytes ?? []
    func open(_ delivery: UInt8) -> [UInt8] {
      var bytes = example
      if bytes.count > 44 {
        bytes[4] = delivery
        bytes[12] = delivery
        for index in 36..<44 { bytes[index] = 0 }
      }
      return number(UInt8(bytes.count), 4) + number(0, 4) + bytes
    }
    func data(_ stream: UInt8, _ message: UInt8) -> [UInt8] {
      packet(0, flags: 0x18, stream: stream, number(message, 8) + [UInt8](repeating: 5, count: 20))
    }
    func part(_ stream: UInt8, _ message: UInt8, at offset: UInt8, flags: UInt8) -> [UInt8] {
      packet(
        0, flags: flags, stream: stream,
        number(message, 8) + number(40, 4) + number(offset, 4) + [UInt8](repeating: 6, count: 20))
    }
    return (0..<4 as Range<UInt8>).map { delivery in
      let begin = [0] + packet(7, flags: 0, stream: 1, open(delivery))
      let some = data(1, 0) + data(1, 2) + [7, 1, 0, 0] + part(1, 1, at: 20, flags: 0x10) + part(1, 1, at: 0, flags: 8)
      let skip = packet(9, flags: 0, stream: 1, number(6, 8) + [1]) + data(1, 6) + [9, 50]
      let ack = [11, 0, 40, 0] + packet(2, flags: 0, stream: 0, number(1, 8) + number(0, 4) + number(0, 8) + [2, 0, 3])
      let end = packet(10, flags: 0, stream: 1, [0] + number(7, 8)) + [24] + data(1, 7) + [10, 40, 0, 12, 0, 5, 0]
      return begin + some + skip + ack + end
    }
  }()
}
