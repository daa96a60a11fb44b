public import STTSample

/// Who a recorded message is: its number in its stream and incarnation, and when the device saw it.
public struct MessageIdentity: Hashable, Sendable {
  public var channel: UInt16
  public var number: UInt64
  public var deviceTime: SampleTime

  public init(channel: UInt16, number: UInt64, deviceTime: SampleTime) {
    self.channel = channel
    self.number = number
    self.deviceTime = deviceTime
  }
}

/// The differences between one message's identity and the one before it on the same channel, which
/// are small, and so is the record that holds them (docs/recording.md).
struct IdentityPredictor {
  private struct Last {
    var number: UInt64 = .max
    var monotonic: UInt64 = 0
    var wallAhead: UInt64 = 0
  }

  private var last: [Last] = []

  /// Every record stands alone.
  mutating func reset() {
    for index in last.indices { last[index] = Last() }
  }

  private mutating func reach(_ channel: UInt16) {
    while last.count <= Int(channel) { last.append(Last()) }
  }

  mutating func encode(_ identity: MessageIdentity, into store: inout ByteStore) {
    reach(identity.channel)
    let before = last[Int(identity.channel)]
    let monotonic = identity.deviceTime.monotonicNanoseconds
    let wallAhead = identity.deviceTime.wallNanoseconds &- monotonic
    let start = store.room(4 * Varint.longest)
    var count = Varint.write(UInt64(identity.channel), to: start)
    count += Varint.write(Varint.zigzag(identity.number &- before.number &- 1), to: start + count)
    count += Varint.write(Varint.zigzag(monotonic &- before.monotonic), to: start + count)
    count += Varint.write(Varint.zigzag(wallAhead &- before.wallAhead), to: start + count)
    store.advance(count)
    last[Int(identity.channel)] = Last(number: identity.number, monotonic: monotonic, wallAhead: wallAhead)
  }

  mutating func decode(_ cursor: inout RecordCursor) -> MessageIdentity? {
    guard let channelNumber = cursor.varint(), let channel = UInt16(exactly: channelNumber),
      let number = cursor.zigzag(), let monotonic = cursor.zigzag(), let wall = cursor.zigzag()
    else { return nil }
    reach(channel)
    var here = last[Int(channel)]
    here.number = here.number &+ 1 &+ UInt64(bitPattern: number)
    here.monotonic = here.monotonic &+ UInt64(bitPattern: monotonic)
    here.wallAhead = here.wallAhead &+ UInt64(bitPattern: wall)
    last[Int(channel)] = here
    return MessageIdentity(
      channel: channel, number: here.number,
      deviceTime: SampleTime(
        monotonicNanoseconds: here.monotonic, wallNanoseconds: here.monotonic &+ here.wallAhead))
  }
}
