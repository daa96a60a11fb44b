import Glibc
import STC
import STTRecord

/// What was done about a file that was not finished.
public struct RecoveredFile: Sendable {
  public var path: String
  public var keptByteCount: UInt64
  public var cutByteCount: UInt64
  /// In a sealed file, batches: recovery opens none.
  public var messageCount: UInt64
  public var reason: String
  /// Where bytes are kept that were cut and are not just a torn end; `nil` when there are none.
  public var setAside: String?
}

/// Brings a folder into order after whatever ended the last run.
enum FolderRecovery {
  /// Where recording goes on.
  struct Found {
    /// `uid:incarnation` to one past the last message.
    var positions: [String: UInt64] = [:]
    /// Head of the newest segment's chain, 32 bytes.
    var head = [UInt8](repeating: 0, count: 32)
  }

  /// Finishes unfinished segments in place and tells how far each stream was recorded. Never
  /// continues a segment: the next one is new. Of sealed segments it reads positions alone.
  static func recover(
    _ folder: RecordingFolder, _ keys: RecordingKeys?, _ disk: any Disk, found report: (RecoveredFile) -> Void
  ) throws(RecorderError) -> Found {
    var found = Found()
    var unfinished: [String] = []
    var finished: String?
    // Newest first, until one that was finished tells of everything before it.
    for name in folder.segments().reversed() {
      let path = folder.path + "/" + name
      if let notes = try finishedNotes(path), let positions = try positions(notes, keys) {
        found.positions = positions
        if let head = chainHead(notes) { found.head = head }
        finished = path
        break
      }
      unfinished.append(path)
    }
    // A recorder that was killed before its last sync left whole files that the disk perhaps has not.
    if let finished { try SegmentFile(opening: finished, on: disk).sync() }
    for path in unfinished.reversed() { try finish(path, folder, &found, keys, disk, report) }
    if finished != nil || !unfinished.isEmpty { try sync(folder, disk) }
    return found
  }

  private static func sync(_ folder: RecordingFolder, _ disk: any Disk) throws(RecorderError) {
    let synced = disk.syncDirectory(folder.path)
    guard synced >= 0 else { throw RecorderError(doing: "sync the directory", path: folder.path, number: -synced) }
  }

  private typealias Notes = [(name: String, entries: [String: String])]

  private static func finishedNotes(_ path: String) throws(RecorderError) -> Notes? {
    var source = try FileSource(path)
    do {
      return try SegmentNotes.read(&source)
    } catch let error as RecorderError {
      throw error
    } catch {
      return nil
    }
  }

  /// `nil` where the notes don't tell, or tell somebody else.
  private static func positions(_ notes: Notes, _ keys: RecordingKeys?) throws(RecorderError) -> [String: UInt64]? {
    guard let entries = notes.first(where: { $0.name == SealNote.positionsName })?.entries else { return nil }
    guard let sealed = entries["sealed"] else { return entries.compactMapValues { UInt64($0) } }
    guard let seal = notes.first(where: { $0.name == SealNote.name }).flatMap({ SealNote($0.entries) }),
      let bytes = Digits.bytes(sealed)
    else { return nil }
    let opener = try opener(keys)
    _ = opener.begin(seal)
    return opener.openPositions(bytes).flatMap { PositionList.positions($0) }
  }

  private static func chainHead(_ notes: Notes) -> [UInt8]? {
    notes.first { $0.name == SealNote.chainName }?.entries["head"].flatMap { Digits.bytes($0) }
  }

  /// The collector's own key: it opens positions and no message.
  private static func opener(_ keys: RecordingKeys?) throws(RecorderError) -> SegmentUnsealer {
    var collectors: [[UInt8]] = []
    if let keys { collectors.append(try keys.collector()) }
    return SegmentUnsealer(KeySources(collectors: collectors))
  }

