import Glibc
import STC
import STTBoard
@testable import STTKeyring
import Testing

private func text(_ pair: PairFile, commented: Bool = false) throws -> [UInt8] {
  try pair.text(commented: commented).withUnsafeBytes { [UInt8]($0) }
}

private func parse(_ text: [UInt8]) throws -> PairFile { try text.withUnsafeBytes { try PairFile(text: $0) } }

private func flaw(_ text: String) -> PairFlaw? {
  do {
    _ = try parse(Array(text.utf8))
    return nil
  } catch {
    return error as? PairFlaw
  }
}

/// Changes what it is asked about, which #expect can't.
private func holds(_ value: Bool, _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation) {
  #expect(value, comment, sourceLocation: sourceLocation)
}

private func states(_ pair: PairFile) -> [String] { pair.epochs.map { "\($0.number) \($0.state.rawValue)" } }

private func isSame(_ one: PairFile, _ other: PairFile) -> Bool {
  one.name == other.name && one.key == other.key && states(one) == states(other)
    && one.epochs.map(\.overlapSeconds) == other.epochs.map(\.overlapSeconds)
    && one.epochs.map(\.madeSeconds) == other.epochs.map(\.madeSeconds)
    && zip(one.epochs, other.epochs).allSatisfy { $0.seed.holdsSame(as: $1.seed) }
}

/// Archive-only 1, previous 2, current 3, next 4.
private func fullPair() throws -> PairFile {
  var pair = try PairFile.generate(name: "greenhouse-1")
  for number in 2...4 as ClosedRange<UInt32> {
    try pair.addNext(SecretBytes.randomSeed(), overlapSeconds: 100 * number, madeSeconds: 1_800_000_000)
    if number < 4 { holds(pair.promote(number)) }
  }
  return pair
}

@Suite struct SeedEpochTextTests {
  @Test func allEpochsComeBackInTheirStates() throws {
    let pair = try fullPair()
    #expect(states(pair) == ["4 next", "3 current", "2 previous", "1 archive-only"])
    #expect(pair.epochs.map(\.overlapSeconds) == [400, 0, 300, 0])
    for commented in [true, false] {
      let read = try parse(try text(pair, commented: commented))
      #expect(isSame(read, pair))
    }
    #expect(pair.epoch == 3)
    #expect(pair.live.map(\.number) == [4, 3, 2])
  }

  @Test func aPairThatNeverChangedIsWrittenAsEver() throws {
    let written = String(decoding: try text(try PairFile.generate(name: "a")), as: UTF8.self)
    #expect(written.hasPrefix("stt-pair=1\n") && !written.contains("[[epoch]]"))
  }

  /// The check value was computed by another implementation (Python's zlib.crc32).
  @Test func theFrozenTextStaysReadable() throws {
    let frozen = """
      stt-pair = 2
      name = "a"
      device-id = "\(String(repeating: "11", count: 32))"
      collector-id = "\(String(repeating: "22", count: 32))"
      check = "561ea8b9"

      [[epoch]]
      number = 7
      state = "current"
      made = 1800000000
      seed = "00112233 44556677-8899AABB ccddeeff 01234567 89abcdef 0f1e2d3c 4b5a6978"
      [[epoch]]
      number = 5
      state = "previous"
      overlap = 1209600
      seed = "8899aabbccddeeff0011223344556677 76543210fedcba98a0b1c2d3e4f5061a"
      """
    let pair = try parse(Array(frozen.utf8))
    #expect(states(pair) == ["7 current", "5 previous"])
    #expect(pair.previous?.overlapSeconds == 1_209_600)
  }

  @Test func everyCutIsFound() throws {
    let good = try text(try fullPair())
    // Without its last line feed it says the same.
    for length in 0..<(good.count - 1) {
      #expect(flaw(String(decoding: good[..<length], as: UTF8.self)) != nil, "\(length) bytes of \(good.count)")
    }
  }

  @Test func everyFlippedBitIsFoundOrChangesNothing() throws {
    let pair = try fullPair()
    for commented in [false, true] {
      let good = try text(pair, commented: commented)
      var accepted = 0
      for index in good.indices {
        for bit in 0..<8 {
          var changed = good
          changed[index] ^= 1 << UInt8(bit)
          guard let read = try? parse(changed) else { continue }
          accepted += 1
          #expect(isSame(read, pair), "bit \(bit) of byte \(index)")
        }
      }
      // Capital hexadecimal digits mean the same, and comments nothing.
      #expect(accepted < good.count * 4)
    }
  }

