import Glibc
import LinuxUDP
import STTBuffers
import Testing

@Suite struct LaneTests {
  private static func batch() -> ReceiveBatch? { ReceiveBatch(pool: BufferPool([SlabClass(byteCount: 65_536, count: 16)])) }

  /// What arrives, as soon as it is `count` datagrams: on a busy machine the kernel delivers later than it sends.
  private func drain(_ count: Int, _ batch: inout ReceiveBatch, _ socket: borrowing UDPSocket) -> [[UInt8]] {
    var found: [[UInt8]] = []
    repeat {
      var wanted = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
      guard found.count >= count || poll(&wanted, 1, 10_000) > 0 else { break }
      while batch.receive(from: socket, { datagram, _, _ in found.append([UInt8](datagram)) }) {}
    } while found.count < count
    return found
  }

  /// Sends them in order, at most 16 bytes each, from a socket of their own; whether the kernel took them.
  private func send(_ datagrams: [[UInt8]], to address: UDPAddress) throws -> Bool {
    let sender = try UDPSocket(bind: .loopback(port: 0))
    var sending = SendBatch()
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: datagrams.count * 16, alignment: 8)
    defer { memory.deallocate() }
    for (index, datagram) in datagrams.enumerated() {
      let place = UnsafeMutableRawBufferPointer(rebasing: memory[(index * 16)..<(index * 16 + datagram.count)])
      place.copyBytes(from: datagram)
      if let base = place.baseAddress {
        sending.append(unsafe: base, byteCount: datagram.count, segmentByteCount: datagram.count, to: address)
      }
    }
    return sending.flush(sender)
  }

  @Test func handshakesArriveApart() throws {
    let first = try UDPSocket(bind: .loopback(port: 0))
    guard let lanes = UDPLanes(beside: first, byteAt: 1, second: 1, third: 3), var batch = Self.batch() else {
      Issue.record("this kernel tells no datagrams apart")
      return
    }
    let datagrams: [[UInt8]] = [[1, 1, 9], [1, 3, 9], [1, 0x15, 9], [1, 2], [7], [1, 1], [1, 3, 3], [1, 255]]
    let isSent = try send(datagrams, to: first.local)
    #expect(isSent)
    let arrived = [drain(4, &batch, first), drain(2, &batch, lanes.second), drain(2, &batch, lanes.third)]
    #expect(arrived[0] == [[1, 0x15, 9], [1, 2], [7], [1, 255]])
    #expect(arrived[1] == [[1, 1, 9], [1, 1]])
    #expect(arrived[2] == [[1, 3, 9], [1, 3, 3]])
  }

  @Test func allElseIsSpreadByTwoWords() throws {
    let first = try UDPSocket(bind: .loopback(port: 0))
    let other = try UDPSocket(sharing: first)
    let another = try UDPSocket(sharing: first)
    let key: (UInt32, UInt32, UInt32) = (0x1234_5678, 0x9ABC_DEF1, 0xDEAD_BEEF)
    guard
      let lanes = UDPLanes(
        beside: first, byteAt: 1, second: 1, third: 3, spread: UDPSpread(offset: 4, count: 3, key: key)),
      var batch = Self.batch()
    else {
      Issue.record("this kernel tells no datagrams apart")
      return
    }
    let names: [UInt8] = [0, 1, 2, 3, 4, 5, 77, 128, 253, 254, 255]
    func datagram(_ name: UInt8) -> [UInt8] { [1, 0x15, 0, 0, name, 1, 2, 3, 4, name &* 7, 6, 7, 9] }
    func place(_ name: UInt8) -> Int {
      let bytes = datagram(name)
      func word(_ at: Int) -> UInt32 { bytes[at..<at + 4].reduce(0) { $0 << 8 | UInt32($1) } }
      return Int(((((word(8) ^ key.0) &* key.1) ^ word(4)) &* key.2) >> 16) % 3
    }
    // Too short for both words: to the first.
    let short: [[UInt8]] = [[1, 0x15, 0, 0, 2, 3, 4, 5, 6, 7, 8], [1, 2], [9]]
    let datagrams = names.map(datagram) + [[1, 1, 0, 0, 2], [1, 3, 0, 0, 1]] + short
    let isSent = try send(datagrams, to: first.local)
    #expect(isSent)
    func expected(_ socket: Int) -> [[UInt8]] { names.filter { place($0) == socket }.map(datagram) }
    #expect((0..<3).allSatisfy { !expected($0).isEmpty })
    #expect(drain(expected(0).count + short.count, &batch, first) == expected(0) + short)
    #expect(drain(expected(1).count, &batch, other) == expected(1))
    #expect(drain(expected(2).count, &batch, another) == expected(2))
    #expect(drain(1, &batch, lanes.second) == [[1, 1, 0, 0, 2]])
    #expect(drain(1, &batch, lanes.third) == [[1, 3, 0, 0, 1]])
  }

  @Test func thePortIsStillTakenForOthers() throws {
    let first = try UDPSocket(bind: .loopback(port: 0))
    let lanes = UDPLanes(beside: first, byteAt: 1, second: 1, third: 3)
    let address = first.local
    #expect(throws: UDPSocketError.self) { _ = try UDPSocket(bind: address) }
    _ = consume lanes
  }

  @Test func withoutTheLanesEverythingArrivesAtTheFirst() throws {
    let first = try UDPSocket(bind: .loopback(port: 0))
    do {
      let lanes = UDPLanes(beside: first, byteAt: 1, second: 1, third: 3)
      _ = consume lanes
    }
    let isSent = try send([[1, 1, 3]], to: first.local)
    guard var batch = Self.batch() else {
      Issue.record("no memory for a batch")
      return
    }
    let arrived = drain(1, &batch, first)
    #expect(isSent && arrived == [[1, 1, 3]])
  }
}
