public import STTBuffers

/// What a source hands on: always a lease, never a copy.
public enum SourceOutput: ~Copyable {
  /// A ``SampleBatch``'s buffer: one message per record.
  case batch(Lease)
  /// One message of `head` (optional, small: the protobuf fields before the bytes) and `body` (the
  /// bytes as the device wrote them; may be the device's own mapped buffer).
  case frame(time: SampleTime, head: Lease?, body: Lease)
}

/// What happened to a source that its owner should know.
public enum SourceEvent: Sendable, Equatable {
  /// Messages the device produced and nobody could take, and why.
  case gap(count: UInt64, reason: String)
  /// The device is gone or refuses; the source retries by itself.
  case unavailable(reason: String)
  /// It works again after ``unavailable``.
  case available
  /// The source has nothing more to give (a file that was read to its end).
  case finished
}

/// What the way to the receiver carries, for sources that can make less.
public struct LinkLoad: Hashable, Sendable {
  /// Bits a second a source may make; 0 when nothing is known.
  public var targetBitsPerSecond: UInt64
  /// Bytes made and not yet acknowledged.
  public var waitingByteCount: UInt64

  public init(targetBitsPerSecond: UInt64, waitingByteCount: UInt64) {
    self.targetBitsPerSecond = targetBitsPerSecond
    self.waitingByteCount = waitingByteCount
  }
}

/// Takes what a source makes. Implemented by whoever runs the source's thread.
public protocol SourceOutlet: ~Copyable {
  var load: LinkLoad { get }
  /// An empty buffer, or `nil` when the pool is exhausted (count a gap).
  mutating func lease(atLeast byteCount: Int) -> Lease?
  /// Hands one output on. `false`: the queue was full and the output is gone; it is counted as a gap
  /// unless the source makes the same again (`comesAgain`).
  mutating func emit(_ output: consuming SourceOutput, comesAgain: Bool) -> Bool
  mutating func report(_ event: SourceEvent)
}

extension SourceOutlet where Self: ~Copyable {
  /// Nobody knows.
  public var load: LinkLoad { LinkLoad(targetBitsPerSecond: 0, waitingByteCount: 0) }
  /// Hands one output on that no source could make again.
  public mutating func emit(_ output: consuming SourceOutput) -> Bool { emit(output, comesAgain: false) }
}

/// A device, file or generator, run by one thread: wait for its descriptor or its deadline, then
/// call ``produce(now:into:)``.
///
/// A source never throws at run time and never blocks: trouble is an event, and it retries by
/// setting its next deadline.
public protocol SampleSource: AnyObject {
  var description: StreamDescription { get }
  /// Readable when there is something to produce; `nil` for sources driven by time alone. May
  /// change after each ``produce(now:into:)`` (a device that went away and came back).
  var descriptor: CInt? { get }
  /// When to call next even if the descriptor stays silent, as CLOCK_MONOTONIC nanoseconds; `nil`
  /// for never.
  var deadline: UInt64? { get }
  /// Takes what is there now and hands it to `outlet`. Allocates nothing in steady state.
  func produce<Outlet: SourceOutlet & ~Copyable>(now: SampleTime, into outlet: inout Outlet)
}
