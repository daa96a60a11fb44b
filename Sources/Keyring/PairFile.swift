import Glibc
import STTBoard

/// What a device and its collector share: who they are to each other, and the secret that proves it.
///
/// Made once by `stt seed new`, copied to both ends, never sent over STT.
public struct PairFile: Sendable {
  /// The device's name for people: a portable file name.
  public var name: String
  /// 32 random bytes each; they never cross the network.
  public var deviceID: [UInt8]
  public var collectorID: [UInt8]
  /// Which of the pair's successive seeds this is, from 1.
  public var epoch: UInt32
  /// 32 bytes that passed ``SeedWeakness/find(in:)``.
  public var seed: SecretBytes

  /// Checks everything that can be checked of a pair.
  public init(
    name: String, deviceID: [UInt8], collectorID: [UInt8], epoch: UInt32, seed: SecretBytes
  ) throws(PairFlaw) {
    guard isPortableName(name) else { throw .badName(name) }
    guard deviceID.count == 32, collectorID.count == 32 else { throw .badIdentity }
    // A peer that could talk to itself could have its own messages reflected to it.
    guard deviceID != collectorID else { throw .sameIdentity }
    guard epoch >= 1 else { throw .badEpoch }
    if let weakness = seed.withUnsafeBytes({ SeedWeakness.find(in: $0) }) { throw .weakSeed(weakness) }
    self.name = name
    self.deviceID = deviceID
    self.collectorID = collectorID
    self.epoch = epoch
    self.seed = seed
  }

  /// A new pair out of the kernel's random generator (blocks until the kernel has seeded it).
  public static func generate(name: String) throws(PairFlaw) -> PairFile {
    guard let seed = SecretBytes(count: 32) else { throw .noMemory }
    var ids = [UInt8](repeating: 0, count: 64)
    guard seed.withUnsafeMutableBytes({ getentropy($0.baseAddress, $0.count) }) == 0,
      getentropy(&ids, ids.count) == 0
    else { throw .noEntropy(errno) }
    return try PairFile(
      name: name, deviceID: Array(ids[..<32]), collectorID: Array(ids[32...]), epoch: 1, seed: seed)
  }

  /// What identifies the pair and its epoch in counters and tables.
  public var key: PairKey { PairKey(deviceID: deviceID, collectorID: collectorID, epoch: epoch) }
}

/// A pair and the epoch of its seed, without the secret.
public struct PairKey: Hashable, Sendable {
  public var deviceID: [UInt8]
  public var collectorID: [UInt8]
  public var epoch: UInt32

  public init(deviceID: [UInt8], collectorID: [UInt8], epoch: UInt32) {
    self.deviceID = deviceID
    self.collectorID = collectorID
    self.epoch = epoch
  }
}

/// Why something is no pair, whatever file it came from.
public enum PairFlaw: Error, Hashable, Sendable {
  /// A line that is not understood, and why.
  case line(Int, String)
  case missing(key: String)
  case tooLarge
  /// The check at the end disagrees with what was read.
  case wrongCheck
  case badName(String)
  case badIdentity
  case sameIdentity
  case badEpoch
  case weakSeed(SeedWeakness)
  case noMemory
  case noEntropy(CInt)

  /// What is wrong and what to do, as sentences.
  public var sentence: String {
    switch self {
    case .line(let number, let reason): "line \(number) \(reason). Copy the whole file again from where it was made."
    case .missing(let key): "there is no line \"\(key) = …\". Copy the whole file again from where it was made."
    case .tooLarge: "it is longer than any pair file (\(PairFile.maximumByteCount) bytes). Is it another file?"
    case .wrongCheck: "its check does not match: a character was lost or mistyped. Compare it with the original."
    case .badName: "its name is not 1 to 64 of A-Z a-z 0-9 . _ - beginning with a letter or digit."
    case .badIdentity: "an id is not 32 bytes in hexadecimal."
    case .sameIdentity: "both ids are the same; a device must not be its own collector. Make a new pair with `stt seed new`."
    case .badEpoch: "its epoch is not a whole number from 1 to 4294967295."
    case .weakSeed(let weakness): "its seed is refused: \(weakness.sentence). Make a new pair with `stt seed new`."
    case .noMemory: "the system has no memory for the secret."
    case .noEntropy(let code): "the kernel gave no random bytes (\(String(cString: strerror(code))))."
    }
  }
}
