import STTWire
import Synchronization

/// Which receive thread has a session, by all names it answers to: aliases lead anywhere (docs/protocol.md 2.14), and a
/// WebSocket to the first thread. Only asked for names that the asking thread doesn't know.
final class NameDirectory: Sendable {
  private final class Shard: Sendable {
    let threads = Mutex<[SessionID: Int]>([:])
  }

  /// So many that a flood of names nobody has, on all threads, makes them wait for none another.
  private let shards = (0..<64).map { _ in Shard() }

  private func shard(_ id: SessionID) -> Shard { shards[Int(id.rawValue >> 8 & 63)] }

  func note(_ id: SessionID, thread: Int) { shard(id).threads.withLock { $0[id] = thread } }

  func forget(_ id: SessionID, thread: Int) {
    shard(id).threads.withLock {
      if $0[id] == thread { $0[id] = nil }
    }
  }

  func thread(of id: SessionID) -> Int? { shard(id).threads.withLock { $0[id] } }
}
