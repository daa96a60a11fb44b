import STTBuffers
import STTSample
import Testing

@Suite struct ImageHeadTests {
  let pool = BufferPool([SlabClass(byteCount: 128, count: 1)])
  let time = SampleTime(monotonicNanoseconds: 0, wallNanoseconds: 300_000_000_127)

  func bytes(_ lease: borrowing Lease) -> [UInt8] { lease.bytes.withUnsafeBytes { Array($0) } }

  @Test func aCompressedPicturesHeadEndsWithTheLengthOfItsData() throws {
    var lease = try lent(pool.lease(atLeast: 1))
    let hasFitted = ImageHead.compressed(into: &lease, time: time, frameID: "c", format: "jpeg", byteCount: 300)
    #expect(hasFitted)
    // timestamp {300 s, 127 ns}, format, frame_id, data's tag and length.
    #expect(
      bytes(lease) == [
        0x0A, 5, 0x08, 0xAC, 0x02, 0x10, 0x7F, 0x1A, 4, 0x6A, 0x70, 0x65, 0x67, 0x22, 1, 0x63, 0x12, 0xAC, 0x02,
      ])
  }

  @Test func aRawPicturesHeadHasItsDimensions() throws {
    var lease = try lent(pool.lease(atLeast: 1))
    let hasFitted = ImageHead.raw(
      into: &lease, time: SampleTime(monotonicNanoseconds: 0, wallNanoseconds: 0), frameID: "c", width: 640,
      height: 480,
      encoding: "mono8", step: 640, byteCount: 307_200)
    #expect(hasFitted)
    #expect(
      bytes(lease) == [0x0A, 4, 0x08, 0, 0x10, 0, 0x15, 0x80, 2, 0, 0, 0x1D, 0xE0, 1, 0, 0, 0x22, 5]
        + Array("mono8".utf8)
        + [0x2D, 0x80, 2, 0, 0, 0x3A, 1, 0x63, 0x32, 0x80, 0xE0, 0x12])
  }

  @Test func theLargestHeadFitsIntoWhatIsReservedForItAndNotIntoLess() throws {
    let latest = SampleTime(monotonicNanoseconds: 0, wallNanoseconds: .max)
    let most = ImageHead.largest(frameID: "camera", format: "jpeg")
    let exact = BufferPool([SlabClass(byteCount: most, count: 1)])
    var lease = try lent(exact.lease(atLeast: most))
    let hasFitted = ImageHead.raw(
      into: &lease, time: latest, frameID: "camera", width: .max, height: .max, encoding: "jpeg", step: .max,
      byteCount: .max)
    #expect(hasFitted)
    let tight = BufferPool([SlabClass(byteCount: 20, count: 1)])
    var small = try lent(tight.lease(atLeast: 20))
    let hasFittedSmall = ImageHead.compressed(
      into: &small, time: latest, frameID: "camera", format: "jpeg", byteCount: 1)
    #expect(!hasFittedSmall)
  }
}
