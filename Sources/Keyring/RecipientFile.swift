import Glibc
import STTBoard

/// A recipient's key as a file: one line, hexadecimal, private or public.
public enum RecipientFile {
  private static let privateMark = "stt-recipient-key-1 "
  private static let publicMark = "stt-recipient-1 "
  private static let maximumByteCount = 4096

  /// 32 secret bytes; the file must be its owner's alone.
  public static func privateKey(_ path: String) throws -> [UInt8] {
    let text = try SecretText.load(.file(path: path), what: "recipient's key", atMost: maximumByteCount)
    return try parse(text.bytes.withUnsafeBytes { [UInt8]($0) }, privateMark, path, "a recipient's private key")
  }

  /// The public key's bytes.
  public static func publicKey(_ path: String) throws -> [UInt8] {
    try parse(try readAll(path), publicMark, path, "a recipient's public key")
  }

  /// What the file begins like.
  public static func isPrivate(_ path: String) throws -> Bool {
    try readAll(path).starts(with: Array(privateMark.utf8))
  }

  public static func write(privateKey: [UInt8], to path: String) throws(PairStoreError) {
    guard var writer = SecretWriter(capacity: 256), writer.append(privateMark + hexadecimal(privateKey) + "\n"),
      let text = writer.finish()
    else { throw .unwritable(path: path, code: ENOMEM) }
    try writeSecret(text, to: path, replacing: false)
  }

  public static func write(publicKey: [UInt8], to path: String) throws(PairStoreError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw errno == EEXIST ? .exists(path: path) : .unwritable(path: path, code: errno) }
    defer { close(descriptor) }
    let code = Array((publicMark + hexadecimal(publicKey) + "\n").utf8).withUnsafeBytes { writeAll($0, to: descriptor) }
    guard code == 0, fsync(descriptor) == 0 else { throw .unwritable(path: path, code: code == 0 ? errno : code) }
  }

  private static func parse(_ text: [UInt8], _ mark: String, _ path: String, _ what: String) throws -> [UInt8] {
    guard text.starts(with: Array(mark.utf8)),
      let key = bytes(hexadecimal: String(decoding: text.dropFirst(mark.utf8.count).prefix { $0 > 32 }, as: UTF8.self))
    else { throw RecipientFlaw(path: path, what: "it is not \(what)") }
    return key
  }

  private static func readAll(_ path: String) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw PairStoreError.unreadable(place: path, code: errno) }
    defer { close(descriptor) }
    var text = [UInt8](repeating: 0, count: maximumByteCount)
    let count = read(descriptor, &text, text.count)
    guard count >= 0 else { throw PairStoreError.unreadable(place: path, code: errno) }
    return Array(text[..<count])
  }
}

/// A file that is no recipient's key.
public struct RecipientFlaw: Error, CustomStringConvertible, Sendable {
  public let path: String
  public let what: String

  public init(path: String, what: String) {
    self.path = path
    self.what = what
  }

  public var description: String { "\(path): \(what). `stt recipient new` makes NAME.key, and NAME.pub for others." }
}
