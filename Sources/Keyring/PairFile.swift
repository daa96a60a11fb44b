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
  /// Its successive seeds, newest first; never empty, and one is current.
  public internal(set) var epochs: [SeedEpoch]

  /// A pair reads and writes no more; each has a page of memory of its own.
  public static let mostEpochs = 128

  /// A pair of one epoch.
  public init(
    name: String, deviceID: [UInt8], collectorID: [UInt8], epoch: UInt32, seed: SecretBytes
  ) throws(PairFlaw) {
    guard epoch >= 1 else { throw .badEpoch }
    if let weakness = seed.withUnsafeBytes({ SeedWeakness.find(in: $0) }) { throw .weakSeed(weakness) }
    try self.init(
      name: name, deviceID: deviceID, collectorID: collectorID,
      epochs: [SeedEpoch(number: epoch, seed: seed, state: .current)])
  }

  /// Checks everything that can be checked of a pair.
  public init(name: String, deviceID: [UInt8], collectorID: [UInt8], epochs: [SeedEpoch]) throws(PairFlaw) {
    guard isPortableName(name) else { throw .badName(name) }
    guard deviceID.count == 32, collectorID.count == 32 else { throw .badIdentity }
    // A peer that could talk to itself could have its own messages reflected to it.
    guard deviceID != collectorID else { throw .sameIdentity }
    self.name = name
    self.deviceID = deviceID
    self.collectorID = collectorID
    self.epochs = []
    try setEpochs(epochs)
  }

  mutating func setEpochs(_ new: [SeedEpoch]) throws(PairFlaw) {
    guard new.count <= Self.mostEpochs else { throw .tooManyEpochs }
    if let (index, reason) = SeedEpoch.flaw(new) {
      throw .badEpochs(index: index, number: index < new.count ? new[index].number : 0, reason)
    }
    epochs = new
  }

  /// A new pair out of the kernel's random generator (blocks until the kernel has seeded it).
  public static func generate(name: String) throws(PairFlaw) -> PairFile {
    let seed = try SecretBytes.randomSeed()
    var ids = [UInt8](repeating: 0, count: 64)
    guard getentropy(&ids, ids.count) == 0 else { throw .noEntropy(errno) }
    return try PairFile(
      name: name, deviceID: Array(ids[..<32]), collectorID: Array(ids[32...]), epoch: 1, seed: seed)
  }

  /// The epoch that both ends have proven to each other.
  public var current: SeedEpoch { epochs.first { $0.state == .current } ?? epochs[0] }
  /// The current one's number and seed.
  public var epoch: UInt32 { current.number }
  public var seed: SecretBytes { current.seed }

  /// What identifies the pair and one of its epochs in counters and tables.
  public func key(epoch: UInt32) -> PairKey { PairKey(deviceID: deviceID, collectorID: collectorID, epoch: epoch) }
  public var key: PairKey { key(epoch: epoch) }
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
  /// Epochs that can't stand together; `index` counts them as they are written.
  case badEpochs(index: Int, number: UInt32, String)
  case tooManyEpochs
  /// A next epoch waits already for its proof.
  case rotating(UInt32)
  /// An epoch was offered that is no newer than the current one.
  case notNewer(UInt32, than: UInt32)
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
    case .badEpoch: "its epoch is not a whole number from 1 to 4294967294."
    case .badEpochs(_, let number, let reason):
      "epoch \(number) \(reason). Copy the whole file again from where it was made."
    case .tooManyEpochs:
      "it has \(PairFile.mostEpochs) epochs, the most there can be. Drop old ones with `stt seed forget FILE EPOCH`."
    case .rotating(let next):
      "epoch \(next) waits already for its first handshake: bring this file to both ends, or replace everything with --now."
    case .notNewer(let offered, let current):
      "epoch \(offered) was offered, and epoch \(current) is current already. Bring the same file to both ends."
    case .weakSeed(let weakness): "its seed is refused: \(weakness.sentence). Make a new pair with `stt seed new`."
    case .noMemory: "the system has no memory for the secret."
    case .noEntropy(let code): "the kernel gave no random bytes (\(String(cString: strerror(code))))."
    }
  }
}
