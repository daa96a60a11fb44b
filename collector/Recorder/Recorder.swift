import Glibc
import STTBuffers
import STTRecord
public import STTSample

/// Records every device's streams into MCAP segments, from one thread, blocking on the disk.
///
/// When the disk refuses, nothing handed over is lost: the recorder keeps it, answers `false` to
/// more, and tries again with each ``tick(now:wall:)``. What it has not synced it has not promised.
public final class Recorder {
  /// Free space is looked at again after this many bytes.
  private static let spaceCheckByteCount: UInt64 = 8 << 20
  /// Nanoseconds between attempts while the disk refuses.
  static let retryInterval: UInt64 = 1_000_000_000

  private static let closingAttempts = 4
  /// Nanoseconds between looks for segments that are too old.
  private static let retirementInterval: UInt64 = 60_000_000_000

  public let root: String
  private let settings: RecorderSettings
  private let keys: RecordingKeys?
  private let disk: any Disk
  private var folders: [String: OpenSegment] = [:]
  /// By token.
  private var slots: [Slot?] = []
  private var sinceSpaceCheck: UInt64 = 0
  private var retryAt: UInt64 = 0
  private var retireAt: UInt64 = 0
  /// The wall clock of the last ``tick(now:wall:durable:)``.
  private var wall: UInt64 = 0
  private var retired: [RetiredSegment] = []
  private let changes = FolderChanges()
  /// Why recording is halted; `nil` while it is not.
  public private(set) var trouble: RecorderError?
  /// What start-up found and did.
  public private(set) var recovered: [RecoveredFile] = []
  /// How far each stream was recorded before.
  public private(set) var positions: [RecordedPosition] = []
  public private(set) var messageCount: UInt64 = 0
  public private(set) var payloadByteCount: UInt64 = 0
  public private(set) var syncCount: UInt64 = 0
  /// Why old segments could not be removed at the last attempt.
  public private(set) var retirementTrouble: RecorderError?

  /// Where the messages of a token go.
  private struct Slot {
    var segment: OpenSegment
    var place: Int
  }

  /// Makes `root` if need be and brings what is in it into order.
  ///
  /// - Parameters:
  ///   - keys: who may open what is recorded; without them it is plain.
  ///   - disk: where it is recorded.
  public init(
    root: String, settings: RecorderSettings, keys: RecordingKeys? = nil, disk: any Disk = SystemDisk()
  ) throws(RecorderError) {
    self.root = root
    self.settings = settings
    self.keys = keys
    self.disk = disk
    let made = disk.makeDirectory(root)
    guard made >= 0 || made == -EEXIST else {
      throw RecorderError(doing: "make the directory", path: root, number: -made)
    }
    if made >= 0 { _ = disk.syncDirectory(parent(of: root)) }
    guard access(root, W_OK | X_OK) == 0 else { throw RecorderError(doing: "write to", path: root, number: errno) }
    for device in RecordingFolder.entries(root) {
      for purpose in RecordingFolder.entries(root + "/" + device) {
        let folder = RecordingFolder(path: "\(root)/\(device)/\(purpose)")
        var found: [RecoveredFile] = []
        let known = try FolderRecovery.recover(folder, keys, disk) { found.append($0) }
        recovered += found
        folders[folder.path] = OpenSegment(
          folder: folder, found: known, settings: settings, keys: keys, disk: disk, changes: changes)
        for (key, position) in known.positions {
          let parts = key.split(separator: ":")
          guard parts.count == 2, let incarnation = UInt64(parts[1]) else { continue }
          positions.append(
            RecordedPosition(device: device, uid: String(parts[0]), incarnation: incarnation, position: position))
        }
      }
    }
  }

  /// Whether so much waits for a sync, or a segment is so large, that ``tick(now:wall:durable:)`` should come before its time.
  public private(set) var isTickUrgent = false

  /// Whether the disk takes what it is given.
  public var isAccepting: Bool { trouble == nil }

  /// Makes `token`, a small number, mean `stream`, whose next message is `position`.
  public func open(_ stream: RecordedStream, token: Int, position: UInt64) {
    precondition(token >= 0, "tokens count from 0")
    let segment = segment(device: stream.device, purpose: stream.purpose)
    while slots.count <= token { slots.append(nil) }
    slots[token] = Slot(segment: segment, place: segment.place(stream, token: token, position: position))
  }

