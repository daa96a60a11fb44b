import Glibc
import STTRecord

/// What was done about a file that was not finished.
public struct RecoveredFile: Sendable {
  public var path: String
  public var keptByteCount: UInt64
  public var cutByteCount: UInt64
  public var messageCount: UInt64
  public var reason: String
}

/// Brings a folder into order after whatever ended the last run.
enum FolderRecovery {
  static let positionsNote = "stt.positions"

  /// Finishes unfinished segments in place and tells how far each stream was recorded. Never
  /// continues a segment: the next one is new.
  static func recover(
    _ folder: RecordingFolder, found: (RecoveredFile) -> Void
  ) throws(RecorderError) -> [String: UInt64] {
    var positions: [String: UInt64] = [:]
    var unfinished: [String] = []
    // Newest first, until one that was finished tells of everything before it.
    for name in folder.segments().reversed() {
      let path = folder.path + "/" + name
      if let note = try finishedNotes(path)?.first(where: { $0.name == positionsNote }) {
        positions = note.entries.compactMapValues { UInt64($0) }
        break
      }
      unfinished.append(path)
    }
    for path in unfinished.reversed() { try finish(path, &positions, found: found) }
    return positions
  }

  /// `uid:incarnation`, the key of the positions note.
  static func key(_ channel: RecordedChannel) -> String? {
    guard let uid = channel.metadata["stt.stream_uid"], let incarnation = channel.metadata["stt.incarnation"] else {
      return nil
    }
    return "\(uid):\(incarnation)"
  }

  private static func finishedNotes(_ path: String) throws(RecorderError) -> [(name: String, entries: [String: String])]? {
    var source = try FileSource(path)
    do {
      return try SegmentNotes.read(&source)
    } catch let error as RecorderError {
      throw error
    } catch {
      return nil
    }
  }

  /// Cuts a file after its last whole group and ends it properly.
  private static func finish(
    _ path: String, _ positions: inout [String: UInt64], found: (RecoveredFile) -> Void
  ) throws(RecorderError) {
    let source = try FileSource(path)
    let recovery: SegmentRecovery
    do {
      recovery = try SegmentRecovery(source, decompressor: Zstandard())
    } catch let error as RecorderError {
      throw error
    } catch {
      // Not even a beginning: nothing was recorded in it.
      found(
        RecoveredFile(path: path, keptByteCount: 0, cutByteCount: source.byteCount, messageCount: 0, reason: "\(error)"))
      if rename(path, path + ".damaged") != 0 {
        throw RecorderError(doing: "set aside", path: path, number: errno)
      }
      return
    }
    for channel in recovery.channels {
      if let key = key(channel.channel) { positions[key] = max(positions[key] ?? 0, channel.endNumber) }
    }
    guard let damage = recovery.damage else { return }
    let kept = recovery.keptByteCount
    let messageCount = recovery.channels.reduce(0) { $0 + $1.messageCount }
    let ending = recovery.ending(notes: [
      (
        "stt.recovery",
        [
          "reason": damage.description, "cut_bytes": String(source.byteCount - kept), "kept_bytes": String(kept),
        ]
      ),
      (positionsNote, positions.mapValues { String($0) }),
    ])
    try replaceTail(of: path, at: kept, with: ending)
    found(
      RecoveredFile(
        path: path, keptByteCount: kept, cutByteCount: source.byteCount - kept, messageCount: messageCount,
        reason: damage.description))
  }

  private static func replaceTail(of path: String, at offset: UInt64, with bytes: [UInt8]) throws(RecorderError) {
    let descriptor = open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw RecorderError(doing: "open", path: path, number: errno) }
    defer { close(descriptor) }
    guard ftruncate(descriptor, off_t(offset)) == 0 else {
      throw RecorderError(doing: "cut", path: path, number: errno)
    }
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes {
        pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset) + off_t(done))
      }
      if count > 0 {
        done += count
      } else if errno != EINTR {
        throw RecorderError(doing: "finish", path: path, number: count == 0 ? ENOSPC : errno)
      }
    }
    guard fsync(descriptor) == 0 else { throw RecorderError(doing: "sync", path: path, number: errno) }
  }
}
