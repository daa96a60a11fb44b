import LinuxEvents
import Logging
import STTBuffers
import STTRecorder
import STTSample
import STTSession
import STTWire
import Synchronization

/// The recording thread: takes messages off the rings, one from each in turn, keeps the recorder's times, and tells
/// what is on disk.
///
/// When the disk refuses it stops taking; the rings fill, the receivers stop accepting, and the
/// devices keep what they have.
struct RecorderLoop: ~Copyable {
  private let recorder: Recorder
  private let channel: RecorderChannel
  private let log: Logger
  private var poller: Poller
  /// What was taken off a ring and refused by the disk.
  private var held: RecorderItem?
  private var cursor = 0
  /// Where the last item came from.
  private var lane = 0
  /// Lanes that have more room than at the last look.
  private var drained: [Bool]
  /// Device wall clock minus ours, by device; and by token, each one's device and this.
  private var offsets: [String: Int64] = [:]
  private var devices: [String] = []
  private var publishOffsets: [Int64] = []
  private var reported: [Int: UInt64] = [:]
  /// When the recorder wants to be called, nanoseconds of the monotonic clock.
  private var nextTick: UInt64 = 0
  private var lastTrouble: String?
  private var lastRetirementTrouble: String?

  static func open(recorder: Recorder, channel: RecorderChannel, log: Logger) throws(SystemFailure) -> RecorderLoop {
    let poller = try Poller()
    try poller.add(channel.toRecorder.descriptor, .readable, token: 0)
    return RecorderLoop(recorder: recorder, channel: channel, log: log, poller: poller)
  }

  private init(recorder: Recorder, channel: RecorderChannel, log: Logger, poller: consuming Poller) {
    self.recorder = recorder
    self.channel = channel
    self.log = log
    self.poller = poller
    drained = channel.lanes.map { _ in true }
  }

  /// Runs until the channel is stopping and everything was taken, or the disk refuses it.
  mutating func run() {
    while true {
      channel.toRecorder.clear()
      let stopping = channel.isStopping.load(ordering: .acquiring)
      let isDrained = take()
      nextTick = tick()
      if stopping, (held == nil && channel.lanes.allSatisfy { $0.items.count == 0 }) || !recorder.isAccepting { break }
      guard isDrained || !recorder.isAccepting else { continue }
      do { try poller.wait(until: nextTick) } catch { log.error("the recorder cannot wait: \(error)") }
    }
    recorder.close(now: Clocks.monotonic) { report($0, $1) }
    show()
  }

  /// Takes what there is until the recorder wants its tick; `false`: there may be more.
  private mutating func take() -> Bool {
    while recorder.isAccepting {
      guard let item = held.take() ?? next() else { return true }
      let now = Clocks.monotonic
      if let refused = handle(item, now) {
        held = consume refused
        return true
      }
      if now >= nextTick || recorder.isTickUrgent { return false }
    }
    return true
  }

  private mutating func next() -> RecorderItem? {
    for _ in 0..<channel.lanes.count {
      lane = lane + 1 < channel.lanes.count ? lane + 1 : 0
      if let item = channel.lanes[lane].items.pop() {
        drained[lane] = true
        return item
      }
    }
    return nil
  }

  /// The recorder's token of a stream: lanes count theirs each from 0.
  private func token(_ laneToken: Int) -> Int { laneToken * channel.lanes.count + lane }

