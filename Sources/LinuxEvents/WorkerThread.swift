import CLinux
import Glibc

/// A thread of the data plane: it may block, so it is none of the cooperative pool's.
public final class WorkerThread: @unchecked Sendable {
  // Sound because the handle is written before `init` returns and read by `join` alone.
  private var handle = pthread_t()
  private var isJoined = false

  private final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// Starts at once. `name` shows in `top -H`, at most 15 bytes of it.
  public init(name: String, _ body: @escaping @Sendable () -> Void) throws(SystemFailure) {
    let start = Unmanaged.passRetained(Start(name: name, body: body))
    let failed = pthread_create(
      &handle, nil,
      { argument in
        guard let argument else { return nil }
        let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        clinux_name_thread(String(decoding: start.name.utf8.prefix(15), as: UTF8.self))
        start.body()
        return nil
      }, start.toOpaque())
    if failed != 0 {
      start.release()
      throw SystemFailure(call: "pthread_create", number: failed)
    }
  }

  /// Waits for the thread to end. Once, from one thread.
  public func join() {
    guard !isJoined else { return }
    isJoined = true
    pthread_join(handle, nil)
  }
}
