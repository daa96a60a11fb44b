import CLinux
import Glibc

/// SIGINT, SIGTERM and SIGHUP as something to poll. Make it before any thread: the signals are
/// blocked in the making thread and all it starts later. SIGPIPE is ignored.
public struct SignalDescriptor: ~Copyable {
  public enum Signal: Hashable, Sendable {
    /// SIGINT or SIGTERM.
    case stop
    /// SIGHUP.
    case reload
  }

  public let descriptor: CInt

  public init() throws(SystemFailure) {
    descriptor = try SystemFailure.check(clinux_signalfd(), "signalfd")
  }

  deinit { close(descriptor) }

  /// The next signal that came, or `nil`.
  public func next() -> Signal? {
    switch clinux_signalfd_read(descriptor) {
    case SIGINT, SIGTERM: .stop
    case SIGHUP: .reload
    default: nil
    }
  }
}
