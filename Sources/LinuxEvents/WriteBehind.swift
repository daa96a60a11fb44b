import CLinux
import Glibc

/// Bytes on their way to a file, written by a thread of its own: whoever makes them waits only when the disk is
/// behind by as much as there is room for.
///
/// Used by one thread. The file is written from where its descriptor stands. One that was created for this is written
/// past the page cache up to the first ``drain()``: what is long and not read here again needs no copy in the kernel's
/// memory, and should not drive out of it what others read.
public final class WriteBehind {
  private let ring: WriteRing
  private let thread: WorkerThread

  /// - Parameters:
  ///   - descriptor: stays open for as long as this lives, and is closed by whoever opened it.
  ///   - isNew: whether it is an empty file that nobody else writes.
  public init(_ descriptor: CInt, isNew: Bool) throws(SystemFailure) {
    let ring = WriteRing(descriptor)
    self.ring = ring
    thread = try WorkerThread(name: "stt-write") { ring.write(bypassesCache: isNew) }
  }

  /// What was taken is written before this ends.
  deinit {
    ring.close()
    thread.join()
  }

  /// Takes all of `bytes`. The number of the error that met bytes taken earlier, after which none are written; 0.
  public func append(_ bytes: UnsafeRawBufferPointer) -> CInt { ring.append(bytes) }

  /// Waits until the kernel has everything that was taken. The number of the error; 0.
  public func drain() -> CInt { ring.drain() }

  /// Bytes the kernel has.
  public var writtenByteCount: UInt64 { ring.writtenByteCount }
}

/// The bytes between the two threads.
private final class WriteRing: @unchecked Sendable {
  // Sound because the lock guards what both threads change, and a byte of the ring belongs to one of them at a time.

  /// Writing several pieces while others are made needs no more.
  private static let capacity = 2 << 20
  private static let largestWrite = 512 << 10
  private static let leastWrite = 256 << 10
  /// What writing past the page cache is made of.
  private static let blockByteCount = 4096
  /// The kernel begins to put so many bytes on the disk at a time, so that a sync has little left to wait for.
  private static let extentByteCount: UInt64 = 4 << 20

  private let descriptor: CInt
  private let ring = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 4096)
  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  /// Bytes ever taken, and of those the ones written.
  private var taken: UInt64 = 0
  private var written: UInt64 = 0
  private var failure: CInt = 0
  private var isClosed = false
  private var isDraining = false

  init(_ descriptor: CInt) {
    self.descriptor = descriptor
    pthread_mutex_init(lock, nil)
    pthread_cond_init(changed, nil)
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(lock)
    changed.deallocate()
    lock.deallocate()
    ring.deallocate()
  }

  func append(_ bytes: UnsafeRawBufferPointer) -> CInt {
    var rest = bytes
    while let start = rest.baseAddress, rest.count > 0 {
      let (used, failed) = waiting { taken - written < UInt64(Self.capacity) }
      if failed != 0 { return failed }
      let place = Int(taken % UInt64(Self.capacity))
      let count = min(rest.count, Self.capacity - Int(used), Self.capacity - place)
      (ring + place).copyMemory(from: start, byteCount: count)
      locked { taken += UInt64(count) }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
    return 0
  }

  func drain() -> CInt {
    locked { isDraining = true }
    return waiting { taken == written && !isDraining }.failure
  }

  var writtenByteCount: UInt64 { locked { written } }

  /// Nothing more will come.
  func close() { locked { isClosed = true } }

  /// Waits for `condition`, or a failure.
  private func waiting(for condition: () -> Bool) -> (used: UInt64, failure: CInt) {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    while !condition(), failure == 0 { pthread_cond_wait(changed, lock) }
    return (taken - written, failure)
  }

  private func locked<Answer>(_ body: () -> Answer) -> Answer {
    pthread_mutex_lock(lock)
    defer {
      pthread_cond_signal(changed)
      pthread_mutex_unlock(lock)
    }
    return body()
  }

  private enum Step {
    case write(place: Int, count: Int)
    /// What is left is no whole block.
    case endBlocks
    case end
  }

  /// Waits for what is to be done next.
  private func next(inBlocks: Bool) -> Step {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    while true {
      let place = Int(written % UInt64(Self.capacity))
      let (left, room) = (Int(taken - written), Self.capacity - place)
      let count = min(left, room, Self.largestWrite)
      if inBlocks {
        let whole = count - count % Self.blockByteCount
        if whole >= Self.leastWrite || whole == room { return .write(place: place, count: whole) }
        if isDraining || isClosed { return whole > 0 ? .write(place: place, count: whole) : .endBlocks }
      } else if count > 0 {
        return .write(place: place, count: count)
      } else if isDraining {
        isDraining = false
        pthread_cond_signal(changed)
        continue
      } else if isClosed {
        return .end
      }
      pthread_cond_wait(changed, lock)
    }
  }

  /// The thread: to the end of all that comes, or an error.
  func write(bypassesCache: Bool) {
    var begun: UInt64 = 0
    let start = lseek(descriptor, 0, SEEK_CUR)
    var inBlocks = bypassesCache && start == 0 && clinux_bypass_cache(descriptor, 1) == 0
    while true {
      switch next(inBlocks: inBlocks) {
      case .end: return
      case .endBlocks:
        _ = clinux_bypass_cache(descriptor, 0)
        inBlocks = false
      case .write(let place, let count):
        let done = Glibc.write(descriptor, ring + place, count)
        let failed = done > 0 ? 0 : done == 0 ? ENOSPC : errno
        if failed == EINTR { continue }
        if failed == EINVAL, inBlocks {
          // Not every file system can.
          _ = clinux_bypass_cache(descriptor, 0)
          inBlocks = false
          continue
        }
        if inBlocks, done % Self.blockByteCount != 0 {
          _ = clinux_bypass_cache(descriptor, 0)
          inBlocks = false
        }
        locked { if done > 0 { written += UInt64(done) } else { failure = failed } }
        guard failed == 0 else { return }
        begun = beginSync(begun, start)
      }
    }
  }

  /// Has the kernel begin to put on the disk what it was given since `begun`, once that is enough; up to where it has.
  private func beginSync(_ begun: UInt64, _ start: off_t) -> UInt64 {
    guard start >= 0, written - begun >= Self.extentByteCount else { return begun }
    clinux_begin_sync(descriptor, UInt64(start) + begun, written - begun)
    return written
  }
}