  @Test func eachMistakeIsExplainedWithItsLine() throws {
    let good = String(decoding: try text(try fullPair()), as: UTF8.self)
    func broken(_ old: String, _ new: String) -> PairFlaw? { flaw(good.replacing(old, with: new, maxReplacements: 1)) }
    let current = "number=3\nstate=\"current\""
    #expect(
      broken(current, "number=3\nstate=\"next\"")
        == .line(6, "begins epoch 4, which is as little current as the others: one epoch must be"))
    #expect(
      broken(current, "number=4\nstate=\"current\"")
        == .line(12, "begins epoch 4, which does not have a lower number than the one above it"))
    #expect(
      broken("state=\"next\"", "state=\"current\"")
        == .line(6, "begins epoch 4, which has an overlap, which only next and previous have"))
    #expect(
      broken("state=\"next\"\noverlap=400\n", "state=\"current\"\n")
        == .line(11, "begins epoch 3, which is current, and so is epoch 4: only one can be"))
    #expect(
      broken("state=\"next\"", "state=\"soon\"")
        == .line(6, "begins an epoch whose state is none of next, current, previous, archive-only"))
    #expect(broken("number=3\n", "") == .line(12, "begins an epoch without a line \"number = …\""))
    #expect(broken("number=3\n", "number=-3\n") == .line(12, "begins an epoch whose number is no whole number in range"))
    #expect(
      broken("overlap=400", "overlap=99999999") == .line(6, "begins epoch 4, which has an overlap of more than 366 days"))
    #expect(broken("overlap=400", "overlap=401") == .wrongCheck)
    #expect(broken("stt-pair=2", "stt-pair=1") == .line(6, "begins an epoch, which a file of version 1 does not have"))
    #expect(
      broken("name=", "epoch=1\nname=") == .line(1, "begins a file of version 2, which has \"epoch\" only under [[epoch]]"))
    #expect(
      flaw(
        good + "[[epoch]]\nnumber=0\nstate=\"archive-only\"\nseed=\"\(String(repeating: "1f2e3d4c5b6a7980", count: 4))\"\n")
        != nil)
    let seeds = good.split(separator: "\n").filter { $0.hasPrefix("seed=") }
    #expect(broken(String(seeds[1]), String(seeds[0])) == .line(12, "begins epoch 3, which has the seed of another epoch"))
  }

  @Test func aPairHoldsAtMost128Epochs() throws {
    var pair = try PairFile.generate(name: "a")
    for _ in 1..<PairFile.mostEpochs {
      let number = try pair.addNext(SecretBytes.randomSeed(), overlapSeconds: 0, madeSeconds: 1_800_000_000)
      holds(pair.promote(number))
    }
    let full = pair
    #expect(throws: PairFlaw.tooManyEpochs) {
      var pair = full
      try pair.addNext(SecretBytes.randomSeed(), overlapSeconds: 0, madeSeconds: 0)
    }
    #expect(isSame(try parse(try text(full, commented: true)), full))
    holds(pair.forget(1))
    holds(!pair.forget(128), "the current one stays")
    try pair.addNext(SecretBytes.randomSeed(), overlapSeconds: 0, madeSeconds: 0)
  }
}

@Suite struct SeedSuccessionTests {
  @Test func seedsThatDifferInOneBitAreNotTheSame() throws {
    let bytes = (0..<32).map { UInt8(($0 * 37 + 11) % 251) }
    let one = try #require(SecretBytes.copy(of: bytes))
    let same = try #require(SecretBytes.copy(of: bytes))
    #expect(one.holdsSame(as: same))
    for bit in 0..<256 {
      var changed = bytes
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      let other = try #require(SecretBytes.copy(of: changed))
      #expect(!one.holdsSame(as: other), "bit \(bit)")
    }
  }

  @Test func aNewSeedIsNextThenCurrentThenPreviousThenArchiveOnly() throws {
    var pair = try PairFile.generate(name: "a")
    try pair.addNext(SecretBytes.randomSeed(), overlapSeconds: 50, madeSeconds: 1)
    #expect(states(pair) == ["2 next", "1 current"])
    #expect(throws: PairFlaw.rotating(2)) {
      var pair = pair
      try pair.addNext(SecretBytes.randomSeed(), overlapSeconds: 50, madeSeconds: 1)
    }
    holds(!pair.promote(1))
    holds(!pair.promote(3))
    holds(pair.promote(2))
    #expect(states(pair) == ["2 current", "1 previous"])
    holds(pair.spendOverlap(49))
    #expect(pair.previous?.overlapSeconds == 1)
    holds(pair.spendOverlap(.max))
    #expect(states(pair) == ["2 current", "1 archive-only"])
    holds(!pair.spendOverlap(1))
  }

  @Test func withoutAnOverlapTheOldSeedEndsWithTheProof() throws {
    var pair = try PairFile.generate(name: "a")
    try pair.addNext(SecretBytes.randomSeed(), overlapSeconds: 0, madeSeconds: 1)
    holds(pair.promote(2))
    #expect(states(pair) == ["2 current", "1 archive-only"])
  }

  @Test func replacingAtOnceLeavesOneSeedThatAuthenticates() throws {
    var pair = try fullPair()
    try pair.replaceAll(SecretBytes.randomSeed(), madeSeconds: 1)
    #expect(states(pair) == ["5 current", "4 archive-only", "3 archive-only", "2 archive-only", "1 archive-only"])
    #expect(isSame(try parse(try text(pair)), pair))
  }

  @Test func anOfferedSeedIsStoredOnceAndNeverInThePlaceOfAProvenOne() throws {
    var pair = try PairFile.generate(name: "a")
    let offered = SeedEpoch(number: 2, seed: try SecretBytes.randomSeed(), state: .next, overlapSeconds: 9)
    try holds(pair.store(offered))
    try holds(!pair.store(offered), "it is there")
    let other = SeedEpoch(number: 2, seed: try SecretBytes.randomSeed(), state: .next)
    try holds(pair.store(other), "an unproven one gives way")
    holds(pair.promote(2))
    #expect(throws: PairFlaw.notNewer(2, than: 2)) {
      var pair = pair
      _ = try pair.store(offered)
    }
    try holds(!pair.store(other))
    var weak = offered
    (weak.number, weak.seed) = (3, try #require(SecretBytes(count: 32)))
    #expect(throws: PairFlaw.self) {
      var pair = pair
      _ = try pair.store(weak)
    }
  }

  /// Recordings made under an old seed stay readable, and each seed has a key of its own.
  @Test func theRecordKeysOfAllEpochsStay() throws {
    var pair = try PairFile.generate(name: "a")
    let first = try #require(try pair.recordKeys().first).key.withUnsafeBytes { [UInt8]($0) }
    try pair.replaceAll(SecretBytes.randomSeed(), madeSeconds: 1)
    let keys = try pair.recordKeys().map { ($0.epoch, $0.key.withUnsafeBytes { [UInt8]($0) }) }
    #expect(keys.map(\.0) == [2, 1])
    #expect(keys[1].1 == first)
    #expect(keys[0].1 != first && first.count == 32)
  }
}

