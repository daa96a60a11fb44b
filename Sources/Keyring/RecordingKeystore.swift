import Glibc

/// The collector's keys to its recordings, in a directory of mode 0700: one file of mode 0600 for each day,
/// `collector` for its own, and the newest segment of each folder in `heads/`.
///
/// Destroying a day's file is what erases that day's recordings, wherever copies of them lie.
public struct RecordingKeystore: Sendable {
  public let path: String

  public init(_ path: String) { self.path = path }

  /// 32 bytes: a day's key, such as `2026-11-23`'s.
  ///
  /// - Parameter creating: makes one where there is none; it is on the disk before this returns.
  public func dayKey(_ day: String, creating: Bool) throws(StateError) -> [UInt8]? {
    guard Self.isDay(day) else { return nil }
    return try key(named: day, creating: creating)
  }

  /// 32 bytes: the collector's own key, which opens no message.
  public func collectorKey(creating: Bool) throws(StateError) -> [UInt8]? {
    try key(named: "collector", creating: creating)
  }

  /// Days that have a key, oldest first.
  public func days() throws(StateError) -> [String] {
    guard let directory = opendir(path) else { throw .cannotRead(path: path, code: errno) }
    defer { closedir(directory) }
    var days: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if Self.isDay(name) { days.append(name) }
    }
    return days.sorted()
  }

  /// `YYYY-MM-DD`.
  public static func isDay(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    return bytes.count == 10
      && bytes.indices.allSatisfy {
        $0 == 4 || $0 == 7 ? bytes[$0] == UInt8(ascii: "-") : (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[$0])
      }
  }

  /// Overwrites and removes a day's key; `false` when there is none. What a flash disk keeps of old
  /// blocks is out of reach: keep the keystore on a medium that can be erased, or encrypted.
  public func shred(_ day: String) throws(StateError) -> Bool {
    let file = "\(path)/\(day)"
    let descriptor = open(file, O_WRONLY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { return false }
      throw .cannotOpen(path: file, code: errno)
    }
    defer { close(descriptor) }
    var random = [UInt8](repeating: 0, count: 65)
    guard getentropy(&random, random.count) == 0, pwrite(descriptor, random, random.count, 0) == random.count,
      fsync(descriptor) == 0, unlink(file) == 0
    else { throw .cannotWrite(path: file, code: errno) }
    try sync(path)
    return true
  }

  /// Keeps what remains of a day's key, as `receipt-DAY`.
  public func keepReceipt(_ day: String, _ text: String) throws(StateError) {
    try write(Array(text.utf8), named: "receipt-\(day)", in: path, replacing: true)
  }

  /// What was kept of a folder's newest segment, as it was given.
  public func head(_ folder: String) throws(StateError) -> String? {
    guard let text = try read("\(path)/heads/\(Self.fileName(folder))", atMost: 512) else { return nil }
    return String(decoding: text, as: UTF8.self)
  }

  public func setHead(_ folder: String, _ text: String) throws(StateError) {
    try makeDirectory(path)
    try makeDirectory("\(path)/heads")
    try write(Array(text.utf8), named: Self.fileName(folder), in: "\(path)/heads", replacing: true)
  }

  /// `device/purpose` as one file name.
  private static func fileName(_ folder: String) -> String {
    String(folder.map { $0 == "/" ? "~" : $0 }.prefix(200))
  }

  private func key(named name: String, creating: Bool) throws(StateError) -> [UInt8]? {
    let file = "\(path)/\(name)"
    if let text = try read(file, atMost: 65) {
      guard let key = bytes(hexadecimal: String(decoding: text.prefix(64), as: UTF8.self)), key.count == 32 else {
        throw .damagedKey(path: file)
      }
      return key
    }
    guard creating else { return nil }
    try makeDirectory(path)
    var key = [UInt8](repeating: 0, count: 32)
    guard getentropy(&key, key.count) == 0 else { throw .cannotWrite(path: file, code: errno) }
    try write(Array((hexadecimal(key) + "\n").utf8), named: name, in: path, replacing: false)
    return key
  }

  private func read(_ file: String, atMost limit: Int) throws(StateError) -> [UInt8]? {
    let descriptor = open(file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw .cannotRead(path: file, code: errno)
    }
    defer { close(descriptor) }
    var text = [UInt8](repeating: 0, count: limit)
    let count = pread(descriptor, &text, limit, 0)
    guard count >= 0 else { throw .cannotRead(path: file, code: errno) }
    return Array(text[..<count])
  }

  private func write(_ text: [UInt8], named name: String, in directory: String, replacing: Bool) throws(StateError) {
    let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .cannotOpen(path: directory, code: errno) }
    defer { close(descriptor) }
    let code = text.withUnsafeBytes { writeAtomically($0, named: name, in: descriptor, replacing: replacing) }
    guard code == 0 else { throw .cannotWrite(path: "\(directory)/\(name)", code: code) }
  }

  private func makeDirectory(_ directory: String) throws(StateError) {
    if mkdir(directory, 0o700) == 0 {
      try sync(directory.lastIndex(of: "/").map { $0 == directory.startIndex ? "/" : String(directory[..<$0]) } ?? ".")
    } else if errno != EEXIST {
      throw .cannotWrite(path: directory, code: errno)
    }
  }

  private func sync(_ directory: String) throws(StateError) {
    let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .cannotOpen(path: directory, code: errno) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .cannotWrite(path: directory, code: errno) }
  }
}
