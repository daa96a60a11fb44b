import Glibc
import STTBoard
@testable import STTKeyring
import Testing

private func text(_ pair: PairFile, commented: Bool = true) throws -> [UInt8] {
  try pair.text(commented: commented).withUnsafeBytes { [UInt8]($0) }
}

private func bytes(_ secret: SecretBytes) -> [UInt8] { secret.withUnsafeBytes { [UInt8]($0) } }

private func secret(_ bytes: [UInt8]) throws -> SecretBytes {
  let secret = try #require(SecretBytes(count: bytes.count))
  secret.withUnsafeMutableBytes { $0.copyBytes(from: bytes) }
  return secret
}

private func parse(_ text: [UInt8]) throws -> PairFile {
  try secret(text).withUnsafeBytes { (bytes) throws(PairFlaw) -> PairFile in try PairFile(text: bytes) }
}

private func flaw(_ text: [UInt8]) -> PairFlaw? {
  do {
    _ = try parse(text)
    return nil
  } catch {
    return error as? PairFlaw
  }
}

private func loadError(_ path: String) -> PairStoreError? {
  do throws(PairStoreError) {
    _ = try PairFile.load(.file(path: path))
    return nil
  } catch {
    return error
  }
}

@Suite struct PairTextTests {
  @Test func whatIsWrittenIsReadBack() throws {
    let pair = try PairFile.generate(name: "greenhouse-1")
    for commented in [true, false] {
      let read = try parse(try text(pair, commented: commented))
      #expect(read.name == "greenhouse-1")
      #expect(read.deviceID == pair.deviceID)
      #expect(read.collectorID == pair.collectorID)
      #expect(read.epoch == 1)
      #expect(bytes(read.seed) == bytes(pair.seed))
    }
  }

  @Test func twoPairsShareNothing() throws {
    let (one, other) = (try PairFile.generate(name: "a"), try PairFile.generate(name: "a"))
    #expect(bytes(one.seed) != bytes(other.seed))
    #expect(one.deviceID != other.deviceID)
    #expect(one.deviceID != one.collectorID)
  }

  /// The check value was computed by another implementation (Python's zlib.crc32).
  @Test func theFrozenTextStaysReadable() throws {
    let frozen = """
      stt-pair = 1
      name = "a"
      device-id = "\(String(repeating: "11", count: 32))"
      collector-id = "\(String(repeating: "22", count: 32))"
      epoch = 7
      seed = "00112233 44556677-8899AABB ccddeeff 01234567 89abcdef 0f1e2d3c 4b5a6978"
      check = "f635635b"
      """
    let pair = try parse(Array(frozen.utf8))
    #expect(pair.epoch == 7)
    #expect(pair.deviceID == [UInt8](repeating: 0x11, count: 32))
    #expect(bytes(pair.seed).prefix(12) == [0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB])
  }

  /// A digit changed by hand is found wherever it stands; no change and no cut traps.
  @Test func everyChangedByteOfTheValuesIsFound() throws {
    let good = try text(try PairFile.generate(name: "a"), commented: false)
    for index in good.indices {
      var changed = good
      changed[index] = changed[index] == UInt8(ascii: "7") ? UInt8(ascii: "3") : UInt8(ascii: "7")
      #expect(flaw(changed) != nil, "byte \(index)")
    }
    for length in 0..<(good.count - 2) { #expect(flaw(Array(good[..<length])) != nil, "\(length) bytes") }
    for index in good.indices {
      for byte: UInt8 in [0, 10, 13, 32, 34, 35, 61, 128, 255] {
        var changed = good
        changed[index] = byte
        _ = flaw(changed)
      }
    }
  }

  @Test func eachMistakeHasItsOwnSentence() throws {
    let good = String(decoding: try text(try PairFile.generate(name: "a"), commented: false), as: UTF8.self)
    func broken(_ old: String, _ new: String) -> PairFlaw? { flaw(Array(good.replacing(old, with: new).utf8)) }
    #expect(
      broken("stt-pair=1", "stt-pair=3")
        == .line(1, "announces another version of pair file; this program reads versions 1 and 2"))
    #expect(broken("epoch=1\n", "") == .missing(key: "epoch"))
    #expect(broken("epoch=1\n", "epoch=1\nepoch=1\n") == .line(6, "repeats the key \"epoch\""))
    #expect(broken("epoch=1\n", "epoch=0\n") == .badEpoch)
    #expect(broken("epoch=1\n", "epoch=4294967296\n") == .badEpoch)
    #expect(broken("epoch=1\n", "epoch\n") == .line(5, "has no \"=\""))
    #expect(broken("epoch=", "age=") == .line(5, "has an unknown key"))
    #expect(broken("name=\"a\"", "name=\"../a\"") == .badName("../a"))
    #expect(broken("name=\"a\"", "name=\"b\"") == .wrongCheck)
    #expect(flaw([UInt8](repeating: 35, count: PairFile.maximumByteCount + 1)) == .tooLarge)
  }