  private func segment(device: String, purpose: String) -> OpenSegment {
    let folder = RecordingFolder(root: root, device: device, purpose: purpose)
    if let known = folders[folder.path] { return known }
    let segment = OpenSegment(
      folder: folder, found: FolderRecovery.Found(), settings: settings, keys: keys, disk: disk, changes: changes)
    folders[folder.path] = segment
    return segment
  }

  /// Head of the chain that holds everything of `token` reported as durable, 32 bytes; `nil` where recordings have
  /// no chain.
  public func chainHead(of token: Int) -> [UInt8]? {
    guard let head = slot(token)?.segment.durableHead, head.contains(where: { $0 != 0 }) else { return nil }
    return head
  }

  /// Takes one message whose payload is `first` and then `second`. `false`: the disk refuses; keep it
  /// and come again.
  public func append(
    token: Int, number: UInt64, deviceTime: SampleTime, publishTime: UInt64, received: UInt64,
    first: UnsafeRawBufferPointer, second: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
    now: UInt64
  ) -> Bool {
    guard let slot = slot(token) else { return true }
    guard isAccepting else { return false }
    do {
      try slot.segment.append(
        at: slot.place, number: number, deviceTime: deviceTime, publishTime: publishTime, received: received,
        first: first, second: second, now: now)
    } catch {
      halt(error, now)
      return false
    }
    messageCount += 1
    payloadByteCount += UInt64(first.count + second.count)
    if (slot.segment.writer?.chunkByteCount ?? 0) >= settings.chunkByteCount {
      attempt(now) { () throws(RecorderError) in try store(slot.segment) }
    }
    return true
  }

  private func slot(_ token: Int) -> Slot? { slots.indices.contains(token) ? slots[token] : nil }

  /// Notes an event in the recording of `device` and `purpose`.
  public func note(_ event: RecordingEvent, device: String, purpose: String, now: UInt64, wall: UInt64) {
    guard isAccepting else { return }
    attempt(now) { () throws(RecorderError) in
      let segment = segment(device: device, purpose: purpose)
      try segment.begin(now: now, wall: wall)
      segment.note(topic: "stt/events", schema: Self.eventSchema, wall: wall, monotonic: now, device: device) {
        $0.string(event.kind, field: 1)
        $0.string(event.stream, field: 2)
        $0.string(event.detail, field: 3)
        $0.uint64(event.count, field: 4)
      }
      if segment.chunkSince == nil { segment.chunkSince = now }
      segment.periodicSince = segment.periodicSince ?? now
    }
  }

  /// Notes how a device's clocks stand to the collector's in every recording of it that is open.
  public func noteClock(
    device: String, wallOffset: Int64, monotonicOffset: Int64, uncertainty: UInt64, now: UInt64, wall: UInt64
  ) {
    let prefix = "\(root)/\(RecordingFolder.component(device))/"
    for (path, segment) in folders where path.hasPrefix(prefix) && segment.path != nil {
      segment.note(topic: "stt/clock", schema: Self.clockSchema, wall: wall, monotonic: now, device: device) {
        $0.int64(wallOffset, field: 1)
        $0.int64(monotonicOffset, field: 2)
        $0.uint64(uncertainty, field: 3)
      }
      if segment.chunkSince == nil { segment.chunkSince = now }
    }
  }

  static let eventSchema = Schema.protobuf(
    messageName: "event",
    fields: [Field("kind", .string), Field("stream", .string), Field("detail", .string), Field("count", .uint64, unit: "1")])
  static let clockSchema = Schema.protobuf(
    messageName: "clock",
    fields: [
      Field("wall_offset", .int64, unit: "ns"), Field("monotonic_offset", .int64, unit: "ns"),
      Field("uncertainty", .uint64, unit: "ns"),
    ])

