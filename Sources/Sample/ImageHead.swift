public import STTBuffers

/// The protobuf fields before a picture's bytes, so that head and bytes together are one message of
/// foxglove's image types and the bytes stay where the camera wrote them.
public enum ImageHead {
  /// Bytes a head needs at most, with these texts.
  public static func largest(frameID: String, format: String) -> Int {
    // Timestamp 2 + 17; texts with tag and length; width, height, step 5 each; data's tag and length.
    19 + 4 + frameID.utf8.count + 4 + format.utf8.count + 15 + 11
  }

  /// Writes the head of a `foxglove.CompressedImage`.
  ///
  /// - Parameters:
  ///   - format: as the type's documentation names it: `jpeg`, `png`, `webp`; for video, `h264`.
  ///   - byteCount: bytes of the picture that follow.
  /// - Returns: whether it fitted into `lease`, whose content it replaces.
  public static func compressed(
    into lease: inout Lease, time: SampleTime, frameID: borrowing String, format: borrowing String, byteCount: Int
  ) -> Bool {
    var writer = begin(&lease, time)
    writer.string(format, field: 3)
    writer.string(frameID, field: 4)
    writer.beginBytes(count: byteCount, field: 2)
    return finish(&lease, writer)
  }

  /// Writes the head of a `foxglove.CompressedVideo`.
  ///
  /// - Parameter format: `h264`, for bytes as annex B of ITU-T H.264 has them.
  /// - Returns: whether it fitted into `lease`, whose content it replaces.
  public static func video(
    into lease: inout Lease, time: SampleTime, frameID: borrowing String, format: borrowing String, byteCount: Int
  ) -> Bool {
    var writer = begin(&lease, time)
    writer.string(frameID, field: 2)
    writer.string(format, field: 4)
    writer.beginBytes(count: byteCount, field: 3)
    return finish(&lease, writer)
  }

  /// Writes the head of a `foxglove.RawImage`.
  ///
  /// - Parameters:
  ///   - encoding: as the type's documentation names it: `yuv422_yuy2`, `nv12`, `rgb8`, `mono8`.
  ///   - step: bytes of a row.
  ///   - byteCount: bytes of the picture that follow.
  /// - Returns: whether it fitted into `lease`, whose content it replaces.
  public static func raw(
    into lease: inout Lease, time: SampleTime, frameID: borrowing String, width: UInt32, height: UInt32,
    encoding: borrowing String, step: UInt32, byteCount: Int
  ) -> Bool {
    var writer = begin(&lease, time)
    writer.fixed32(width, field: 2)
    writer.fixed32(height, field: 3)
    writer.string(encoding, field: 4)
    writer.fixed32(step, field: 5)
    writer.string(frameID, field: 7)
    writer.beginBytes(count: byteCount, field: 6)
    return finish(&lease, writer)
  }

  private static func begin(_ lease: inout Lease, _ time: SampleTime) -> ProtobufWriter {
    let seconds = time.wallNanoseconds / 1_000_000_000
    let nanoseconds = time.wallNanoseconds % 1_000_000_000
    var writer = ProtobufWriter(
      unsafe: UnsafeMutableRawBufferPointer(start: lease.unsafeBase, count: lease.capacity))
    writer.beginBytes(count: 2 + varintByteCount(seconds) + varintByteCount(nanoseconds), field: 1)
    writer.uint64(seconds, field: 1)
    writer.uint64(nanoseconds, field: 2)
    return writer
  }

  private static func finish(_ lease: inout Lease, _ writer: borrowing ProtobufWriter) -> Bool {
    guard !writer.overflowed else { return false }
    lease.count = writer.count
    return true
  }

  private static func varintByteCount(_ value: UInt64) -> Int { max(1, (70 - value.leadingZeroBitCount) / 7) }
}