  @Test func bothIdsMustDiffer() throws {
    let id = [UInt8](repeating: 9, count: 32)
    let seed = try PairFile.generate(name: "a").seed
    #expect(throws: PairFlaw.sameIdentity) { try PairFile(name: "a", deviceID: id, collectorID: id, epoch: 1, seed: seed) }
  }

  @Test func noDescriptionShowsTheSeed() throws {
    let pair = try PairFile.generate(name: "a")
    let digits = bytes(pair.seed).prefix(4).map { String($0, radix: 16) }.joined()
    #expect("\(pair.seed)" == "<32 secret bytes>")
    #expect(!"\(pair)".contains(digits))
  }
}

@Suite struct SeedStrengthTests {
  private func weakness(_ bytes: [UInt8]) -> SeedWeakness? { bytes.withUnsafeBytes { SeedWeakness.find(in: $0) } }

  @Test func weakSeedsAreRefusedEachForItsReason() {
    #expect(weakness([UInt8](repeating: 1, count: 31)) == .wrongLength(31))
    #expect(weakness([UInt8](repeating: 1, count: 33)) == .wrongLength(33))
    #expect(weakness([]) == .wrongLength(0))
    #expect(weakness([UInt8](repeating: 0, count: 32)) == .allBytesEqual)
    #expect(weakness(Array("correct horse battery staple 123".utf8)) == .printableText)
    #expect(weakness((0..<32).map { UInt8($0) }) == .arithmeticSequence)
    #expect(weakness((0..<32).map { UInt8(truncatingIfNeeded: 250 - $0 * 37) }) == .arithmeticSequence)
    #expect(weakness((0..<32).map { [0, 200, 3, 77, 91, 6, 255][$0 * $0 % 7] }) == .tooFewDistinctBytes(4))
    #expect(
      weakness((0..<32).map { [0, 200, 3, 77, 91, 6, 255, 8, 9, 10, 11, 12, 13, 14, 130, 140][$0 % 16] })
        == .repeated(period: 16))
  }

  @Test func eightDistinctBytesAreAcceptedSevenAreNot() {
    func seed(_ distinct: Int) -> [UInt8] { (0..<32).map { UInt8(($0 * $0 * $0 + $0 / 5) % distinct) &* 31 } }
    #expect(Set(seed(8)).count == 8)
    #expect(weakness(seed(8)) == nil)
    #expect(weakness(seed(7)) == .tooFewDistinctBytes(7))
  }

  @Test func randomSeedsAreAccepted() throws {
    for _ in 0..<1_000 { _ = try PairFile.generate(name: "a") }
  }
}

@Suite struct PairStoreTests {
  @Test func aPairIsWrittenForItsOwnerAloneAndReadBack() throws {
    let directory = try TemporaryDirectory()
    let pair = try PairFile.generate(name: "a")
    try pair.write(to: "\(directory.path)/a.pair", replacing: false)
    var status = stat()
    #expect(stat("\(directory.path)/a.pair", &status) == 0)
    #expect(status.st_mode & 0o7777 == 0o600)
    #expect(directory.names == ["a.pair"])
    let loaded = try PairFile.load(.file(path: "\(directory.path)/a.pair"))
    #expect(bytes(loaded.pair.seed) == bytes(pair.seed))
    #expect(loaded.warning == nil)
  }

  @Test func anExistingFileIsKeptUnlessReplacingIsMeant() throws {
    let directory = try TemporaryDirectory()
    let path = "\(directory.path)/a.pair"
    let pair = try PairFile.generate(name: "a")
    try directory.write("a.pair", [1])
    do throws(PairStoreError) {
      try pair.write(to: path, replacing: false)
      Issue.record("the file exists")
    } catch {
      #expect(error.description.hasSuffix("Choose another name, or add --force."))
    }
    #expect(directory.read("a.pair") == [1])
    #expect(directory.names == ["a.pair"])
    try PairFile.generate(name: "a").write(to: path, replacing: true)
    #expect(try PairFile.load(.file(path: path)).pair.name == "a")
  }

  @Test(arguments: [0o640, 0o604, 0o660, 0o610, 0o644] as [mode_t])
  func aFileOpenToOthersIsRefusedWithTheCommandToRun(mode: mode_t) throws {
    let directory = try TemporaryDirectory()
    try directory.write("a.pair", try text(try PairFile.generate(name: "a")), mode: mode)
    let error = try #require(loadError("\(directory.path)/a.pair"))
    #expect(error.description.hasSuffix("Run: chmod 600 \(directory.path)/a.pair"))
  }

