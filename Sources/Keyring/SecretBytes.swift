import Glibc

/// A few secret bytes in pages of their own: kept out of swap where the system allows it and out of
/// core dumps, overwritten when the last reference goes, never printed.
///
/// Written while one owner builds it, read-only afterwards; that is what makes it Sendable.
public final class SecretBytes: @unchecked Sendable, CustomStringConvertible {
  public let count: Int
  /// Whether the kernel promised not to swap these pages (RLIMIT_MEMLOCK may forbid it).
  public let isLocked: Bool
  private let base: UnsafeMutableRawPointer
  private let mappedByteCount: Int

  /// Zeroes. `nil` when the system has no memory left, or for a count below 0.
  public init?(count: Int) {
    guard count >= 0, count <= 1 << 20 else { return nil }
    let page = 4_096
    mappedByteCount = max(1, (count + page - 1) / page) * page
    guard
      let mapping = mmap(
        nil, mappedByteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      mapping != MAP_FAILED
    else { return nil }
    base = mapping
    self.count = count
    isLocked = mlock(mapping, mappedByteCount) == 0
    // Fails only on kernels without the advice, where RLIMIT_CORE is the remaining guard.
    _ = madvise(mapping, mappedByteCount, CInt(MADV_DONTDUMP))
  }

  deinit {
    explicit_bzero(base, mappedByteCount)
    munmap(base, mappedByteCount)
  }

  /// Lends the bytes. They must not be kept.
  public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(start: base, count: count))
  }

  /// Lends the bytes for writing, before anybody else holds a reference.
  func withUnsafeMutableBytes<Result, Failure: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeMutableRawBufferPointer(start: base, count: count))
  }

  public var description: String { "<\(count) secret bytes>" }
}

/// Grows a secret text in place: what an array would leave behind on each reallocation stays out
/// of the heap.
struct SecretWriter: ~Copyable {
  private let storage: SecretBytes
  private(set) var count = 0

  init?(capacity: Int) {
    guard let storage = SecretBytes(count: capacity) else { return nil }
    self.storage = storage
  }

  /// `false` when it does not fit; then nothing was added.
  mutating func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count <= storage.count - count else { return false }
    let start = count
    storage.withUnsafeMutableBytes { target in
      for (offset, byte) in bytes.enumerated() { target[start + offset] = byte }
    }
    count += bytes.count
    return true
  }

  mutating func append(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  /// The bytes written, in storage of exactly that size.
  consuming func finish() -> SecretBytes? {
    guard let exact = SecretBytes(count: count) else { return nil }
    let used = count
    storage.withUnsafeBytes { source in
      exact.withUnsafeMutableBytes { target in
        for index in 0..<used { target[index] = source[index] }
      }
    }
    return exact
  }
}