@Suite struct PairStoreChangeTests {
  @Test func aChangeIsOnTheDiskWithMode0600AndAllOfItOrNothing() throws {
    let directory = try TemporaryDirectory()
    let path = "\(directory.path)/a.pair"
    try PairFile.generate(name: "a").write(to: path, replacing: false)
    var store = PairStore(try PairFile.load(.file(path: path)))
    try holds(
      store.update { (pair) throws(PairFlaw) in
        try pair.addNext(SecretBytes.randomSeed(), overlapSeconds: 5, madeSeconds: 1)
        return true
      })
    #expect(isSame(try PairFile.load(.file(path: path)).pair, store.pair))
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & 0o7777 == 0o600)
    #expect(directory.names == ["a.pair"])
    #expect(throws: PairStoreError.self) {
      var store = store
      _ = try store.update { (pair) throws(PairFlaw) in throw .tooManyEpochs }
    }
    #expect(isSame(try PairFile.load(.file(path: path)).pair, store.pair))
  }

  /// Each begins from what the other wrote, not from what it read before.
  @Test func twoProgramsLoseNoChangeOfEachOther() throws {
    let directory = try TemporaryDirectory()
    let path = "\(directory.path)/a.pair"
    try PairFile.generate(name: "a").write(to: path, replacing: false)
    var (one, other) = (PairStore(try PairFile.load(.file(path: path))), PairStore(try PairFile.load(.file(path: path))))
    _ = try one.update { (pair) throws(PairFlaw) in
      try pair.addNext(SecretBytes.randomSeed(), overlapSeconds: 5, madeSeconds: 1)
      return true
    }
    try holds(other.update { (pair) throws(PairFlaw) in pair.promote(2) })
    #expect(states(other.pair) == ["2 current", "1 previous"])
    try holds(one.reload())
    try holds(!one.reload())
    #expect(isSame(one.pair, other.pair))
  }

  @Test func anotherPairInItsPlaceIsRefused() throws {
    let directory = try TemporaryDirectory()
    let path = "\(directory.path)/a.pair"
    try PairFile.generate(name: "a").write(to: path, replacing: false)
    var store = PairStore(try PairFile.load(.file(path: path)))
    try PairFile.generate(name: "a").write(to: path, replacing: true)
    let before = store.pair
    #expect(throws: PairStoreError.self) { _ = try store.reload() }
    #expect(throws: PairStoreError.self) { _ = try store.update { (_) throws(PairFlaw) in false } }
    #expect(isSame(store.pair, before))
  }

  @Test func aPairThatIsNoFileSaysThatItCannotBeChanged() throws {
    let loaded = LoadedPair(pair: try PairFile.generate(name: "a"), reference: .credential(name: "device"))
    var store = PairStore(loaded)
    #expect(!store.isFile)
    do throws(PairStoreError) {
      _ = try store.update { (pair) throws(PairFlaw) in true }
      Issue.record("a credential was written")
    } catch {
      #expect(error.description.contains("credential:device: cannot be changed from here"))
      #expect(error.description.contains("stt seed rotate"))
    }
  }

  @Test func theUserOfAStateDirectoryIsKnownWhileItRuns() throws {
    let directory = try TemporaryDirectory()
    #expect(StateDirectory.user(of: directory.path) == nil)
    do {
      let state = try StateDirectory(directory.path)
      #expect(StateDirectory.user(of: directory.path) == getpid())
      withExtendedLifetime(state) {}
    }
    #expect(StateDirectory.user(of: directory.path) == nil)
  }
}