  @Test func linksDirectoriesPipesAndNothingAreRefused() throws {
    let directory = try TemporaryDirectory()
    try directory.write("a.pair", try text(try PairFile.generate(name: "a")))
    #expect(symlink("\(directory.path)/a.pair", "\(directory.path)/link") == 0)
    #expect(mkfifo("\(directory.path)/pipe", 0o600) == 0)
    guard case .symbolicLink = loadError("\(directory.path)/link") else { return _ = Issue.record("a link was followed") }
    guard case .notRegular = loadError("\(directory.path)/pipe") else { return _ = Issue.record("a pipe was read") }
    guard case .notRegular = loadError(directory.path) else { return _ = Issue.record("a directory was read") }
    guard case .unreadable(_, ENOENT) = loadError("\(directory.path)/none") else {
      return _ = Issue.record("nothing was read")
    }
  }

  @Test(.enabled(if: geteuid() == 0, "only root can give a file away"))
  func aFileOfAnotherUserIsRefused() throws {
    let directory = try TemporaryDirectory()
    try directory.write("a.pair", try text(try PairFile.generate(name: "a")))
    #expect(chown("\(directory.path)/a.pair", 65_534, 65_534) == 0)
    guard case .foreignOwner(_, 65_534) = loadError("\(directory.path)/a.pair") else {
      Issue.record("another user's file was read")
      return
    }
  }

  // The environment belongs to the whole process, so the tests that change it run in one of their own.
  @Test func aVariableIsReadOnceAndCleared() async {
    await #expect(processExitsWith: .success) {
      let pair = try PairFile.generate(name: "a")
      let name = "STT_KEYRING_TEST_PAIR"
      #expect(setenv(name, String(decoding: try text(pair), as: UTF8.self), 1) == 0)
      let value = try #require(getenv(name))
      let loaded = try PairFile.load(.environment(name: name))
      #expect(bytes(loaded.pair.seed) == bytes(pair.seed))
      #expect(loaded.warning?.contains("env:\(name)") == true)
      #expect(getenv(name) == nil)
      #expect(value[0] == 0 && value[100] == 0)
      #expect(throws: PairStoreError.self) { try PairFile.load(.environment(name: name)) }
    }
  }

  /// systemd shows its access list in the group bits, which a file of our own may not have.
  @Test func aCredentialIsReadFromSystemdsDirectory() async {
    await #expect(processExitsWith: .success) {
      unsetenv("CREDENTIALS_DIRECTORY")
      #expect(throws: PairStoreError.self) { try PairFile.load(.credential(name: "pair")) }
      let directory = try TemporaryDirectory()
      let pair = try PairFile.generate(name: "a")
      try directory.write("pair", try text(pair), mode: 0o440)
      #expect(setenv("CREDENTIALS_DIRECTORY", directory.path, 1) == 0)
      #expect(bytes(try PairFile.load(.credential(name: "pair")).pair.seed) == bytes(pair.seed))
    }
  }

  @Test func aDescriptorIsReadToItsEndAndClosed() throws {
    let pair = try PairFile.generate(name: "a")
    var ends: [CInt] = [0, 0]
    #expect(pipe(&ends) == 0)
    let content = try text(pair)
    #expect(write(ends[1], content, content.count) == content.count)
    close(ends[1])
    #expect(bytes(try PairFile.load(.descriptor(ends[0])).pair.seed) == bytes(pair.seed))
  }

  @Test func aDirectoryGivesItsPairsAndTheFailuresBesideThem() throws {
    let directory = try TemporaryDirectory()
    try PairFile.generate(name: "b").write(to: "\(directory.path)/b.pair", replacing: false)
    try PairFile.generate(name: "a").write(to: "\(directory.path)/a.pair", replacing: false)
    try directory.write("c.pair", Array("nonsense".utf8))
    try directory.write("readme", Array("nonsense".utf8))
    let (pairs, failures) = try PairFile.loadAll(in: directory.path)
    #expect(pairs.map(\.pair.name) == ["a", "b"])
    #expect(
      failures.map(\.description) == [
        "\(directory.path)/c.pair: line 1 has no \"=\". Copy the whole file again from where it was made."
      ])
    #expect(throws: PairStoreError.self) { try PairFile.loadAll(in: "\(directory.path)/none") }
  }

  @Test func proquintsSpellTheirAuthorsExamples() {
    #expect(Proquint.words([127, 0, 0, 1]) == "lusab-babad")
    #expect(Proquint.words([63, 84, 220, 193]) == "gutih-tugad")
    #expect(Proquint.words([]) == "")
    #expect(Proquint.words([0, 0, 0, 0, 0, 0, 255, 255]) == "babab-babab-babab-zuzuz")
  }
}
