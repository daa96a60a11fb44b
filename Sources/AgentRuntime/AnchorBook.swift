import Logging
import STTKeyring
import STTWire

/// Keeps the newest head of each recording's chain that the collector acknowledged, on this machine's disk.
///
/// They change several times a second, and a flash card lasts longer when they are written once a minute: after a
/// crash the last one is at most so old.
struct AnchorBook {
  private static let savingNanoseconds: UInt64 = 60_000_000_000

  private let state: StateDirectory
  private let log: Logger
  private let device: String
  /// By stream: device and purpose, and the head kept last.
  private var folders: [String] = []
  private var heads: [RecordingHead?] = []
  private var anchors: RecordingAnchors
  private var isDirty = false
  private var savedAt: UInt64 = 0

  init(device: String, in state: StateDirectory, log: Logger) throws {
    self.state = state
    self.log = log
    self.device = device
    anchors = try RecordingAnchors(in: state)
  }

  /// Makes room for the next stream.
  mutating func add(purpose: String) {
    folders.append("\(device)/\(purpose)")
    heads.append(nil)
  }

  mutating func note(_ stream: Int, _ head: RecordingHead?, wall: UInt64) {
    guard let head, head != heads[stream] else { return }
    heads[stream] = head
    let anchor = RecordingAnchors.Anchor(folder: folders[stream], head: head.bytes, seconds: wall / 1_000_000_000)
    if anchors.keep(anchor) { isDirty = true }
  }

  mutating func tend(now: UInt64) {
    guard isDirty, savedAt == 0 || now &- savedAt >= Self.savingNanoseconds else { return }
    savedAt = now
    save()
  }

  mutating func save() {
    guard isDirty else { return }
    do {
      try anchors.save(in: state)
      isDirty = false
    } catch {
      log.warning("the heads of our recordings are not kept: \(error)")
    }
  }
}
