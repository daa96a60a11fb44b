import LinuxEvents
import Synchronization

/// Letters from any thread to one. They are few, and none is refused.
final class Mailbox<Letter: Sendable>: Sendable {
  private let letters = Mutex<[Letter]>([])
  private let hasLetters = Atomic<Bool>(false)
  private let wakeup: WakeupDescriptor

  /// - Parameter wakeup: of the thread that reads them.
  init(wakeup: WakeupDescriptor) { self.wakeup = wakeup }

  func post(_ letter: Letter) {
    letters.withLock {
      $0.append(letter)
      hasLetters.store(true, ordering: .releasing)
    }
    wakeup.signal()
  }

  /// All of them, oldest first. Without a lock when there are none.
  func take() -> [Letter] {
    guard hasLetters.load(ordering: .acquiring) else { return [] }
    return letters.withLock { letters in
      hasLetters.store(false, ordering: .releasing)
      defer { letters = [] }
      return letters
    }
  }
}