  /// Cuts a file after its last whole group and ends it properly.
  private static func finish(
    _ path: String, _ folder: RecordingFolder, _ found: inout Found, _ keys: RecordingKeys?, _ disk: any Disk,
    _ report: (RecoveredFile) -> Void
  ) throws(RecorderError) {
    let source = try FileSource(path)
    let opener = try opener(keys)
    let recovery: SegmentRecovery
    do {
      recovery = try SegmentRecovery(source, decompressor: Zstandard(), opener: opener)
    } catch let error as RecorderError {
      throw error
    } catch {
      try setAside(path, source, "\(error)", isWorthKeeping: source.byteCount > 0, disk, report)
      return
    }
    let plainCount = recovery.channels.reduce(0) { $0 + $1.messageCount }
    if let damage = recovery.damage, recovery.seal == nil, keys?.seals == true, plainCount == 0 {
      // Finished as an empty plain segment it would be the newest of its folder and know no positions.
      let isWorthKeeping = try DamagedTail(source, from: recovery.keptByteCount, damage).isWorthKeeping()
      try setAside(path, source, damage.description, isWorthKeeping: isWorthKeeping, disk, report)
      return
    }
    for channel in recovery.channels {
      if let key = channel.channel.positionKey {
        found.positions[key] = max(found.positions[key] ?? 0, channel.endNumber)
      }
    }
    found.positions.merge(recovery.sealedPositions) { max($0, $1) }
    let seal = recovery.seal
    if let seal { found.head = seal.head }
    guard let damage = recovery.damage else {
      try SegmentFile(opening: path, on: disk).sync()
      return
    }
    let kept = recovery.keptByteCount
    let messageCount = seal?.count ?? plainCount
    let aside = try DamagedTail(source, from: kept, damage).setAside(beside: path, on: disk)
    var note = ["reason": damage.description, "cut_bytes": String(source.byteCount - kept), "kept_bytes": String(kept)]
    if let aside { note[SealNote.setAsideKey] = String(aside.split(separator: "/").last ?? "") }
    var notes: Notes = [(SealNote.recoveryName, note)]
    notes += try ending(seal, found.positions, keys)
    let (data, summary) = recovery.ending(notes: notes)
    let file = try SegmentFile(opening: path, on: disk)
    try file.truncate(to: kept)
    // As a recorder does: a footer says that everything before it is on the disk.
    for (bytes, offset) in [(data, kept), (summary, kept + UInt64(data.count))] {
      try bytes.withRawBytes { bytes throws(RecorderError) in try file.write(bytes, at: offset) }
      try file.sync()
    }
    if let seal { try keys?.remember(folder.name, ChainHead(segment: seal.note.segment, head: seal.head)) }
    report(
      RecoveredFile(
        path: path, keptByteCount: kept, cutByteCount: source.byteCount - kept, messageCount: messageCount,
        reason: damage.description, setAside: aside))
  }

  /// Takes a file without a beginning out of the recording: the recorder puts nothing into one before that is on the
  /// disk.
  private static func setAside(
    _ path: String, _ source: FileSource, _ reason: String, isWorthKeeping: Bool, _ disk: any Disk,
    _ report: (RecoveredFile) -> Void
  ) throws(RecorderError) {
    let aside = path + ".damaged"
    report(
      RecoveredFile(
        path: path, keptByteCount: 0, cutByteCount: source.byteCount, messageCount: 0, reason: reason,
        setAside: isWorthKeeping ? aside : nil))
    let moved = disk.rename(path, to: aside)
    guard moved >= 0 else { throw RecorderError(doing: "set aside", path: path, number: -moved) }
  }

  /// Positions and the end of the chain.
  private static func ending(
    _ seal: SegmentSealState?, _ positions: [String: UInt64], _ keys: RecordingKeys?
  ) throws(RecorderError) -> Notes {
    guard let seal else { return [(SealNote.positionsName, positions.mapValues { String($0) })] }
    guard let keys else { return [] }
    let key = PositionKey(bytes: try keys.collector(), segment: seal.note.segment)
    let sealed = key.seal(PositionList.bytes(positions), nonce: try RecordingKeys.random(12))
    return [
      (SealNote.positionsName, ["sealed": Digits.text(sealed)]),
      (
        SealNote.chainName,
        [
          "seals": String(seal.count), "head": Digits.text(seal.head), "recovered": Digits.text(key.recovery(seal.head)),
        ]
      ),
    ]
  }
}
