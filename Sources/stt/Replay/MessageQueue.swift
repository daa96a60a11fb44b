import Glibc

/// What a reading thread hands to a playing one.
enum PlayedItem: Sendable {
  case message(PlayedMessage)
  /// The recording begins anew.
  case restart
  case end
}

/// Played items between two threads, bounded by count and bytes.
final class MessageQueue: @unchecked Sendable {
  // Sound because `mutex` guards everything mutable.
  private static let mostItems = 4096
  private static let mostBytes = 16 << 20

  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var items: [PlayedItem] = []
  /// Items before this place were taken.
  private var next = 0
  private var byteCount = 0
  private var isClosed = false

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(changed, nil)
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(mutex)
    changed.deallocate()
    mutex.deallocate()
  }

  /// Waits for room; `false` when nobody takes any more.
  func push(_ item: PlayedItem) -> Bool {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while !isClosed, items.count - next >= Self.mostItems || byteCount >= Self.mostBytes {
      pthread_cond_wait(changed, mutex)
    }
    guard !isClosed else { return false }
    if case .message(let message) = item { byteCount += message.payload.count }
    if next > Self.mostItems {
      items.removeFirst(next)
      next = 0
    }
    items.append(item)
    pthread_cond_broadcast(changed)
    return true
  }

  /// Waits for an item.
  func pop() -> PlayedItem {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while items.count == next { pthread_cond_wait(changed, mutex) }
    return take()
  }

  /// An item if there is one.
  func tryPop() -> PlayedItem? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return items.count == next ? nil : take()
  }

  private func take() -> PlayedItem {
    let item = items[next]
    // Its place keeps nothing alive.
    items[next] = .end
    next += 1
    if case .message(let message) = item { byteCount -= message.payload.count }
    pthread_cond_broadcast(changed)
    return item
  }

  /// Nothing is wanted any more.
  func close() {
    pthread_mutex_lock(mutex)
    isClosed = true
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(mutex)
  }
}
