import Glibc

/// What is asked of a device that captures.
public struct CaptureRequest: Hashable, Sendable {
  /// Name, label or node.
  public var device: String
  /// Channels, or all of them when empty.
  public var channels: [String]
  /// What starts each scan; `nil` leaves what is set.
  public var trigger: String?
  /// Scans a second, for the trigger if there is one, else for the device; `nil` leaves what is set.
  public var hertz: Double?

  public init(device: String, channels: [String] = [], trigger: String? = nil, hertz: Double? = nil) {
    self.device = device
    self.channels = channels
    self.trigger = trigger
    self.hertz = hertz
  }

  /// The device and those of its channels that are asked for.
  func resolve() throws(IIOTrouble) -> (device: IIODevice, channels: [IIODevice.ScanChannel]) {
    guard let found = IIODevice.find(device) else { throw .noDevice(device, there: IIODevice.list().map(\.name)) }
    let all = found.scanChannels
    guard !all.isEmpty else { throw .noBuffer(device: found.name) }
    for name in channels where !all.contains(where: { $0.name == name }) {
      throw .noChannel(name, device: found.name, there: all.map(\.name))
    }
    return (found, channels.isEmpty ? all : all.filter { channels.contains($0.name) })
  }
}

/// A device that captures: its channels chosen, its trigger set, its buffer switched on; off again at the end.
final class Capture {
  /// Scans the kernel keeps while nobody reads: a second of a thousand hertz.
  static let bufferLength = 1024

  let device: IIODevice
  let descriptor: CInt
  let layout: ScanLayout
  /// Which of the layout's places is the time; it comes last.
  let timePlace: Int?
  /// Whether the time is the monotonic clock's, else the wall clock's.
  let isMonotonic: Bool
  /// What the trigger or the device says it runs at.
  let hertz: Double?

  init(_ request: CaptureRequest, _ device: IIODevice, _ channels: [IIODevice.ScanChannel]) throws(IIOTrouble) {
    self.device = device
    let directory = device.directory
    // Whoever used it before may have left it on.
    _ = writeText("0", to: "\(directory)/buffer/enable")
    isMonotonic = writeText("monotonic", to: "\(directory)/current_timestamp_clock") == nil
    for channel in device.scanChannels {
      let isWanted = channels.contains { $0.name == channel.name }
      try Self.write(isWanted ? "1" : "0", "\(directory)/scan_elements/in_\(channel.name)_en")
    }
    var elements = channels.map(\.element)
    if let time = device.scanElement("timestamp"), writeText("1", to: "\(directory)/scan_elements/in_timestamp_en") == nil {
      timePlace = elements.count
      elements.append(time.element)
    } else {
      timePlace = nil
    }
    layout = ScanLayout(elements)
    var pace = directory
    if let name = request.trigger {
      guard let trigger = IIODevice.trigger(name) else { throw .noTrigger(name) }
      try Self.write(name, "\(directory)/trigger/current_trigger")
      pace = trigger
    }
    if let hertz = request.hertz { try Self.write("\(hertz)", "\(pace)/sampling_frequency") }
    hertz = readText("\(pace)/sampling_frequency").flatMap { Double($0) }.flatMap { $0 > 0 ? $0 : nil }
    try Self.write("\(Self.bufferLength)", "\(directory)/buffer/length")
    // How many scans wake a reader: those of 10 ms. Kernels before 4.2 wake at each.
    _ = writeText("\(max(1, min(Self.bufferLength / 2, Int((hertz ?? 1) / 100))))", to: "\(directory)/buffer/watermark")
    descriptor = open(device.node, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw .refused(doing: "open", path: device.node, errno: errno) }
    try Self.write("1", "\(directory)/buffer/enable")
  }

  deinit {
    _ = writeText("0", to: "\(device.directory)/buffer/enable")
    if descriptor >= 0 { close(descriptor) }
  }

  private static func write(_ text: String, _ path: String) throws(IIOTrouble) {
    if let errno = writeText(text, to: path) { throw .refused(doing: "write \(text) to", path: path, errno: errno) }
  }
}
