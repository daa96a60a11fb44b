/// The chunk that messages gather in, where the writer's bytes end: as it is closed nothing of it is moved, unless it is
/// compressed. Not generic as its writer is: this is what is called for every message.
struct OpenChunk: ~Copyable {
  /// Where in the writer's bytes its record begins; `nil`: it holds nothing.
  private(set) var place: Int?
  /// Where in them the records begin that messages are.
  private(set) var data = 0
  var identities: ByteStore
  private(set) var messageCount: UInt32 = 0
  /// Least and greatest time of a message in it.
  private(set) var start = UInt64.max
  private(set) var end: UInt64 = 0
  /// Whether compressing may pay.
  private(set) var compresses = true
  /// By channel id.
  private(set) var channels: [ChannelPresence] = []
  private var index: [IndexEntry] = []
  private var predictor = IdentityPredictor()
  private let isSealed: Bool
  /// Whether the file's own channel, that of sealed batches, is still to be described.
  private var describesBatches: Bool

  /// What the chunk has of a channel.
  struct ChannelPresence {
    var compresses: Bool
    var messageCount = 0
    /// One past its last message.
    var endNumber: UInt64 = 0
    /// Where its next index entry goes, while the index is written.
    var place = 0
  }

  /// Where a message lies.
  private struct IndexEntry {
    var channel: UInt16
    var time: UInt64
    var offset: UInt64
  }

  init(identities: consuming ByteStore, isSealed: Bool) {
    self.identities = identities
    self.isSealed = isSealed
    describesBatches = isSealed
    self.identities.removeAll()
  }

  /// What lies before the records of a sealed chunk: the batch's message, `compressed u8 | byte count u32`, and
  /// `record bytes u32`.
  static let batchHeadByteCount = MCAP.messageHeadByteCount + 5 + 4

  /// Begins unless it has: the heads, to be filled in when it is closed.
  @inline(__always)
  private mutating func begin(_ store: inout ByteStore) {
    if place == nil { writeHeads(into: &store) }
  }

  private mutating func writeHeads(into store: inout ByteStore) {
    place = store.beginChunk(compression: "")
    if isSealed {
      if describesBatches { store.channel(SealedChannel.channel) }
      describesBatches = false
      let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
      store.message(
        channel: SealedChannel.channel.id, sequence: 0, logTime: 0, publishTime: 0, first: nothing, second: nothing)
      store.u8(0)
      store.u32(0)
      store.u32(0)
    }
    data = store.count
  }

  /// The writer's first `count` bytes are gone.
  mutating func moved(by count: Int) {
    place? -= count
    data -= count
  }

  /// The least time of a message; 0 without messages, as MCAP has it.
  var firstTime: UInt64 { messageCount == 0 ? 0 : start }

  /// Adds the channel with the next id.
  mutating func add(_ channel: RecordedChannel, compresses: Bool, to store: inout ByteStore) {
    begin(&store)
    channels.append(ChannelPresence(compresses: compresses))
    store.channel(channel)
  }

  mutating func add(_ schema: RecordedSchema, to store: inout ByteStore) {
    begin(&store)
    store.schema(schema)
  }

  mutating func append(
    _ identity: MessageIdentity, logTime: UInt64, publishTime: UInt64, first: UnsafeRawBufferPointer,
    second: UnsafeRawBufferPointer, to store: inout ByteStore
  ) {
    begin(&store)
    let channel = Int(identity.channel)
    precondition(channel < channels.count, "a channel of this file")
    // A sealed file has an index of the one message that a chunk is.
    if !isSealed {
      index.append(IndexEntry(channel: identity.channel, time: logTime, offset: UInt64(store.count - data)))
    }
    store.message(
      channel: identity.channel, sequence: UInt32(truncatingIfNeeded: identity.number), logTime: logTime,
      publishTime: publishTime, first: first, second: second)
    predictor.encode(identity, into: &identities)
    channels[channel].messageCount += 1
    channels[channel].endNumber = identity.number == .max ? .max : identity.number + 1
    if !channels[channel].compresses, first.count + second.count > 1024 { compresses = false }
    messageCount += 1
    start = min(start, logTime)
    end = max(end, logTime)
  }

  /// Writes one index record for each channel of the chunk, and notes where each lies in a file that has `store` at
  /// `offset`.
  mutating func writeIndex(
    into store: inout ByteStore, at offset: UInt64, noting offsets: inout [(channel: UInt16, offset: UInt64)]
  ) {
    for channel in channels.indices where channels[channel].messageCount > 0 {
      let length = channels[channel].messageCount * 16
      offsets.append((UInt16(channel), offset + UInt64(store.count)))
      store.record(MCAP.Opcode.messageIndex) {
        $0.u16(UInt16(channel))
        $0.u32(UInt32(truncatingIfNeeded: length))
        channels[channel].place = $0.count
        _ = $0.room(length)
        $0.advance(length)
      }
    }
    for message in index {
      let place = channels[Int(message.channel)].place
      store.patch(message.time, at: place)
      store.patch(message.offset, at: place + 8)
      channels[Int(message.channel)].place = place + 16
    }
  }

  mutating func removeAll() {
    place = nil
    identities.removeAll()
    predictor.reset()
    index.removeAll(keepingCapacity: true)
    for channel in channels.indices {
      channels[channel].messageCount = 0
      channels[channel].endNumber = 0
    }
    messageCount = 0
    start = .max
    end = 0
    compresses = true
  }
}
