import Glibc

/// One of a pair's successive seeds (docs/protocol.md 2.13).
public struct SeedEpoch: Sendable {
  /// What a seed may be used for.
  public enum State: String, Sendable, Hashable, CaseIterable {
    /// Handed out, and not yet proven by a handshake.
    case next
    /// The one both ends have proven to each other.
    case current
    /// Still answered, for an end that lost the current one.
    case previous
    /// Never authenticates again; kept because old recordings may be wrapped under its key.
    case archiveOnly = "archive-only"
  }

  /// From 1, and higher than every one before it.
  public var number: UInt32
  /// 32 bytes that passed ``SeedWeakness/find(in:)``.
  public var seed: SecretBytes
  public var state: State
  /// Seconds: of ``State/next`` the overlap that begins when it is proven, of ``State/previous`` what is
  /// left of it; otherwise 0. Counted in running time, never by a wall clock.
  public var overlapSeconds: UInt32
  /// Seconds since 1970 when it was made, or 0; for people, and for when the next one is due.
  public var madeSeconds: UInt64

  public init(number: UInt32, seed: SecretBytes, state: State, overlapSeconds: UInt32 = 0, madeSeconds: UInt64 = 0) {
    self.number = number
    self.seed = seed
    self.state = state
    self.overlapSeconds = overlapSeconds
    self.madeSeconds = madeSeconds
  }

  /// Whether a handshake with it is accepted.
  public var authenticates: Bool { state != .archiveOnly }

  /// 14 days.
  public static let usualOverlapSeconds: UInt32 = 14 * 86_400
  /// A year: who needs longer has two pairs.
  public static let longestOverlapSeconds: UInt32 = 366 * 86_400

  /// What is wrong with the epochs of a pair, as the end of a sentence that begins with the number of
  /// one of them; `nil` when they can stand together.
  static func flaw(_ epochs: [SeedEpoch]) -> (index: Int, reason: String)? {
    guard let first = epochs.first else { return (0, "is missing: a pair has at least one epoch") }
    for (index, epoch) in epochs.enumerated() {
      guard epoch.number >= 1 else { return (index, "has the number 0; the first is 1") }
      if let weakness = epoch.seed.withUnsafeBytes({ SeedWeakness.find(in: $0) }) {
        return (index, "has a seed that is refused: \(weakness.sentence)")
      }
      if epoch.overlapSeconds > longestOverlapSeconds { return (index, "has an overlap of more than 366 days") }
      let mayOverlap = epoch.state == .next || epoch.state == .previous
      if epoch.overlapSeconds > 0, !mayOverlap { return (index, "has an overlap, which only next and previous have") }
      guard index > 0 else { continue }
      if epoch.number >= epochs[index - 1].number { return (index, "does not have a lower number than the one above it") }
      if epochs[..<index].contains(where: { $0.seed.holdsSame(as: epoch.seed) }) {
        return (index, "has the seed of another epoch")
      }
    }
    guard let current = epochs.firstIndex(where: { $0.state == .current }) else {
      return (0, "is as little current as the others: one epoch must be")
    }
    for (index, epoch) in epochs.enumerated() where index != current {
      switch epoch.state {
      case .current: return (index, "is current, and so is epoch \(epochs[current].number): only one can be")
      case .next:
        // Archived epochs stand below the current one, so next can only be the newest of all.
        guard index == 0 else { return (index, "is next, and not the newest") }
      case .previous:
        guard index > current, !epochs[..<index].contains(where: { $0.state == .previous }) else {
          return (index, "is previous, and must be the one such epoch below the current one")
        }
      case .archiveOnly:
        guard index > current else { return (index, "is archive-only, and newer than the current one") }
      }
    }
    return first.number < UInt32.max ? nil : (0, "has the highest number there is: make a new pair with `stt seed new`")
  }
}

extension SecretBytes {
  /// Compares every byte, whatever the first ones are.
  public func holdsSame(as other: SecretBytes) -> Bool {
    guard count == other.count else { return false }
    return withUnsafeBytes { mine in
      other.withUnsafeBytes { theirs in
        mine.indices.reduce(UInt8(0)) { $0 | (mine[$1] ^ theirs[$1]) } == 0
      }
    }
  }

  /// 32 bytes out of the kernel's random generator (blocks until the kernel has seeded it).
  public static func randomSeed() throws(PairFlaw) -> SecretBytes {
    guard let seed = SecretBytes(count: 32) else { throw .noMemory }
    guard seed.withUnsafeMutableBytes({ getentropy($0.baseAddress, $0.count) }) == 0 else { throw .noEntropy(errno) }
    return seed
  }

  /// A copy of `bytes`, which came over the wire; `nil` when the system has no memory left.
  public static func copy(of bytes: [UInt8]) -> SecretBytes? {
    guard let copy = SecretBytes(count: bytes.count) else { return nil }
    copy.withUnsafeMutableBytes { $0.copyBytes(from: bytes) }
    return copy
  }
}
