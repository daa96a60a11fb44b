import Glibc
import STTBoard
@testable import STTKeyring
import Testing

@Suite struct IdentityFileTests {
  private let directory: TemporaryDirectory
  private var path: String { "\(directory.path)/identity" }

  init() throws { directory = try TemporaryDirectory() }

  @Test(arguments: IdentityFile.Algorithms.allCases)
  func whatIsWrittenIsRead(algorithms: IdentityFile.Algorithms) throws {
    let made = try IdentityFile.generate(algorithms)
    try made.write(to: path, replacing: false)
    let read = try IdentityFile.load(.file(path: path)).identity
    #expect(read.algorithms == algorithms)
    #expect(read.ed25519?.withUnsafeBytes { [UInt8]($0) } == made.ed25519?.withUnsafeBytes { [UInt8]($0) })
    #expect(read.mlDSA65?.withUnsafeBytes { [UInt8]($0) } == made.mlDSA65?.withUnsafeBytes { [UInt8]($0) })
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & 0o7777 == 0o600)
    #expect(throws: PairStoreError.self) { try made.write(to: path, replacing: false) }
    try made.write(to: path, replacing: true)
  }

  @Test func aFileThatOthersCanOpenAndALinkAreRefused() throws {
    try IdentityFile.generate(.both).write(to: path, replacing: false)
    #expect(symlink(path, "\(path).link") == 0)
    #expect(throws: PairStoreError.self) { try IdentityFile.load(.file(path: "\(path).link")) }
    #expect(chmod(path, 0o640) == 0)
    #expect(throws: PairStoreError.self) { try IdentityFile.load(.file(path: path)) }
  }

  @Test func everyChangedOrLostByteOfTheKeysIsRefused() throws {
    try IdentityFile.generate(.both).write(to: path, replacing: false)
    let good = try #require(directory.read("identity"))
    let start = try #require(good.firstRange(of: Array("stt-identity".utf8))).lowerBound
    for index in start..<good.count - 2 {
      var changed = good
      changed[index] ^= 1
      try directory.write("identity", changed)
      #expect(throws: PairStoreError.self, "byte \(index)") { try IdentityFile.load(.file(path: path)) }
      try directory.write("identity", Array(good[..<index]))
      #expect(throws: PairStoreError.self, "\(index) bytes") { try IdentityFile.load(.file(path: path)) }
    }
  }

  @Test func aPairFileIsNoIdentity() throws {
    try PairFile.generate(name: "a").write(to: path, replacing: false)
    do throws(PairStoreError) {
      _ = try IdentityFile.load(.file(path: path))
      Issue.record("a pair was taken for an identity")
    } catch {
      #expect(error.description.contains("has an unknown key"), "\(error)")
    }
  }
}

@Suite struct IdentityPinsTests {
  private let directory: TemporaryDirectory
  private let pins: IdentityPins

  init() throws {
    directory = try TemporaryDirectory()
    pins = IdentityPins(stateDirectory: directory.path)
  }

  private func claim(_ name: String, _ device: UInt8, key: UInt8) -> IdentityPin {
    IdentityPin(
      name: name, deviceID: [UInt8](repeating: device, count: 32), collectorID: [UInt8](repeating: 0xC0, count: 32),
      fingerprint: [UInt8](repeating: key, count: 32))
  }

  @Test func theFirstIdentityIsPinnedAndEveryOtherRefused() throws {
    #expect(try pins.judge(claim("a", 1, key: 5)) == .pinned)
    #expect(try pins.judge(claim("a", 1, key: 5)) == .accepted)
    #expect(try pins.judge(claim("a", 1, key: 6)) == .refused(pinned: [UInt8](repeating: 5, count: 32)))
    #expect(try pins.judge(claim("b", 2, key: 6)) == .pinned, "each device has its own")
    // It is on the disk, not in this value.
    #expect(try IdentityPins(stateDirectory: directory.path).judge(claim("a", 1, key: 6)) != .accepted)
  }

  @Test func onlyAPersonChangesAPin() throws {
    _ = try pins.judge(claim("a", 1, key: 5))
    try pins.pin(claim("a", 1, key: 6))
    #expect(try pins.judge(claim("a", 1, key: 6)) == .accepted)
    #expect(try pins.unpin(claim("a", 1, key: 0)))
    #expect(try !pins.unpin(claim("a", 1, key: 0)))
    #expect(try pins.judge(claim("a", 1, key: 7)) == .pinned)
    #expect(try pins.all().pins == [claim("a", 1, key: 7)])
  }

  @Test func withoutADirectoryNothingIsPinnedAndNothingIsMade() throws {
    #expect(try pins.all().pins.isEmpty)
    #expect(try pins.find(deviceID: [1], collectorID: [2]) == nil)
    #expect(try !pins.unpin(claim("a", 1, key: 0)))
    #expect(directory.names == [])
  }

  @Test func aDamagedPinAdmitsNobody() throws {
    _ = try pins.judge(claim("a", 1, key: 5))
    let name = "identities/0101010101010101-c0c0c0c0c0c0c0c0.pin"
    let good = try #require(directory.read(name))
    for index in good.indices {
      var changed = good
      changed[index] ^= 1
      try directory.write(name, changed)
      #expect(throws: StateError.self, "byte \(index)") { try pins.judge(claim("a", 1, key: 5)) }
    }
    for length in 0..<good.count {
      try directory.write(name, Array(good[..<length]))
      #expect(throws: StateError.self, "\(length) bytes") { try pins.judge(claim("a", 1, key: 5)) }
    }
    #expect(try pins.all().failures.count == 1)
  }
}
