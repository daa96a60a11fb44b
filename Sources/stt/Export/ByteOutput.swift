import Glibc
import LinuxEvents

/// Bytes on their way to a file or standard output, gathered so that a message costs no system call and no
/// allocation.
final class ByteOutput {
  struct Failure: Error, CustomStringConvertible {
    let path: String
    let number: CInt
    var description: String { "cannot write to \(path): \(String(cString: strerror(number)))" }
  }

  private static let capacity = 256 << 10

  private let descriptor: CInt
  private let path: String
  private let isFile: Bool
  private let isBulk: Bool
  private var behind: WriteBehind?
  private var buffer = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
  private(set) var count = 0
  /// Bytes handed over to the kernel, or to the thread that writes them.
  private(set) var byteCount: UInt64 = 0
  /// Thrown by the next ``check()``.
  private var failure: Failure?
  /// The second whose text `secondText` is.
  private var second = UInt64.max
  private var secondText: [UInt8] = []

  /// Standard output. A reader that went away ends the program quietly.
  ///
  /// - Parameter isBulk: whether another thread may write what comes, while more of it is made.
  init(isBulk: Bool = false) {
    descriptor = 1
    path = "standard output"
    isFile = false
    self.isBulk = isBulk
  }

  /// Creates `path`, which must not exist.
  convenience init(creating path: String, isBulk: Bool = false) throws {
    try self.init(opening: path, O_CREAT | O_EXCL, isBulk: isBulk)
  }

  /// Opens `path`: a device, or with `flags` of open(2) something else.
  init(opening path: String, _ flags: CInt = 0, isBulk: Bool = false) throws {
    descriptor = open(path, O_WRONLY | O_CLOEXEC | flags, 0o640)
    guard descriptor >= 0 else { throw Failure(path: path, number: errno) }
    self.path = path
    isFile = true
    self.isBulk = isBulk
  }

  deinit {
    behind = nil
    buffer.deallocate()
    if isFile { close(descriptor) }
  }

  /// Throws what went wrong with writing so far.
  func check() throws {
    if let failure { throw failure }
  }

  /// Waits until the kernel has everything.
  func flush() throws {
    if let behind { note(behind.drain()) }
    put(UnsafeRawBufferPointer(start: buffer, count: count), at: nil)
    count = 0
    try check()
  }

  /// Writes what doesn't fit the buffer.
  private func write(_ bytes: UnsafeRawBufferPointer) {
    // What fits the buffer is not worth a thread.
    if isBulk, behind == nil, byteCount == 0 { behind = try? WriteBehind(descriptor, isNew: isFile) }
    guard let behind else { return put(bytes, at: nil) }
    note(behind.append(bytes))
    byteCount += UInt64(bytes.count)
  }

  /// Gives `bytes` to the kernel, to follow what it has or in place of what lies at `offset`.
  private func put(_ bytes: UnsafeRawBufferPointer, at offset: UInt64?) {
    var done = 0
    while done < bytes.count, failure == nil {
      let start = bytes.baseAddress.map { $0 + done }
      let written =
        offset.map { pwrite(descriptor, start, bytes.count - done, off_t(clamping: $0) + off_t(done)) }
        ?? Glibc.write(descriptor, start, bytes.count - done)
      if written > 0 { done += written } else if written == 0 { note(ENOSPC) } else if errno != EINTR { note(errno) }
    }
    if offset == nil { byteCount += UInt64(done) }
  }

  private func note(_ number: CInt) {
    if number == EPIPE, !isFile { exit(0) }
    if number != 0, failure == nil { failure = Failure(path: path, number: number) }
  }

