import Synchronization

/// Brings a value to the thread that is to have it. Whoever puts it in leaves it alone from then on.
final class Box<Value: ~Copyable>: @unchecked Sendable {
  // Sendable because of the flag, by which one caller ever gets the value, and of the rule above.
  private var value: Value?
  private let isTaken = Atomic<Bool>(false)

  init(_ value: consuming Value) { self.value = consume value }

  func take() -> Value? {
    guard !isTaken.exchange(true, ordering: .acquiringAndReleasing) else { return nil }
    return value.take()
  }
}