  /// Closes chunks and segments that are old enough, syncs what waits, and tries again what failed.
  ///
  /// - Returns: when to be called next, in nanoseconds of the monotonic clock.
  public func tick(now: UInt64, wall: UInt64, durable: (_ token: Int, _ below: UInt64) -> Void) -> UInt64 {
    self.wall = wall
    isTickUrgent = false
    if trouble != nil {
      guard now >= retryAt else { return retryAt }
      trouble = nil
    }
    var next = now + 1_000_000_000
    for segment in folders.values where segment.path != nil {
      attempt(now) { () throws(RecorderError) in
        let isOld = now - segment.opened >= settings.segmentAge
        let isLarge = (segment.writer?.byteCount ?? 0) >= settings.segmentByteCount
        if isOld || isLarge {
          try segment.finish()
          syncCount += 1
          retireAt = now
          report(segment, durable)
          return
        }
        if isSyncDue(segment, now) {
          try checkSpace()
          try segment.sync()
          syncCount += 1
          report(segment, durable)
        } else if let since = segment.chunkSince, now - since >= settings.chunkAge {
          try store(segment, closingChunk: true)
        }
      }
      if let since = segment.unsyncedSince { next = min(next, since + settings.syncInterval) }
      if let since = segment.periodicSince { next = min(next, since + settings.periodicInterval) }
      if let since = segment.chunkSince { next = min(next, since + settings.chunkAge) }
    }
    guard trouble == nil else { return retryAt }
    retire(now)
    return max(next, now + 1_000_000)
  }

  /// Segments removed since the last call.
  public func takeRetired() -> [RetiredSegment] {
    defer { retired = [] }
    return retired
  }

  /// Folders whose segments changed since the last call, each `device/purpose`.
  public func takeChangedFolders() -> [String] { changes.take() }

  private func retire(_ now: UInt64) {
    guard settings.retention.hasLimits, now >= retireAt else { return }
    retireAt = now + Self.retirementInterval
    retirementTrouble = nil
    for segment in Retention(root: root).due(settings.retention, wall: wall) where retirementTrouble == nil {
      remove(segment)
    }
  }

  private func remove(_ segment: RetiredSegment) {
    do {
      try Retention.remove(segment, collectorKey: try keys?.collector(), wall: wall, on: disk)
      retired.append(segment)
      changes.note(RecordingFolder(path: segment.folder).name)
    } catch { retirementTrouble = error }
  }

  /// Removes the oldest segment where that is what shall happen on a full disk; answers whether there was one.
  private func makeRoom(_ error: RecorderError) -> Bool {
    guard error.number == ENOSPC || error.number == EDQUOT,
      let oldest = Retention(root: root).oldest(settings.retention)
    else { return false }
    retirementTrouble = nil
    remove(oldest)
    return retirementTrouble == nil
  }

  private func isSyncDue(_ segment: OpenSegment, _ now: UInt64) -> Bool {
    let isUrgent = segment.unsyncedByteCount >= OpenSegment.urgentByteCount
    if let since = segment.unsyncedSince, isUrgent || now - since >= settings.syncInterval { return true }
    guard let since = segment.periodicSince else { return false }
    return now - since >= settings.periodicInterval || segment.unsyncedByteCount >= settings.periodicByteCount
  }

  /// Finishes every segment; a call that fails is made again, a few times. What can't be written then is finished at
  /// the next start.
  public func close(now: UInt64, durable: (_ token: Int, _ below: UInt64) -> Void) {
    for _ in 0..<Self.closingAttempts {
      trouble = nil
      for segment in folders.values where segment.path != nil {
        attempt(now) { () throws(RecorderError) in
          try segment.finish()
          report(segment, durable)
        }
      }
      if trouble == nil { return }
    }
  }

  private func report(_ segment: OpenSegment, _ durable: (Int, UInt64) -> Void) {
    for place in segment.places { durable(place.token, place.durable) }
  }

  private func store(_ segment: OpenSegment, closingChunk: Bool = true) throws(RecorderError) {
    sinceSpaceCheck += UInt64(segment.writer?.chunkByteCount ?? 0)
    if sinceSpaceCheck >= Self.spaceCheckByteCount { try checkSpace() }
    try segment.flush(closingChunk: closingChunk)
    let isLarge = (segment.writer?.byteCount ?? 0) >= settings.segmentByteCount
    if isLarge || (segment.awaitsSync && segment.unsyncedByteCount >= OpenSegment.urgentByteCount) { isTickUrgent = true }
  }

  private func checkSpace() throws(RecorderError) {
    sinceSpaceCheck = 0
    guard let free = disk.freeByteCount(root) else { return }
    if free < settings.reserveByteCount {
      throw RecorderError(
        doing: "keep \(settings.reserveByteCount >> 20) MiB free while writing to", path: root, number: ENOSPC)
    }
  }

  private func attempt(_ now: UInt64, _ body: () throws(RecorderError) -> Void) {
    do { try body() } catch { halt(error, now) }
  }

  private func halt(_ error: RecorderError, _ now: UInt64) {
    trouble = error
    retryAt = makeRoom(error) ? now : now + Self.retryInterval
  }
}
