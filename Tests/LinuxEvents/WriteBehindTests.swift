import Glibc
import LinuxEvents
import Synchronization
import Testing

@Suite struct WriteBehindTests {
  /// A file that is gone with this.
  private final class TemporaryFile {
    let path: String
    let descriptor: CInt

    init() throws {
      var template = Array("/tmp/stt-write-behind-XXXXXX".utf8CString)
      descriptor = mkstemp(&template)
      try #require(descriptor >= 0)
      path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
      close(descriptor)
      unlink(path)
    }

    var content: [UInt8] { WriteBehindTests.read(from: open(path, O_RDONLY | O_CLOEXEC)) }
  }

  /// Everything to the end; closes the descriptor.
  private static func read(from descriptor: CInt) -> [UInt8] {
    var content: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(descriptor, &piece, piece.count)
      guard count > 0 else { break }
      content += piece[..<count]
    }
    close(descriptor)
    return content
  }

  /// Pieces of all sizes, some larger than there is room for at once.
  private static let sizes = [1, 4095, 4096, 5_000_000, 0, 262_144, 100_001, 1 << 20, 4_500_000, 3]

  private static func bytes(_ count: Int) -> [UInt8] {
    // A period that no size of a block or of the ring divides.
    let period = (0..<10_007).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }
    var bytes: [UInt8] = []
    while bytes.count < count { bytes += period }
    return Array(bytes[..<count])
  }

  private static func isEqual(_ left: [UInt8], _ right: [UInt8], _ count: Int) -> Bool {
    left.count == count && right.count >= count && memcmp(left, right, count) == 0
  }

  private static func append(_ bytes: ArraySlice<UInt8>, to behind: WriteBehind) -> CInt {
    bytes.withUnsafeBytes { behind.append($0) }
  }

  @Test(arguments: [true, false])
  func aFileHoldsWhatWasTakenInItsOrderAlsoAfterADrain(isNew: Bool) throws {
    let file = try TemporaryFile()
    let flags = fcntl(file.descriptor, F_GETFL)
    let content = Self.bytes(Self.sizes.reduce(0, +))
    let behind = try WriteBehind(file.descriptor, isNew: isNew)
    var place = 0
    for (index, size) in Self.sizes.enumerated() {
      #expect(Self.append(content[place..<place + size], to: behind) == 0)
      place += size
      guard index % 4 == 3 else { continue }
      #expect(behind.drain() == 0 && behind.writtenByteCount == UInt64(place))
      #expect(Self.isEqual(file.content, content, place))
    }
    #expect(behind.drain() == 0)
    #expect(behind.drain() == 0, "a second time there is nothing to wait for")
    #expect(fcntl(file.descriptor, F_GETFL) == flags, "the descriptor is left as it was")
    #expect(Self.isEqual(file.content, content, content.count))
  }

  @Test(arguments: [0, 1, 4096, 262_144, 3_000_001])
  func whatWasTakenIsWrittenAlsoWhenNobodyWaitsForIt(count: Int) throws {
    let file = try TemporaryFile()
    let content = Self.bytes(count)
    do {
      let behind = try WriteBehind(file.descriptor, isNew: true)
      #expect(Self.append(content[...], to: behind) == 0)
    }
    #expect(Self.isEqual(file.content, content, content.count))
  }

  @Test func aPipeGetsEverythingThoughItHoldsLess() throws {
    var ends: [CInt] = [0, 0]
    try #require(pipe(&ends) == 0)
    let (reading, writing) = (ends[0], ends[1])
    let content = Self.bytes(6_000_000)
    let result = Result()
    let reader = try WorkerThread(name: "reads") { result.value.withLock { $0 = Self.read(from: reading) } }
    do {
      let behind = try WriteBehind(writing, isNew: false)
      #expect(Self.append(content[...], to: behind) == 0)
      #expect(behind.drain() == 0)
    }
    close(writing)
    reader.join()
    #expect(Self.isEqual(result.value.withLock { $0 }, content, content.count))
  }

  private final class Result: Sendable {
    let value = Mutex<[UInt8]>([])
  }

  @Test func anErrorIsToldAtTheNextDrainAndNothingWaitsForEver() throws {
    let descriptor = open("/dev/full", O_WRONLY | O_CLOEXEC)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    let behind = try WriteBehind(descriptor, isNew: false)
    _ = Self.append(Self.bytes(9_000_000)[...], to: behind)
    #expect(behind.drain() == ENOSPC)
    #expect(Self.append([1], to: behind) == ENOSPC)
    #expect(behind.drain() == ENOSPC && behind.writtenByteCount == 0)
  }
}
