import CLinux
import Glibc
import LinuxEvents
import LinuxUDP

/// Buffers that one call fills with datagrams, each with the time at which the kernel got it: a thread
/// that wakes late delays nothing by that.
struct RelayIntake: ~Copyable {
  private static let capacity = 16
  private static let slabByteCount = 65_536
  /// An older stamp is of a wall clock that was set since.
  private static let oldest: UInt64 = 1_000_000_000

  private let entries: UnsafeMutablePointer<clinux_incoming>
  private let memory: UnsafeMutableRawPointer

  init() {
    memory = .allocate(byteCount: Self.capacity * Self.slabByteCount, alignment: 4096)
    entries = .allocate(capacity: Self.capacity)
    for index in 0..<Self.capacity {
      var entry = clinux_incoming()
      entry.base = memory + index * Self.slabByteCount
      entry.capacity = UInt32(Self.slabByteCount)
      (entries + index).initialize(to: entry)
    }
  }

  deinit {
    entries.deallocate()
    memory.deallocate()
  }

  /// Reads once and calls `body` with each datagram; answers whether there may be more, and how many
  /// arrivals the kernel has dropped since it last said so.
  func receive(
    _ port: RelayPort, _ body: (_ datagram: UnsafeMutableRawBufferPointer, _ from: UDPAddress, _ arrived: UInt64) -> Void
  ) -> (more: Bool, overruns: UInt64) {
    let count = Int(clinux_udp_receive(port.socket.descriptor, entries, CInt(Self.capacity)))
    guard count > 0 else { return (count == Int(-EINTR), 0) }
    let now = Clocks.monotonic
    let wall = Clocks.wall
    var overruns: UInt64 = 0
    for index in 0..<count {
      let entry = entries[index]
      if entry.dropped != 0 {
        overruns += UInt64(entry.dropped &- port.lastOverruns)
        port.lastOverruns = entry.dropped
      }
      guard let base = entry.base, entry.truncated == 0 else { continue }
      let age = wall >= entry.arrived ? wall - entry.arrived : 0
      let arrived = entry.arrived == 0 || age > min(Self.oldest, now) ? now : now - age
      let from = UDPAddress(entry.from)
      // An empty datagram is one as well.
      var offset = 0
      repeat {
        let length = min(Int(entry.segment), Int(entry.count) - offset)
        body(UnsafeMutableRawBufferPointer(start: base + offset, count: length), from, arrived)
        offset += max(1, length)
      } while offset < Int(entry.count)
    }
    return (count == Self.capacity, overruns)
  }
}
