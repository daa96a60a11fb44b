import Glibc
import STTBuffers
import Testing

@testable import LinuxVideo

@Suite struct CameraBuffersTests {
  func mapping(_ byteCount: Int = 4096) -> UnsafeMutableRawBufferPointer {
    let base = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    return UnsafeMutableRawBufferPointer(start: base == MAP_FAILED ? nil : base, count: byteCount)
  }

  /// A page of a file, which can be told from all other memory of the process.
  func page(of path: String) -> UnsafeMutableRawBufferPointer {
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    defer { close(file) }
    ftruncate(file, 4096)
    let base = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
    return UnsafeMutableRawBufferPointer(start: base == MAP_FAILED ? nil : base, count: 4096)
  }

  func isMapped(_ path: String) -> Bool {
    guard let maps = fopen("/proc/self/maps", "r") else { return false }
    defer { fclose(maps) }
    var line = [CChar](repeating: 0, count: 1024)
    while fgets(&line, CInt(line.count), maps) != nil {
      if strstr(line, path) != nil { return true }
    }
    return false
  }

  @Test func aLeaseIsTheDriversMemory() throws {
    let memory = mapping()
    memory[0] = 42
    let buffers = CameraBuffers(mappings: [memory])
    let lease = try lent(buffers.lease(0, byteCount: 100))
    #expect(lease.count == 100)
    #expect(lease.capacity == 4096)
    #expect(lease.unsafeBase == memory.baseAddress)
  }

  @Test func everyReturnedBufferIsFoundOnce() {
    let buffers = CameraBuffers(mappings: (0..<32).map { _ in mapping() })
    for index in [0, 5, 31] { _ = buffers.lease(index, byteCount: 1) }
    #expect(buffers.takeReturned() == 1 << 0 | 1 << 5 | 1 << 31)
    #expect(buffers.takeReturned() == 0)
    #expect(buffers.outstanding == 0)
  }

  @Test func numbersThatMakeNoSenseGiveNoLease() {
    let buffers = CameraBuffers(mappings: [mapping()])
    for (index, byteCount) in [(1, 1), (-1, 1), (0, 4097), (0, -1), (.max, 0)] {
      let isRefused = buffers.lease(index, byteCount: byteCount) == nil
      #expect(isRefused)
    }
    let isWhole = buffers.lease(0, byteCount: 4096) != nil
    #expect(isWhole)
  }

  @Test func memoryThatIsOutOutlivesTheCamera() throws {
    var template = Array("/tmp/stt-page-XXXXXX".utf8CString)
    let file = mkstemp(&template)
    try #require(file >= 0)
    close(file)
    let path = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    defer { unlink(path) }
    do {
      var buffers: CameraBuffers? = CameraBuffers(mappings: [page(of: path), mapping()])
      let lease = try lent(buffers?.lease(0, byteCount: 4096))
      buffers = nil
      #expect(isMapped(path))
      lease.unsafeBase.storeBytes(of: 7, as: UInt8.self)
      let first = lease.bytes.unsafeLoad(as: UInt8.self)
      #expect(first == 7)
    }
    #expect(!isMapped(path))
  }

  @Test func buffersMayComeHomeOnAnyThread() async {
    let buffers = CameraBuffers(mappings: (0..<32).map { _ in mapping() })
    var home: UInt32 = 0
    for _ in 0..<50 {
      await withTaskGroup(of: Void.self) { group in
        for index in 0..<32 {
          group.addTask { _ = buffers.lease(index, byteCount: 8) }
        }
      }
      home |= buffers.takeReturned()
      #expect(home == .max)
      home = 0
    }
    #expect(buffers.outstanding == 0)
  }
}
