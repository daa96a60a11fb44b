import Glibc
import STTRecord

/// How much of old recordings is kept. Whatever a limit says, the newest segment of each folder that was finished stays,
/// and what is newer: it knows how far each stream was recorded, and the next one follows it.
public struct RetentionPolicy: Hashable, Sendable {
  /// Nanoseconds since a segment's end; `nil`: for ever.
  public var age: UInt64?
  /// Bytes of all recordings together, and of one device's.
  public var byteCount: UInt64?
  public var deviceByteCount: UInt64?
  /// Whether the oldest segments make room when the file system has none. Otherwise recording waits for a person.
  public var dropsOldest: Bool
  /// For folders kept otherwise; the first that fits counts.
  public var rules: [RetentionRule]

  public init(
    age: UInt64? = nil, byteCount: UInt64? = nil, deviceByteCount: UInt64? = nil, dropsOldest: Bool = false,
    rules: [RetentionRule] = []
  ) {
    self.age = age
    self.byteCount = byteCount
    self.deviceByteCount = deviceByteCount
    self.dropsOldest = dropsOldest
    self.rules = rules
  }

  var hasLimits: Bool {
    age != nil || byteCount != nil || deviceByteCount != nil || rules.contains { $0.age != nil || $0.byteCount != nil }
  }
}

/// How the recordings of one purpose are kept, where that is not as for all others.
public struct RetentionRule: Hashable, Sendable {
  public var purpose: String
  /// `nil`: of every device.
  public var device: String?
  /// As in ``RetentionPolicy``; `nil`: as there.
  public var age: UInt64?
  /// Bytes of all folders of this rule together.
  public var byteCount: UInt64?
  /// `false`: neither a full disk nor the size of all recordings takes its segments. `nil`: as in ``RetentionPolicy``.
  public var dropsOldest: Bool?

  public init(
    purpose: String, device: String? = nil, age: UInt64? = nil, byteCount: UInt64? = nil, dropsOldest: Bool? = nil
  ) {
    self.purpose = purpose
    self.device = device
    self.age = age
    self.byteCount = byteCount
    self.dropsOldest = dropsOldest
  }

  fileprivate func fits(_ folder: RecordingFolder) -> Bool {
    RecordingFolder.component(purpose) == folder.purpose
      && device.map { RecordingFolder.component($0) == folder.device } ?? true
  }
}

/// A segment that is given up.
public struct RetiredSegment: Hashable, Sendable {
  public enum Reason: String, Hashable, Sendable {
    case age = "it is older than what is kept"
    case deviceSize = "its device's recordings are larger than allowed"
    case ruleSize = "recordings of its purpose are larger than allowed"
    case size = "all recordings are larger than allowed"
    case space = "the disk is full"
  }

  public var folder: String
  public var name: String
  public var byteCount: UInt64
  /// When the one after it began, nanoseconds since 1970 by the collector's clock.
  public var ended: UInt64
  public var reason: Reason

  public var path: String { "\(folder)/\(name)" }
  fileprivate var device: String { RecordingFolder(path: folder).device }
}

/// What is recorded below a root, as far as its removal is concerned.
public struct Retention {
  /// Oldest first, in each folder by running number; of each folder the newest that was finished, and what is newer, is not
  /// among them.
  private var removable: [RetiredSegment] = []
  /// By folder.
  private var byteCounts: [String: UInt64] = [:]

  /// Looks at names and sizes, and at the ends of the newest segments.
  ///
  /// - Parameters:
  ///   - purpose: looks at folders of this purpose alone; `nil`: at all.
  ///   - device: at those of this device alone.
  public init(root: String, purpose: String? = nil, device: String? = nil) {
    let (wanted, wantedDevice) = (purpose.map(RecordingFolder.component), device.map(RecordingFolder.component))
    for device in RecordingFolder.entries(root) where wantedDevice ?? device == device {
      for purpose in RecordingFolder.entries("\(root)/\(device)") where wanted ?? purpose == purpose {
        add("\(root)/\(device)/\(purpose)")
      }
    }
    removable.sort { ($0.ended, $0.folder, Self.number($0)) < ($1.ended, $1.folder, Self.number($1)) }
  }

  private static func number(_ segment: RetiredSegment) -> UInt64 { RecordingFolder.number(segment.name) ?? 0 }

  private mutating func add(_ folder: String) {
    let names = RecordingFolder(path: folder).segments()
    let newest = names.lastIndex { Self.knowsPositions("\(folder)/\($0)") } ?? 0
    var ended: UInt64 = 0
    for (index, name) in names.enumerated() {
      var info = stat()
      let byteCount = stat("\(folder)/\(name)", &info) == 0 ? UInt64(clamping: info.st_size) : 0
      byteCounts[folder, default: 0] += byteCount
      guard index < newest else { continue }
      // A clock that went back must not make a later segment the older one.
      ended = max(ended, RecordingFolder.began(names[index + 1]) ?? 0)
      removable.append(
        RetiredSegment(folder: folder, name: name, byteCount: byteCount, ended: ended, reason: .space))
    }
  }

