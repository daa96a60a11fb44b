public import Glibc

/// Why persistent state cannot be used. Every case says what to do.
public enum StateError: Error, CustomStringConvertible {
  case cannotOpen(path: String, code: CInt)
  /// Another process holds the lock; `owner` is its process id as it wrote it, or 0.
  case inUse(path: String, owner: Int)
  case cannotRead(path: String, code: CInt)
  case cannotWrite(path: String, code: CInt)
  /// A state file does not pass its own check; `reason` is the middle of a sentence.
  case damaged(path: String, reason: String)
  /// A key of recordings is not what was written.
  case damagedKey(path: String)
  /// The heads of a device's recordings are not what was written.
  case damagedAnchors(path: String)
  /// A pinned identity's file does not pass its own check.
  case damagedPin(path: String, reason: String)
  /// 2^32 handshakes were made with one seed, which is its limit (docs/protocol.md 2.5).
  case exhausted(name: String)

  public var description: String {
    switch self {
    case .cannotOpen(let path, let code):
      "\(path): cannot be used as state directory: \(text(code)). Create it for this user, or name another in the configuration (state = …)."
    case .inUse(let path, let owner):
      "\(path): is in use by another process\(owner > 0 ? " (\(owner))" : ""). Two would use the same counters: stop the other, or give each its own state directory."
    case .cannotRead(let path, let code): "\(path): cannot be read: \(text(code))."
    case .cannotWrite(let path, let code):
      "\(path): cannot be written: \(text(code)). Nothing goes on without it, since a counter used twice could be taken for a replay: make room or repair the file system."
    case .damaged(let path, let reason):
      "\(path): \(reason). Its counter must never go back, so it is not guessed: restore the file from a backup made later than its last use, or make a new pair with `stt seed new` for both ends and remove the file."
    case .damagedPin(let path, let reason):
      "\(path): \(reason). Which identity the device has is not guessed: compare fingerprints with `stt identity show` on the device, remove the file, and pin it again with `stt identity pin`."
    case .damagedAnchors(let path):
      "\(path): are no anchors of recordings that an agent wrote: the file was cut or altered. Remove it: the agent goes on with what its collector acknowledges next."
    case .damagedKey(let path):
      "\(path): is no key of recordings: the file was cut or altered. What was sealed under it opens with a copy of it from a backup, or through another slot; to record on, move the file away."
    case .exhausted(let name): "the pair \"\(name)\" has made its 4294967295 handshakes: make a new one with `stt seed new`."
    }
  }

  /// The system's number for it; EIO where it gave none.
  public var code: CInt {
    switch self {
    case .cannotOpen(_, let code), .cannotRead(_, let code), .cannotWrite(_, let code): code
    case .inUse, .damaged, .damagedAnchors, .damagedKey, .damagedPin, .exhausted: EIO
    }
  }

  private func text(_ code: CInt) -> String { String(cString: strerror(code)) }
}

/// A directory of persistent state that one process at a time may use.
///
/// The lock is the kernel's (`flock`), so it ends with the process, however that ends.
public final class StateDirectory: Sendable {
  public let path: String
  let descriptor: CInt
  private let lock: CInt

  /// Creates the directory if its parent exists, and takes the lock without waiting.
  public init(_ path: String) throws(StateError) {
    if mkdir(path, 0o700) != 0, errno != EEXIST { throw .cannotOpen(path: path, code: errno) }
    let directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw .cannotOpen(path: path, code: errno) }
    let file = openat(directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else {
      let code = errno
      close(directory)
      throw .cannotOpen(path: path, code: code)
    }
    guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      let owner = Self.owner(file)
      close(file)
      close(directory)
      throw code == EWOULDBLOCK ? .inUse(path: path, owner: owner) : .cannotOpen(path: path, code: code)
    }
    // For people only; nothing decides by it, so a failure to write it does not matter.
    _ = ftruncate(file, 0)
    _ = Array("\(getpid())\n".utf8).withUnsafeBytes { writeAll($0, to: file) }
    self.path = path
    descriptor = directory
    lock = file
  }

  /// The process that uses the directory at `path` now: its id, or `nil` when there is none.
  public static func user(of path: String) -> pid_t? {
    let file = open("\(path)/lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else { return nil }
    defer { close(file) }
    guard flock(file, LOCK_SH | LOCK_NB) != 0 else {
      flock(file, LOCK_UN)
      return nil
    }
    guard errno == EWOULDBLOCK else { return nil }
    return pid_t(exactly: owner(file)).flatMap { $0 > 1 ? $0 : nil }
  }

  deinit {
    // A child that is being started has the descriptor too until it runs its program: closing alone would leave it
    // the lock for that long.
    flock(lock, LOCK_UN)
    close(lock)
    close(descriptor)
  }

  private static func owner(_ file: CInt) -> Int {
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = pread(file, &bytes, bytes.count, 0)
    guard count > 0 else { return 0 }
    return Int(String(decoding: bytes[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)) ?? 0
  }

  /// A small file's bytes, or `nil` when there is none.
  func read(_ name: String, atMost limit: Int) throws(StateError) -> [UInt8]? {
    let file = openat(descriptor, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else {
      if errno == ENOENT { return nil }
      throw .cannotRead(path: "\(path)/\(name)", code: errno)
    }
    defer { close(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while bytes.count <= limit {
      let count = Glibc.read(file, &chunk, chunk.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw .cannotRead(path: "\(path)/\(name)", code: errno)
      }
      if count == 0 { return bytes }
      bytes.append(contentsOf: chunk[..<count])
    }
    throw .damaged(path: "\(path)/\(name)", reason: "it is larger than it can be")
  }

  /// Replaces a small file so that after a crash it is the old or the new one. Blocks until it is on
  /// the disk.
  func write(_ name: String, _ bytes: [UInt8]) throws(StateError) {
    let code = bytes.withUnsafeBytes { writeAtomically($0, named: name, in: descriptor, replacing: true) }
    if code != 0 { throw .cannotWrite(path: "\(path)/\(name)", code: code) }
  }
}
