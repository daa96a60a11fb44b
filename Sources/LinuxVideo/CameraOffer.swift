/// One format and size a camera has, and how often a second it takes such pictures.
public struct CameraOffer: Hashable, Sendable, CustomStringConvertible {
  public enum Size: Hashable, Sendable {
    case fixed(width: Int, height: Int)
    /// Every size from the least to the most in these steps.
    case range(width: ClosedRange<Int>, widthStep: Int, height: ClosedRange<Int>, heightStep: Int)
    /// The driver does not tell.
    case unknown

    func contains(width: Int, height: Int) -> Bool {
      switch self {
      case .fixed(let w, let h): w == width && h == height
      case .range(let widths, let widthStep, let heights, let heightStep):
        widths.contains(width) && heights.contains(height)
          && (width - widths.lowerBound) % max(1, widthStep) == 0
          && (height - heights.lowerBound) % max(1, heightStep) == 0
      case .unknown: true
      }
    }
  }

  public var format: FourCC
  public var size: Size
  /// Pictures a second, the most first; the ends of a range when any between them can be had.
  public var framesPerSecond: [Double]

  public init(format: FourCC, size: Size, framesPerSecond: [Double]) {
    self.format = format
    self.size = size
    self.framesPerSecond = framesPerSecond
  }

  /// Whether a source of this program can hand such pictures on.
  public var isKnown: Bool { VideoFormat.allCases.contains { $0.fourCC == format || $0.otherFourCC == format } }

  public var description: String {
    let dimensions =
      switch size {
      case .fixed(let width, let height): " \(width)x\(height)"
      case .range(let widths, _, let heights, _):
        " \(widths.lowerBound)x\(heights.lowerBound) to \(widths.upperBound)x\(heights.upperBound)"
      case .unknown: ""
      }
    let rates = framesPerSecond.map { $0 == $0.rounded() ? "\(Int($0))" : "\(($0 * 100).rounded() / 100)" }
    return "\(format)\(dimensions)" + (rates.isEmpty ? "" : " at \(rates.joined(separator: ", ")) fps")
  }
}

/// The pictures somebody wants.
public struct CameraRequest: Hashable, Sendable {
  /// `/dev/v4l/by-id/…` (survives replugging), `/dev/v4l/by-path/…`, `/dev/videoN`; `nil` for the
  /// first camera there is.
  public var device: String?
  /// `nil` for the first of ``VideoFormat/automatic`` the camera has in this size.
  public var format: VideoFormat?
  public var width: Int
  public var height: Int
  /// The nearest the camera has is taken.
  public var framesPerSecond: Double

  public init(device: String? = nil, format: VideoFormat? = nil, width: Int, height: Int, framesPerSecond: Double) {
    self.device = device
    self.format = format
    self.width = width
    self.height = height
    self.framesPerSecond = framesPerSecond
  }
}

/// What was agreed on with a camera.
struct CameraMode: Hashable {
  var format: VideoFormat
  var fourCC: FourCC
  var width: Int
  var height: Int
  var framesPerSecond: Double
}

extension CameraRequest {
  /// Chooses among what `device` offers: format and size as asked, the rate as near as it gets.
  func mode(among offers: [CameraOffer], of device: String) throws(CameraError) -> CameraMode {
    for format in format.map({ [$0] }) ?? VideoFormat.automatic {
      for fourCC in [format.fourCC, format.otherFourCC].compactMap({ $0 }) {
        let fitting = offers.filter { $0.format == fourCC && $0.size.contains(width: width, height: height) }
        guard !fitting.isEmpty else { continue }
        return CameraMode(
          format: format, fourCC: fourCC, width: width, height: height,
          framesPerSecond: nearestRate(fitting.flatMap(\.framesPerSecond)))
      }
    }
    throw .notOffered(device: device, wanted: description, offers: offers)
  }

  private func nearestRate(_ rates: [Double]) -> Double {
    rates.min { abs($0 - framesPerSecond) < abs($1 - framesPerSecond) } ?? framesPerSecond
  }

  private var description: String { "\(format?.rawValue ?? "any known format") \(width)x\(height)" }
}
