/// A point on this machine's monotonic clock. The core never reads a clock: time is an argument.
public struct MonotonicTime: Hashable, Comparable, Sendable {
  public var nanoseconds: UInt64

  public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  public static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }

  /// Saturates instead of wrapping: "never" stays never.
  public static func + (time: Self, nanoseconds: UInt64) -> Self {
    let (sum, overflow) = time.nanoseconds.addingReportingOverflow(nanoseconds)
    return Self(nanoseconds: overflow ? .max : sum)
  }

  /// Nanoseconds since `earlier`; 0 if that is not in the past.
  public func since(_ earlier: Self) -> UInt64 {
    nanoseconds > earlier.nanoseconds ? nanoseconds - earlier.nanoseconds : 0
  }

  public static let never = Self(nanoseconds: .max)
}

extension UInt64 {
  /// Nanoseconds.
  public static func milliseconds(_ count: UInt64) -> UInt64 { count * 1_000_000 }
  /// Nanoseconds.
  public static func seconds(_ count: UInt64) -> UInt64 { count * 1_000_000_000 }
}
