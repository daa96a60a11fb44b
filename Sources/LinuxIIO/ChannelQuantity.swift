/// What a channel's type measures: the unit of its sample, and what makes that of the kernel's unit
/// (Documentation/ABI/testing/sysfs-bus-iio).
struct ChannelQuantity: Hashable {
  var unit: String
  var factor: Double

  private static let known: [(type: String, quantity: ChannelQuantity)] = [
    ("voltage", ChannelQuantity(unit: "V", factor: 0.001)),
    ("altvoltage", ChannelQuantity(unit: "V", factor: 0.001)),
    ("current", ChannelQuantity(unit: "A", factor: 0.001)),
    ("power", ChannelQuantity(unit: "W", factor: 0.001)),
    ("energy", ChannelQuantity(unit: "J", factor: 1)),
    ("resistance", ChannelQuantity(unit: "Ohm", factor: 1)),
    ("capacitance", ChannelQuantity(unit: "F", factor: 1e-9)),
    ("accel", ChannelQuantity(unit: "m/s2", factor: 1)),
    ("gravity", ChannelQuantity(unit: "m/s2", factor: 1)),
    ("anglvel", ChannelQuantity(unit: "rad/s", factor: 1)),
    ("magn", ChannelQuantity(unit: "T", factor: 1e-4)),
    ("incli", ChannelQuantity(unit: "deg", factor: 1)),
    ("angl", ChannelQuantity(unit: "rad", factor: 1)),
    ("phase", ChannelQuantity(unit: "rad", factor: 1)),
    ("temp", ChannelQuantity(unit: "Cel", factor: 0.001)),
    ("humidityrelative", ChannelQuantity(unit: "%", factor: 0.001)),
    ("pressure", ChannelQuantity(unit: "Pa", factor: 1000)),
    ("illuminance", ChannelQuantity(unit: "lx", factor: 1)),
    ("intensity", ChannelQuantity(unit: "1", factor: 1)),
    ("distance", ChannelQuantity(unit: "m", factor: 1)),
    ("velocity", ChannelQuantity(unit: "m/s", factor: 1)),
    ("concentration", ChannelQuantity(unit: "%", factor: 1)),
    ("activity", ChannelQuantity(unit: "%", factor: 1)),
    ("steps", ChannelQuantity(unit: "1", factor: 1)),
    ("count", ChannelQuantity(unit: "1", factor: 1)),
  ]

  /// By a channel's name without `in_`: `voltage0`, `accel_x`, `voltage1-voltage2`.
  static func of(_ channel: String) -> ChannelQuantity {
    let type = channel.prefix { $0.isASCII && $0.isLetter }
    return known.first { $0.type == type }?.quantity ?? ChannelQuantity(unit: "", factor: 1)
  }
}
