/// Channels of an industrial I/O device: converters, inertial and environmental sensors.
public struct IIOInput: Hashable, Sendable {
  /// How values are fetched.
  public enum Capture: String, CaseIterable, Hashable, Sendable {
    /// Each from its file, at a rate.
    case polled
    /// All of a moment from the device's buffer, as its trigger or the device itself paces them.
    case buffered
  }

  /// The device's name or label.
  public var device: String
  /// Channels without `in_`, or all when empty.
  public var channels: [String]
  public var capture: Capture
  /// For ``Capture/buffered``: what starts a scan; `nil` leaves what is set.
  public var trigger: String?
  /// Samples a second; for ``Capture/buffered`` `nil` leaves what is set.
  public var rateHertz: Double?

  public init(device: String, channels: [String], capture: Capture, trigger: String?, rateHertz: Double?) {
    self.device = device
    self.channels = channels
    self.capture = capture
    self.trigger = trigger
    self.rateHertz = rateHertz
  }
}

/// The numbers of IIO sources, each with its reason.
public enum IIOLimits {
  public static let channelCount = 64
  public static let channelCountReason = "no device of the kernel has more in one scan"
  public static let polledRate = Limit(
    0.01, 1_000.0, usual: 1.0, because: "each value is a read of a file; faster is a job for capture = \"buffered\"")
  public static let bufferedRate = Limit(
    0.001, 1_000_000.0, usual: 100.0, because: "the buffer's trigger has to keep up with it")
}

extension IIOInput {
  /// Reads the keys of a source of type `iio`; `nil` without a device.
  init?(_ table: inout TableReader) {
    let deviceRemedy = "Give the device's name: cat /sys/bus/iio/devices/*/name lists them."
    let device = table.text("device", deviceRemedy)
    if table.table["device"] == nil { table.missing("device", deviceRemedy) }
    channels = table.texts(
      "channels", atMost: IIOLimits.channelCount, because: IIOLimits.channelCountReason,
      "Give names without in_: channels = [\"voltage0\", \"accel_x\"].")
    capture = table.choice("capture", usual: .polled)
    let triggerNode = table.table["trigger"]
    trigger = table.text("trigger", "Give the trigger's name: cat /sys/bus/iio/devices/trigger*/name lists them.")?.text
    let isRateGiven = table.table["rate_hz"] != nil
    let rate = table.number(
      "rate_hz", capture == .polled ? IIOLimits.polledRate : IIOLimits.bufferedRate, unit: "Hz")
    rateHertz = capture == .polled || isRateGiven ? rate : nil
    if let triggerNode, capture == .polled {
      table.fail(
        .conflict, "trigger", at: triggerNode.position, "means nothing when capture is \"polled\"",
        "A trigger starts scans into a buffer: set capture = \"buffered\", or remove it.")
    }
    guard let device else { return nil }
    self.device = device.text
  }
}
