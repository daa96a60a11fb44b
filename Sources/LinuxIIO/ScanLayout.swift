/// Where each channel lies in a scan: in the order of their indices, each at a multiple of its own size, the whole
/// rounded up to the largest of them (what the kernel's iio_compute_scan_bytes does).
public struct ScanLayout: Hashable, Sendable {
  /// One channel's place.
  public struct Place: Hashable, Sendable {
    public var element: ScanElement
    public var offset: Int
  }

  public let places: [Place]
  /// Bytes from one scan to the next.
  public let byteCount: Int

  /// - Parameter elements: those that are enabled, by index.
  public init(_ elements: [ScanElement]) {
    var places: [Place] = []
    var end = 0
    var largest = 1
    for element in elements {
      // Values that repeat are aligned as one.
      let size = element.byteCount * element.repeatCount
      let offset = (end + size - 1) / size * size
      places.append(Place(element: element, offset: offset))
      end = offset + size
      largest = max(largest, size)
    }
    self.places = places
    byteCount = (end + largest - 1) / largest * largest
  }

  /// Channel `channel` of the scan at the beginning of `scan`, as the first of its values.
  func real(_ channel: Int, in scan: UnsafeRawBufferPointer) -> Double {
    let place = places[channel]
    return place.element.real(UnsafeRawBufferPointer(rebasing: scan[place.offset...].prefix(place.element.byteCount)))
  }

  func whole(_ channel: Int, in scan: UnsafeRawBufferPointer) -> Int64 {
    let place = places[channel]
    return place.element.whole(UnsafeRawBufferPointer(rebasing: scan[place.offset...].prefix(place.element.byteCount)))
  }
}
