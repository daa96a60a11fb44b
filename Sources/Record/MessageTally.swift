/// What the channels of a file hold, counted chunk by chunk.
struct MessageTally {
  private(set) var channels: [SegmentReport.Channel] = []
  /// By channel id, where it is in `channels`; -1: not yet.
  private var places: [Int] = []

  /// Counts the messages of `chunk` and shows them to `message`. Throws what is wrong with them, after the last.
  mutating func take(
    _ chunk: inout ReadChunk, _ known: [UInt16: RecordedChannel],
    _ message: ((borrowing RecordedMessage, RecordedChannel) -> Void)?
  ) throws {
    var backwards: (place: Int, number: UInt64, end: UInt64)?
    try chunk.forEachMessage { found in
      let place = place(of: found.identity.channel, known)
      let end = channels[place].endNumber
      if !channels[place].count(found), backwards == nil { backwards = (place, found.identity.number, end) }
      message?(found, channels[place].channel)
    }
    guard let backwards else { return }
    let topic = channels[backwards.place].channel.topic
    throw SegmentDamage(
      kind: .altered, offset: chunk.offset,
      what: "message \(backwards.number) of \(topic) comes after message \(backwards.end &- 1)")
  }

  @inline(__always)
  private mutating func place(of id: UInt16, _ known: [UInt16: RecordedChannel]) -> Int {
    if Int(id) < places.count, places[Int(id)] >= 0 { return places[Int(id)] }
    return newPlace(of: id, known)
  }

  private mutating func newPlace(of id: UInt16, _ known: [UInt16: RecordedChannel]) -> Int {
    while places.count <= Int(id) { places.append(-1) }
    let channel = known[id] ?? RecordedChannel(id: id, schema: 0, topic: "", messageEncoding: "", metadata: [:])
    places[Int(id)] = channels.count
    channels.append(SegmentReport.Channel(channel: channel))
    return channels.count - 1
  }
}

extension SegmentReport.Channel {
  /// Adds a message. Reliable streams number without gaps, except where the recorder itself noted one; going backwards
  /// is never right: then `false`.
  @inline(__always)
  fileprivate mutating func count(_ found: borrowing RecordedMessage) -> Bool {
    var isInOrder = true
    let number = found.identity.number
    if messageCount == 0 {
      firstNumber = number
      firstLogTime = found.logTime
    } else if number > endNumber {
      // A file may claim any numbers: sums of them saturate.
      let (sum, overflow) = missingCount.addingReportingOverflow(number - endNumber)
      missingCount = overflow ? .max : sum
    } else if number < endNumber {
      isInOrder = !isReliable
    }
    messageCount += 1
    payloadByteCount += UInt64(found.payload.byteCount)
    endNumber = max(endNumber, number == .max ? .max : number + 1)
    lastLogTime = max(lastLogTime, found.logTime)
    return isInOrder
  }

  private var isReliable: Bool { channel.metadata["stt.delivery"] == "reliable" }
}
