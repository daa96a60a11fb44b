/// Memory that datagrams are sealed into, one after the other, and sent from in few calls: runs of
/// equal size and mark to one address become one entry that the kernel cuts.
public struct TransmitSlab: ~Copyable {
  private static let byteCount = 1 << 20

  private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 4096)
  private var batch = SendBatch()
  /// The socket takes no more for now; wait until it is writable.
  public private(set) var isBlocked = false
  /// For the owner: whether it waits for that.
  public var isWatched = false

  public init() {}

  deinit { memory.deallocate() }

  /// Datagrams the kernel refused and dropped.
  public var refusedCount: UInt64 { batch.refusedCount }
  /// System calls made.
  public var callCount: UInt64 { batch.callCount }

  /// Sends until `next` has no more or the socket takes no more.
  ///
  /// - Parameter next: writes one datagram into the memory it is lent and answers its length, where
  ///   it goes, and the two ECN bits of its IP header; or `nil` when there is none.
  public mutating func drain(
    _ socket: borrowing UDPSocket, _ next: (UnsafeMutableRawBufferPointer) -> (byteCount: Int, to: UDPAddress, ecn: UInt8)?
  ) {
    isBlocked = !batch.flush(socket)
    var isDone = false
    while !isBlocked, !isDone {
      isDone = fill(next)
      isBlocked = !batch.flush(socket)
    }
  }

  /// Fills the memory once. `true`: there was no more.
  private mutating func fill(
    _ next: (UnsafeMutableRawBufferPointer) -> (byteCount: Int, to: UDPAddress, ecn: UInt8)?
  ) -> Bool {
    var offset = 0
    var run: Run?
    while offset + SendBatch.largestEntry <= memory.count {
      guard let (byteCount, address, ecn) = next(UnsafeMutableRawBufferPointer(rebasing: memory[offset...])) else {
        close(run)
        return true
      }
      if var open = run, open.to == address, open.ecn == ecn, byteCount <= open.segment,
        open.end - open.start + byteCount <= SendBatch.largestEntry,
        (open.end - open.start) / open.segment < SendBatch.mostSegments
      {
        open.end += byteCount
        run = open
        // A shorter one must be the last of its run.
        if byteCount < open.segment {
          close(run)
          run = nil
        }
      } else {
        close(run)
        run = Run(start: offset, end: offset + byteCount, segment: byteCount, to: address, ecn: ecn)
      }
      offset += byteCount
      if batch.count >= SendBatch.capacity - 1 {
        close(run)
        return false
      }
    }
    close(run)
    return false
  }

  /// Datagrams side by side that one entry sends.
  private struct Run {
    var start: Int
    var end: Int
    var segment: Int
    var to: UDPAddress
    var ecn: UInt8
  }

  private mutating func close(_ run: Run?) {
    guard let run, let base = memory.baseAddress else { return }
    batch.append(
      unsafe: base + run.start, byteCount: run.end - run.start, segmentByteCount: run.segment, ecn: run.ecn,
      to: run.to)
  }
}
