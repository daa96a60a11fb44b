import CLinux
import Glibc

/// Waits for descriptors and deadlines (epoll). One thread's.
public struct Poller: ~Copyable {
  /// What to wait for, or what came.
  public struct Interest: OptionSet, Hashable, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public static let readable = Interest(rawValue: 0x001)
    public static let writable = Interest(rawValue: 0x004)
    /// Always reported: the descriptor failed or its other end is gone.
    public static let failed = Interest(rawValue: 0x008 | 0x010)
  }

  private static let capacity = 64

  private let descriptor: CInt
  private let tokens: UnsafeMutablePointer<UInt64>
  private let events: UnsafeMutablePointer<UInt32>
  /// Events the last wait brought.
  public private(set) var count = 0

  public init() throws(SystemFailure) {
    descriptor = try SystemFailure.check(clinux_epoll_create(), "epoll_create1")
    tokens = .allocate(capacity: Self.capacity)
    events = .allocate(capacity: Self.capacity)
  }

  deinit {
    close(descriptor)
    tokens.deallocate()
    events.deallocate()
  }

  /// Watches `fd`; its events carry `token`.
  public func add(_ fd: CInt, _ interest: Interest, token: UInt64) throws(SystemFailure) {
    try SystemFailure.check(
      clinux_epoll_control(descriptor, CLINUX_EPOLL_ADD, fd, interest.rawValue, token), "epoll_ctl")
  }

  public func modify(_ fd: CInt, _ interest: Interest, token: UInt64) throws(SystemFailure) {
    try SystemFailure.check(
      clinux_epoll_control(descriptor, CLINUX_EPOLL_MODIFY, fd, interest.rawValue, token), "epoll_ctl")
  }

  /// Stops watching `fd`; one that is closed already is not an error.
  public func remove(_ fd: CInt) {
    _ = clinux_epoll_control(descriptor, CLINUX_EPOLL_REMOVE, fd, 0, 0)
  }

  /// Blocks until something happens or the monotonic clock reaches `deadline` (nanoseconds; `.max`
  /// for never). A deadline in the past only looks.
  public mutating func wait(until deadline: UInt64) throws(SystemFailure) {
    var timeout = UInt64.max
    if deadline != .max {
      let now = Clocks.monotonic
      timeout = deadline > now ? deadline - now : 0
    }
    count = Int(
      try SystemFailure.check(
        clinux_epoll_wait(descriptor, tokens, events, CInt(Self.capacity), timeout), "epoll_wait"))
  }

  /// The `index`th event of the last wait.
  public subscript(index: Int) -> (token: UInt64, ready: Interest) {
    precondition(index >= 0 && index < count, "only events that came")
    return (tokens[index], Interest(rawValue: events[index]))
  }
}
