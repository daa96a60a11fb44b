import Glibc
import Testing

@testable import LinuxUDP

/// What loopback can't show: a device that doesn't take what it is given.
@Suite struct CongestedDeviceTests {
  private static let neighbour = UDPAddress(high: 0, low: 0xFFFF_C000_0202, port: 9)

  @Test(arguments: [true, false])
  func aFullSendBufferKeepsTheRestAndNothingGoesTwice(kernelCuts: Bool) throws {
    let seen: (wasFull: Bool, waiting: Int, sent: Int, refused: UInt64, cuts: Bool)
    do {
      seen = try PrivateNetwork.run {
        let sender = try Endpoint(.any(port: 0))
        if !kernelCuts { sender.makeKernelRefuseCutting() }
        // Until the neighbour's address is known the kernel holds what we send, and its memory counts
        // as our send buffer.
        _ = sender.requestSendBuffer(16_384)
        let payload = Payload(byteCount: 46_000)
        for _ in 0..<SendBatch.capacity {
          sender.append(payload, byteCount: 46_000, segment: 1_000, to: Self.neighbour)
        }
        let wasFull = !sender.flush()
        let waiting = sender.waitingCount
        try PrivateNetwork.ip("neighbour", "replace", "192.0.2.2", "lladdr", "02:00:00:00:00:02", "dev", "stt0")
        var tries = 0
        while !sender.flush(), tries < 1_000 {
          try sender.waitUntilWritable()
          tries += 1
        }
        return (wasFull, waiting, try PrivateNetwork.sentDatagramCount(), sender.refusedCount, sender.cutsSegments)
      }
    } catch let missing as PrivateNetwork.Unavailable {
      try Test.cancel("\(missing)")
    }
    #expect(seen.wasFull)
    #expect(seen.waiting > 0)
    // Linux counts an entry it cuts as one.
    #expect(seen.sent == (kernelCuts && seen.cuts ? 1 : 46) * SendBatch.capacity)
    #expect(seen.refused == 0)
  }

  @Test func segmentsLongerThanTheDeviceAllowsAreRefusedWithoutGivingUpCutting() throws {
    let seen: (refused: UInt64, number: CInt, cuts: Bool, sent: Int)
    do {
      seen = try PrivateNetwork.run {
        let sender = try Endpoint(.any(port: 0))
        let payload = Payload(byteCount: 6_000)
        let before = sender.cutsSegments
        sender.append(payload, byteCount: 4_800, segment: 1_600, to: Self.neighbour)
        sender.append(payload, byteCount: 1_473, to: Self.neighbour)
        sender.append(payload, byteCount: 1_472, to: Self.neighbour)
        _ = sender.flush()
        return (
          sender.refusedCount, sender.lastRefusal, sender.cutsSegments == before,
          try PrivateNetwork.sentDatagramCount()
        )
      }
    } catch let missing as PrivateNetwork.Unavailable {
      try Test.cancel("\(missing)")
    }
    #expect(seen.refused == 4)
    #expect(seen.number == EMSGSIZE)
    #expect(seen.cuts)
    #expect(seen.sent == 1)
  }
}