  /// Whether recovery need not look at what is older: a segment that is open, or that a crash left, tells of the streams it
  /// has and of no others.
  private static func knowsPositions(_ path: String) -> Bool {
    guard var source = try? FileSource(path), let notes = try? SegmentNotes.read(&source) else { return false }
    return notes.contains { $0.name == SealNote.positionsName }
  }

  /// The oldest that may make room on a full disk.
  public func oldest(_ policy: RetentionPolicy) -> RetiredSegment? {
    removable.first { rule(policy, $0.folder)?.dropsOldest ?? policy.dropsOldest }
  }

  private func rule(_ policy: RetentionPolicy, _ folder: String) -> RetentionRule? {
    policy.rules.first { $0.fits(RecordingFolder(path: folder)) }
  }

  /// What `policy` gives up at `wall`, nanoseconds since 1970; oldest first.
  public func due(_ policy: RetentionPolicy, wall: UInt64) -> [RetiredSegment] {
    var ruleBytes: [RetentionRule: UInt64] = [:]
    var deviceBytes: [String: UInt64] = [:]
    var total: UInt64 = 0
    for (folder, byteCount) in byteCounts {
      if let rule = rule(policy, folder) { ruleBytes[rule, default: 0] += byteCount }
      deviceBytes[RecordingFolder(path: folder).device, default: 0] += byteCount
      total += byteCount
    }
    var due: [RetiredSegment] = []
    for var segment in removable {
      let rule = rule(policy, segment.folder)
      let mayMakeRoom = rule?.dropsOldest != false
      if let age = rule?.age ?? policy.age, wall > segment.ended, wall - segment.ended > age {
        segment.reason = .age
      } else if let rule, let limit = rule.byteCount, ruleBytes[rule, default: 0] > limit {
        segment.reason = .ruleSize
      } else if mayMakeRoom, let limit = policy.deviceByteCount, deviceBytes[segment.device, default: 0] > limit {
        segment.reason = .deviceSize
      } else if mayMakeRoom, let limit = policy.byteCount, total > limit {
        segment.reason = .size
      } else {
        continue
      }
      if let rule { ruleBytes[rule, default: 0] -= segment.byteCount }
      deviceBytes[segment.device, default: 0] -= segment.byteCount
      total -= segment.byteCount
      due.append(segment)
    }
    return due
  }

  /// Removes a segment, and has a note of it on the disk before.
  public static func remove(
    _ segment: RetiredSegment, collectorKey: [UInt8]?, wall: UInt64, on disk: any Disk
  ) throws(RecorderError) {
    let folder = RecordingFolder(path: segment.folder)
    let names = folder.segments()
    guard let index = names.firstIndex(of: segment.name), index + 1 < names.count else { return }
    var note = RemovedSegments(in: segment.folder) ?? RemovedSegments()
    note.add(segment)
    note.seconds = wall / 1_000_000_000
    // A plain segment leaves the chain where it was.
    note.before = try previousHead(segment.path) ?? note.head
    note.head = try nextHead(segment.folder, names[(index + 1)...]) ?? note.before
    if let collectorKey { note.sign(collectorKey) }
    var isNoted = true
    do { try note.write(segment.folder, on: disk) } catch {
      // On a disk without a byte left the note has to wait for the segment to make room for it.
      guard error.number == ENOSPC || error.number == EDQUOT else { throw error }
      isNoted = false
    }
    let removed = disk.remove(segment.path)
    guard removed >= 0 || removed == -ENOENT else {
      throw RecorderError(doing: "remove", path: segment.path, number: -removed)
    }
    if !isNoted { try note.write(segment.folder, on: disk) }
    let synced = disk.syncDirectory(segment.folder)
    guard synced >= 0 else {
      throw RecorderError(doing: "sync the directory", path: segment.folder, number: -synced)
    }
  }

  /// Head of the chain before the first of these segments that is sealed.
  private static func nextHead(_ folder: String, _ names: ArraySlice<String>) throws(RecorderError) -> [UInt8]? {
    for name in names {
      if let head = try previousHead("\(folder)/\(name)") { return head }
    }
    return nil
  }

  /// Head of the chain before a sealed segment; `nil` for a plain one.
  private static func previousHead(_ path: String) throws(RecorderError) -> [UInt8]? {
    do {
      return try SealedSlots.of(path)?.previousHead
    } catch let error as RecorderError {
      throw error
    } catch {
      return nil
    }
  }
}
