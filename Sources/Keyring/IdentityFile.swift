import Glibc
public import STTBoard
import STTChecksum

/// A device's own private key, made by `stt identity new` on the device and never copied from it
/// (docs/protocol.md 2.12).
public struct IdentityFile: Sendable {
  /// Which kinds of key a device shows. Both means both must verify.
  public enum Algorithms: String, CaseIterable, Sendable {
    case ed25519
    case mlDSA65 = "ml-dsa-65"
    case both = "ed25519+ml-dsa-65"
  }

  /// 32 bytes each that passed ``SeedWeakness/find(in:)``; at least one is there.
  public let ed25519: SecretBytes?
  public let mlDSA65: SecretBytes?

  static let formatVersion = "1"
  /// A real file has about 500 bytes.
  static let maximumByteCount = 4_096

  init(ed25519: SecretBytes?, mlDSA65: SecretBytes?) throws(IdentityFlaw) {
    guard ed25519 != nil || mlDSA65 != nil else { throw .noKey }
    for secret in [ed25519, mlDSA65] {
      guard let secret else { continue }
      if let weakness = secret.withUnsafeBytes({ SeedWeakness.find(in: $0) }) { throw .weak(weakness) }
    }
    self.ed25519 = ed25519
    self.mlDSA65 = mlDSA65
  }

  /// A new identity out of the kernel's random generator (blocks until the kernel has seeded it).
  public static func generate(_ algorithms: Algorithms) throws(IdentityFlaw) -> IdentityFile {
    func fresh() throws(IdentityFlaw) -> SecretBytes {
      guard let secret = SecretBytes(count: 32) else { throw .noMemory }
      guard secret.withUnsafeMutableBytes({ getentropy($0.baseAddress, $0.count) }) == 0 else { throw .noEntropy(errno) }
      return secret
    }
    return try IdentityFile(
      ed25519: algorithms == .mlDSA65 ? nil : fresh(), mlDSA65: algorithms == .ed25519 ? nil : fresh())
  }

  public var algorithms: Algorithms { mlDSA65 == nil ? .ed25519 : ed25519 == nil ? .mlDSA65 : .both }

  /// Reads an identity from where `reference` says, with the care a pair file gets.
  public static func load(
    _ reference: PairReference
  ) throws(PairStoreError) -> (identity: IdentityFile, warning: String?) {
    let text = try SecretText.load(reference, what: "identity", atMost: maximumByteCount)
    do throws(IdentityFlaw) {
      let identity = try text.bytes.withUnsafeBytes { (bytes) throws(IdentityFlaw) in try IdentityFile(text: bytes) }
      return (identity, text.warning)
    } catch {
      throw .noIdentity(place: text.place, error)
    }
  }

  /// Writes the identity to a file of mode 0600 that appears at `path` complete or not at all, and is on
  /// the disk when this returns.
  public func write(to path: String, replacing: Bool) throws(PairStoreError) {
    let text: SecretBytes
    do throws(IdentityFlaw) { text = try self.text } catch { throw .noIdentity(place: path, error) }
    try writeSecret(text, to: path, replacing: replacing)
  }
}

/// Why something is no identity.
public enum IdentityFlaw: Error, Hashable, Sendable {
  case line(Int, String)
  case missing(key: String)
  case tooLarge
  case wrongCheck
  case noKey
  case weak(SeedWeakness)
  case noMemory
  case noEntropy(CInt)

  /// What is wrong and what to do, as sentences.
  public var sentence: String {
    switch self {
    case .line(let number, let reason):
      "line \(number) \(reason). Is it another file? Make an identity with `stt identity new`."
    case .missing(let key): "there is no line \"\(key) = …\". Is it another file? Make an identity with `stt identity new`."
    case .tooLarge: "it is longer than any identity (\(IdentityFile.maximumByteCount) bytes). Is it another file?"
    case .wrongCheck: "its check does not match: the file was cut or altered. Make a new identity with `stt identity new`."
    case .noKey: "it holds no key. Make an identity with `stt identity new`."
    case .weak(let weakness): "its key is refused: \(weakness.sentence). Make a new identity with `stt identity new`."
    case .noMemory: "the system has no memory for the secret."
    case .noEntropy(let code): "the kernel gave no random bytes (\(String(cString: strerror(code))))."
    }
  }
}

