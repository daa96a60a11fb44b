import LinuxEvents
import STTRecord
import STTRecorder
import Synchronization

/// Reads a recording in a thread of its own, ahead of whoever plays it, so that opening a chunk makes no
/// message late.
final class ReadAhead: Sendable {
  let queue = MessageQueue()
  private let outcome = Outcome()
  private let thread: WorkerThread

  /// Keys and selection on their way to the reading thread, which alone uses them.
  private struct Order: @unchecked Sendable {
    var tracks: [RecordingFiles.Track]
    var keys: KeySources
    var selection: ReadSelection
  }

  init(_ tracks: [RecordingFiles.Track], keys: KeySources, _ selection: ReadSelection, loops: Bool) throws {
    let order = Order(tracks: tracks, keys: keys, selection: selection)
    let (queue, outcome) = (queue, outcome)
    thread = try WorkerThread(name: "stt-read") {
      repeat {
        guard Self.read(order, queue, outcome) else { break }
      } while loops && queue.push(.restart)
      _ = queue.push(.end)
    }
  }

  private final class Outcome: Sendable {
    let value = Mutex<(damage: [(path: String, what: SegmentDamage)], failure: (any Error)?)>(([], nil))
  }

  /// Once to the end; `false` when that failed, or nobody listens.
  private static func read(_ order: Order, _ queue: MessageQueue, _ outcome: Outcome) -> Bool {
    let reader = MergedReader(order.tracks, keys: order.keys, order.selection)
    var isWanted = true
    var isEmpty = true
    do {
      while try isWanted
        && reader.next({ message, channel in
          isEmpty = false
          isWanted = queue.push(.message(PlayedMessage(message, channel, clock: reader.clock(of: channel.stream))))
        })
      {}
    } catch {
      outcome.value.withLock { $0.failure = error }
      return false
    }
    let damage = reader.damage
    outcome.value.withLock { $0.damage = damage }
    return isWanted && !isEmpty
  }

  /// Ends the reading; what was wrong with the files, or throws what stopped it.
  func finish() throws -> [(path: String, what: SegmentDamage)] {
    queue.close()
    thread.join()
    return try outcome.value.withLock { outcome in
      if let failure = outcome.failure { throw failure }
      return outcome.damage
    }
  }
}