  /// Answers the item again when the disk refused it.
  private mutating func handle(_ item: consuming RecorderItem, _ now: UInt64) -> RecorderItem? {
    switch consume item {
    case .opened(let laneToken, let stream, let position):
      let token = token(laneToken)
      while devices.count <= token {
        devices.append("")
        publishOffsets.append(0)
      }
      devices[token] = stream.device
      publishOffsets[token] = offsets[stream.device] ?? 0
      recorder.open(stream, token: token, position: position)
      return nil
    case .batch(let lease):
      var place = cursor
      let length = lease.count
      deliver(lease, from: &place, now)
      guard place < length, !recorder.isAccepting else {
        cursor = 0
        return nil
      }
      cursor = place
      return .batch(lease)
    case .message(let head, let lease):
      let isTaken = append(head, whole: lease, now)
      return isTaken ? nil : .message(head, lease)
    case .event(let device, let purpose, let event, let wall):
      recorder.note(event, device: device, purpose: purpose, now: now, wall: wall)
      return nil
    case .clock(let device, let estimate, let wall):
      offsets[device] = estimate.wallOffsetNanoseconds
      for token in devices.indices where devices[token] == device {
        publishOffsets[token] = estimate.wallOffsetNanoseconds
      }
      recorder.noteClock(
        device: device, wallOffset: estimate.wallOffsetNanoseconds,
        monotonicOffset: estimate.monotonicOffsetNanoseconds, uncertainty: estimate.uncertaintyNanoseconds, now: now,
        wall: wall)
      return nil
    }
  }

  private func deliver(_ batch: borrowing Lease, from place: inout Int, _ now: UInt64) {
    DeliveryBatch.forEach(batch, from: &place) { head, payload in append(head, payload, now) }
  }

  private func append(_ head: DeliveryHead, whole message: borrowing Lease, _ now: UInt64) -> Bool {
    append(head, message.bytes.extracting(MessageTime.byteCount..<message.count), now)
  }

  private func append(_ head: DeliveryHead, _ payload: RawSpan, _ now: UInt64) -> Bool {
    let token = token(head.token)
    return payload.withUnsafeBytes {
      recorder.append(
        token: token, number: head.number,
        deviceTime: SampleTime(
          monotonicNanoseconds: head.time.monotonicNanoseconds, wallNanoseconds: head.time.wallNanoseconds),
        publishTime: head.time.wallNanoseconds
          &- UInt64(bitPattern: publishOffsets.indices.contains(token) ? publishOffsets[token] : 0),
        received: head.received, first: $0, now: now)
    }
  }

  private mutating func tick() -> UInt64 {
    var marks: [DurableMark] = []
    let next = recorder.tick(now: Clocks.monotonic, wall: Clocks.wall) { token, below in
      marks.append(DurableMark(token: token, number: below))
    }
    // Who is told that messages are safe finds them in the status.
    show()
    for mark in marks { report(mark.token, mark.number) }
    return next
  }

  private mutating func report(_ token: Int, _ below: UInt64) {
    guard reported[token] != below else { return }
    // A full ring is told again with the next sync.
    let lane = channel.lanes[token % channel.lanes.count]
    let mark = DurableMark(
      token: token / channel.lanes.count, number: below,
      head: recorder.chainHead(of: token).flatMap { RecordingHead($0) })
    if lane.marks.push(mark) == nil {
      reported[token] = below
      lane.toReceiver.signal()
    }
  }

  private mutating func show() {
    let trouble = recorder.trouble?.description
    if let trouble, trouble != lastTrouble {
      log.error("recording is halted and goes on by itself once it can, devices keep their data meanwhile: \(trouble)")
    } else if trouble == nil, lastTrouble != nil, recorder.isAccepting {
      log.notice("recording goes on")
    }
    lastTrouble = trouble
    channel.catalogue.note(recorder.takeChangedFolders())
    let retired = recorder.takeRetired()
    for segment in retired {
      log.notice("removed \(segment.path), \(segment.byteCount) bytes: \(segment.reason.rawValue)")
    }
    let retirementTrouble = recorder.retirementTrouble?.description
    if let retirementTrouble, retirementTrouble != lastRetirementTrouble {
      log.error("old recordings can't be removed: \(retirementTrouble)")
    }
    lastRetirementTrouble = retirementTrouble
    channel.state.withLock {
      $0.messageCount = recorder.messageCount
      $0.byteCount = recorder.payloadByteCount
      $0.syncCount = recorder.syncCount
      $0.removedCount += UInt64(retired.count)
      $0.removedByteCount += retired.reduce(0) { $0 + $1.byteCount }
      $0.trouble = trouble
    }
    for index in drained.indices where drained[index] {
      drained[index] = false
      channel.lanes[index].toReceiver.signal()
    }
  }
}
