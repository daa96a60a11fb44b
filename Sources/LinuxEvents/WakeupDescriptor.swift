import CLinux
import Glibc
import Synchronization

/// Wakes a thread that waits in a ``Poller`` (eventfd). Signals that find one pending cost no call.
public final class WakeupDescriptor: Sendable {
  public let descriptor: CInt
  private let isPending = Atomic<Bool>(false)

  public init() throws(SystemFailure) {
    descriptor = try SystemFailure.check(clinux_eventfd(), "eventfd")
  }

  deinit { close(descriptor) }

  /// From any thread.
  public func signal() {
    if !isPending.exchange(true, ordering: .acquiringAndReleasing) {
      // Can't fail: the counter is far from full, because it is cleared before it is signalled again.
      _ = clinux_eventfd_signal(descriptor)
    }
  }

  /// By the woken thread, before it looks for what there is to do.
  public func clear() {
    _ = clinux_eventfd_clear(descriptor)
    // An exchange, because it must read the flag of whoever found it set: what that thread handed
    // over before it didn't signal is then visible here.
    _ = isPending.exchange(false, ordering: .acquiringAndReleasing)
  }
}
