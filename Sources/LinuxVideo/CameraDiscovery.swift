import Glibc

/// Looks for cameras.
public enum CameraDiscovery {
  public struct Camera: Hashable, Sendable {
    /// `/dev/videoN`: may change when devices come and go.
    public var path: String
    /// Names that stay: `/dev/v4l/by-id/…` first, then `/dev/v4l/by-path/…`.
    public var stablePaths: [String]
    public var name: String
    /// Where it is plugged in.
    public var bus: String
    public var offers: [CameraOffer]

    /// What a source of this program would ask for if nothing was said: the best format it has at 640×480 or near it.
    public var usualMode: (format: VideoFormat, width: Int, height: Int)? {
      for format in VideoFormat.automatic {
        let own = offers.filter { $0.format == format.fourCC || $0.format == format.otherFourCC }
        guard !own.isEmpty else { continue }
        if own.contains(where: { $0.size.contains(width: 640, height: 480) }) { return (format, 640, 480) }
        for case .fixed(let width, let height) in own.map(\.size) { return (format, width, height) }
      }
      return nil
    }
  }

  /// Every device that gives pictures to mapped memory, in the order of their numbers. Devices that
  /// can't be opened are left out, see ``problems(in:)``. Opens each; waits for none.
  public static func list(in directory: String = "/dev") -> [Camera] {
    var cameras: [Camera] = []
    for path in nodes(in: directory) {
      guard let device = try? VideoDevice(path) else { continue }
      cameras.append(
        Camera(
          path: path, stablePaths: links(to: path, in: directory), name: device.name, bus: device.bus,
          offers: device.offers()))
    }
    return cameras
  }

  /// Why each of the other video devices is not among the cameras.
  public static func problems(in directory: String = "/dev") -> [CameraError] {
    nodes(in: directory).compactMap { path -> CameraError? in
      do throws(CameraError) {
        _ = try VideoDevice(path)
        return nil
      } catch {
        return error
      }
    }
  }

  /// The `videoN` of a directory by number.
  static func nodes(in directory: String) -> [String] {
    names(in: directory).compactMap { name -> (Int, String)? in
      guard name.hasPrefix("video"), let number = Int(name.dropFirst(5)), number >= 0 else { return nil }
      return (number, name)
    }.sorted { $0.0 < $1.0 }.map { "\(directory)/\($0.1)" }
  }

  /// Symbolic links below `v4l` that lead to `node`.
  static func links(to node: String, in directory: String) -> [String] {
    guard let target = resolved(node) else { return [] }
    return ["by-id", "by-path"].flatMap { folder in
      let base = "\(directory)/v4l/\(folder)"
      return names(in: base).sorted().map { "\(base)/\($0)" }.filter { resolved($0) == target }
    }
  }

  private static func resolved(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
  }

  private static func names(in directory: String) -> [String] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      names.append(
        withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        })
    }
    return names
  }
}