extension IdentityFile {
  private var text: SecretBytes {
    get throws(IdentityFlaw) {
      guard var writer = SecretWriter(capacity: Self.maximumByteCount) else { throw .noMemory }
      var fits = writer.append(
        """
        # The private key by which this device proves that it is itself, and not a thief with its seed.
        # It stays here: keep it readable by its owner alone (chmod 600), and copy it nowhere. A device
        # that lost it gets a new one: stt identity new, then stt identity unpin on the collector.
        stt-identity = \(Self.formatVersion)

        """)
      for (name, secret) in [("ed25519", ed25519), ("ml-dsa-65", mlDSA65)] {
        guard let secret else { continue }
        fits = fits && writer.append("\(name) = \"")
        fits = secret.withUnsafeBytes { appendHexadecimal($0, to: &writer) } && fits
        fits = fits && writer.append("\"\n")
      }
      fits = fits && writer.append("check = \"\(hexadecimal(check))\"\n")
      guard fits, let text = writer.finish() else { throw .noMemory }
      return text
    }
  }

  init(text: UnsafeRawBufferPointer) throws(IdentityFlaw) {
    guard text.count <= Self.maximumByteCount else { throw .tooLarge }
    var values: [String: String] = [:]
    var secrets: [String: SecretBytes] = [:]
    var number = 0
    for line in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      number += 1
      let bytes = trimmed(UnsafeRawBufferPointer(rebasing: line))
      guard let first = bytes.first, first != UInt8(ascii: "#") else { continue }
      guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")) else { throw .line(number, "has no \"=\"") }
      let key = String(decoding: trimmed(UnsafeRawBufferPointer(rebasing: bytes[..<equals])), as: UTF8.self)
      let value = unquoted(trimmed(UnsafeRawBufferPointer(rebasing: bytes[(equals + 1)...])))
      guard values[key] == nil, secrets[key] == nil else { throw .line(number, "repeats its key") }
      switch key {
      case "ed25519", "ml-dsa-65": secrets[key] = try Self.secret(value, number)
      case "stt-identity", "check": values[key] = String(decoding: value, as: UTF8.self)
      default: throw .line(number, "has an unknown key")
      }
    }
    guard let version = values["stt-identity"] else { throw .missing(key: "stt-identity") }
    guard version == Self.formatVersion else { throw .line(1, "announces another version of identity file") }
    guard let check = values["check"] else { throw .missing(key: "check") }
    try self.init(ed25519: secrets["ed25519"], mlDSA65: secrets["ml-dsa-65"])
    guard bytes(hexadecimal: check) == self.check else { throw .wrongCheck }
  }

  /// It never becomes a String: its copies could not be overwritten.
  private static func secret(_ value: UnsafeRawBufferPointer, _ line: Int) throws(IdentityFlaw) -> SecretBytes {
    do throws(PairFlaw) {
      if let secret = try secretFromHexadecimal(value) { return secret }
    } catch {
      throw .noMemory
    }
    throw .line(line, "does not give its key as 64 hexadecimal digits")
  }

  /// CRC-32: finds slips of the hand, and is no protection against anybody.
  private var check: [UInt8] {
    var crc = CRC32()
    for (kind, secret) in [(UInt8(1), ed25519), (2, mlDSA65)] {
      guard let secret else { continue }
      withUnsafeBytes(of: kind) { crc.update(unsafe: $0) }
      secret.withUnsafeBytes { crc.update(unsafe: $0) }
    }
    return (0..<4).map { UInt8(truncatingIfNeeded: crc.value >> UInt32(24 - 8 * $0)) }
  }
}