  /// Writes `bytes` at `offset`: where the output ends, or in place of what is there.
  func bytes(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws {
    if offset == byteCount + UInt64(count) {
      self.bytes(bytes)
      return try check()
    }
    try flush()
    put(bytes, at: offset)
    try check()
  }

  /// Room for `length` bytes, at most a kilobyte.
  private func room(_ length: Int) -> UnsafeMutableRawPointer {
    if Self.capacity - count < length {
      write(UnsafeRawBufferPointer(start: buffer, count: count))
      count = 0
    }
    return buffer + count
  }

  func byte(_ value: UInt8) {
    room(1).storeBytes(of: value, as: UInt8.self)
    count += 1
  }

  func bytes(_ value: UnsafeRawBufferPointer) {
    guard let start = value.baseAddress else { return }
    if value.count > Self.capacity / 2 {
      write(UnsafeRawBufferPointer(start: buffer, count: count))
      count = 0
      write(value)
      return
    }
    room(value.count).copyMemory(from: start, byteCount: value.count)
    count += value.count
  }

  func bytes(_ value: [UInt8]) { value.withUnsafeBytes { bytes($0) } }

  func text(_ value: StaticString) {
    bytes(UnsafeRawBufferPointer(start: value.utf8Start, count: value.utf8CodeUnitCount))
  }

  func text(_ value: String) {
    var value = value
    value.withUTF8 { bytes(UnsafeRawBufferPointer($0)) }
  }

  func integer(_ value: Int64) {
    if value < 0 { byte(UInt8(ascii: "-")) }
    unsigned(value.magnitude)
  }

  func unsigned(_ value: UInt64) {
    let start = room(2 * Self.mostDigits)
    // From the last pair of digits to the first, behind where they belong.
    var place = 2 * Self.mostDigits
    var rest = value
    while rest >= 100 {
      place -= 2
      Self.pair(rest % 100, at: start + place)
      rest /= 100
    }
    place -= 2
    Self.pair(rest, at: start + place)
    if rest < 10 { place += 1 }
    let length = 2 * Self.mostDigits - place
    start.copyMemory(from: start + place, byteCount: length)
    count += length
  }

  /// Of the largest number.
  private static let mostDigits = 20

  @inline(__always)
  private static func pair(_ value: UInt64, at start: UnsafeMutableRawPointer) {
    let digits = UInt16(truncatingIfNeeded: value / 10 | (value % 10) << 8) + 0x3030
    start.storeBytes(of: digits.littleEndian, as: UInt16.self)
  }

  /// The shortest digits that read back as `value`.
  func number(_ value: Double) {
    if value == value.rounded(), abs(value) < 1e15 { integer(Int64(value)) } else { text(value.description) }
  }

  /// `2026-11-23T19:06:00.123456Z`.
  func time(_ nanoseconds: UInt64) {
    if second != nanoseconds / 1_000_000_000 {
      second = nanoseconds / 1_000_000_000
      secondText = Array(timeText(second * 1_000_000_000).utf8.prefix(20))
    }
    secondText.withUnsafeBytes { bytes($0) }
    let start = room(8)
    var rest = nanoseconds % 1_000_000_000 / 1000
    for place in (0..<6).reversed() {
      start.storeBytes(of: UInt8(ascii: "0") + UInt8(rest % 10), toByteOffset: place, as: UInt8.self)
      rest /= 10
    }
    start.storeBytes(of: UInt8(ascii: "Z"), toByteOffset: 6, as: UInt8.self)
    count += 7
  }

  /// A JSON string (RFC 8259). What is no UTF-8 is replaced.
  func quoted(_ value: UnsafeRawBufferPointer) {
    byte(UInt8(ascii: "\""))
    if value.allSatisfy({ $0 >= 0x20 && $0 < 0x80 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
      bytes(value)
    } else {
      for unit in String(decoding: value, as: UTF8.self).utf8 { escaped(unit) }
    }
    byte(UInt8(ascii: "\""))
  }

  func quoted(_ value: String) {
    var value = value
    value.withUTF8 { quoted(UnsafeRawBufferPointer($0)) }
  }

  private func escaped(_ unit: UInt8) {
    switch unit {
    case UInt8(ascii: "\""): text("\\\"")
    case UInt8(ascii: "\\"): text("\\\\")
    case UInt8(ascii: "\n"): text("\\n")
    case 0..<0x20:
      text("\\u00")
      for digit in [unit >> 4, unit & 15] { byte(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10) }
    default: byte(unit)
    }
  }

  /// Waits until a file's bytes are on the disk.
  func finish() throws {
    try flush()
    if isFile, fdatasync(descriptor) != 0 { throw Failure(path: path, number: errno) }
  }
}
