public import STC

/// How a pair's seeds follow one another (docs/protocol.md 2.13). Whoever calls these writes the pair
/// to the disk before anything is done with the result.
extension PairFile {
  /// Those that authenticate, newest first: next, current, previous.
  public var live: [SeedEpoch] { epochs.filter(\.authenticates) }

  /// The seed that waits for its proof.
  public var next: SeedEpoch? { epochs.first { $0.state == .next } }
  public var previous: SeedEpoch? { epochs.first { $0.state == .previous } }

  /// The seeds that authenticate, for a line of a log.
  public var summary: String { live.map { "epoch \($0.number) \($0.state.rawValue)" }.joined(separator: ", ") }

  public func epoch(_ number: UInt32) -> SeedEpoch? { epochs.first { $0.number == number } }

  /// Adds a seed that becomes the current one when a handshake proves it; answers its number.
  ///
  /// - Parameter overlapSeconds: how long the present one is answered after that.
  @discardableResult
  public mutating func addNext(
    _ seed: SecretBytes, overlapSeconds: UInt32, madeSeconds: UInt64
  ) throws(PairFlaw) -> UInt32 {
    if let next { throw .rotating(next.number) }
    let epoch = SeedEpoch(
      number: try successor(), seed: seed, state: .next, overlapSeconds: overlapSeconds, madeSeconds: madeSeconds)
    try setEpochs([epoch] + epochs)
    return epoch.number
  }

  /// Puts a new seed in the place of all others at once: none of them authenticates any more.
  @discardableResult
  public mutating func replaceAll(_ seed: SecretBytes, madeSeconds: UInt64) throws(PairFlaw) -> UInt32 {
    let new = SeedEpoch(number: try successor(), seed: seed, state: .current, madeSeconds: madeSeconds)
    try setEpochs([new] + epochs.map { $0.archived })
    return new.number
  }

  /// Takes over an epoch that the other end made. `false`: it is there already.
  ///
  /// A next one that is not the same gives way: the other end, which has just proven itself, no longer
  /// has it, and no handshake ever proved it.
  public mutating func store(_ offered: SeedEpoch) throws(PairFlaw) -> Bool {
    if let known = epoch(offered.number), known.state != .archiveOnly, known.seed.holdsSame(as: offered.seed) {
      return false
    }
    guard offered.number > current.number else { throw .notNewer(offered.number, than: current.number) }
    try setEpochs([offered] + epochs.filter { $0.state != .next })
    return true
  }

  /// A handshake proved epoch `number`: if it was next it is current now, and the overlap of the one before
  /// begins. `false`: nothing changes.
  public mutating func promote(_ number: UInt32) -> Bool {
    guard let next, next.number == number else { return false }
    epochs = epochs.map { epoch in
      var epoch = epoch
      switch epoch.state {
      case .next: (epoch.state, epoch.overlapSeconds) = (.current, 0)
      case .current where next.overlapSeconds > 0: (epoch.state, epoch.overlapSeconds) = (.previous, next.overlapSeconds)
      case .current, .previous, .archiveOnly: epoch = epoch.archived
      }
      return epoch
    }
    return true
  }

  /// `seconds` of the overlap have passed; with its last the previous epoch ends. `false`: there is no overlap.
  public mutating func spendOverlap(_ seconds: UInt32) -> Bool {
    guard let index = epochs.firstIndex(where: { $0.state == .previous }) else { return false }
    let left = epochs[index].overlapSeconds
    if seconds < left { epochs[index].overlapSeconds = left - seconds } else { epochs[index] = epochs[index].archived }
    return true
  }

  /// Notes when the current epoch began, for a pair that does not say.
  public mutating func dateCurrent(_ madeSeconds: UInt64) {
    guard let index = epochs.firstIndex(where: { $0.state == .current }) else { return }
    if epochs[index].madeSeconds == 0 { epochs[index].madeSeconds = madeSeconds }
  }

  /// Drops an epoch whose recordings nobody wants to open any more. `false`: there is none of that number,
  /// or it still authenticates.
  public mutating func forget(_ number: UInt32) -> Bool {
    guard epoch(number)?.state == .archiveOnly else { return false }
    epochs.removeAll { $0.number == number }
    return true
  }

  /// What a device needs of it, and a QR code has room for.
  public var withoutArchive: PairFile {
    var copy = self
    copy.epochs = live
    return copy
  }

  private func successor() throws(PairFlaw) -> UInt32 {
    guard epochs.count < Self.mostEpochs else { throw .tooManyEpochs }
    guard epochs[0].number < UInt32.max - 1 else { throw .badEpoch }
    return epochs[0].number + 1
  }

  /// What the handshake derives from one of the seeds.
  public func keys(of epoch: SeedEpoch) throws -> PairKeys {
    var bytes = epoch.seed.withUnsafeBytes { [UInt8]($0) }
    defer { for index in bytes.indices { bytes[index] = 0 } }
    return PairKeys(
      seed: try Seed(bytes: bytes),
      pair: try Pair(initiatorID: deviceID, responderID: collectorID, epoch: epoch.number))
  }

  /// The keys that wrap the keys of recordings, of every epoch that there ever was: what was recorded under
  /// an old seed stays readable (docs/protocol.md 2.13).
  public func recordKeys() throws -> [(epoch: UInt32, key: Secret)] {
    try epochs.map { ($0.number, try keys(of: $0).recordWrapKey) }
  }
}

extension SeedEpoch {
  fileprivate var archived: SeedEpoch {
    SeedEpoch(number: number, seed: seed, state: .archiveOnly, madeSeconds: madeSeconds)
  }
}
