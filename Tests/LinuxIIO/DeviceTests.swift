import Foundation
import LinuxIIO
import Testing

/// A copy of the files a driver shows, because this machine need not have one.
private final class Tree {
  let root = NSTemporaryDirectory() + "iio-\(UUID().uuidString)"
  var device: String { root + "/sys/bus/iio/devices/iio:device0" }

  init(_ files: [String: String]) throws {
    for (path, text) in files {
      let url = URL(fileURLWithPath: "\(device)/\(path)")
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data("\(text)\n".utf8).write(to: url)
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: root) }
}

@Suite struct DeviceTests {
  @Test func valuesAreRawPlusOffsetTimesScaleInTheUnit() throws {
    let tree = try Tree([
      "name": "adc", "in_voltage0_raw": "73", "in_voltage0_scale": "0.5", "in_voltage0_offset": "7",
      "in_voltage1-voltage2_raw": "33", "in_voltage-voltage_scale": "2", "in_accel_x_raw": "34", "in_accel_scale": "0.01",
      "in_temp_input": "21500", "in_temp_raw": "9",
    ])
    let device = try #require(IIODevice.list(root: tree.root).first)
    #expect(device.name == "adc")
    let channels = device.polledChannels
    #expect(channels.map(\.name) == ["accel_x", "temp", "voltage0", "voltage1-voltage2"])
    #expect(channels.map(\.unit) == ["m/s2", "Cel", "V", "V"])
    #expect(channels.map(\.scale) == [0.01, 0.001, 0.5 * 0.001, 2 * 0.001])
    #expect(channels.map(\.offset) == [0, 0, 7 * 0.5 * 0.001, 0])
    #expect(channels.map(\.fieldName) == ["accel_x", "temp", "voltage0", "voltage1_voltage2"])
  }

  @Test func channelsOfABufferComeInTheOrderOfTheirIndicesWithoutTheTime() throws {
    let tree = try Tree([
      "name": "imu", "label": "mast", "scan_elements/in_accel_y_index": "1", "scan_elements/in_accel_y_type": "le:s16/16>>0",
      "scan_elements/in_accel_x_index": "0", "scan_elements/in_accel_x_type": "be:s12/16>>4",
      "scan_elements/in_timestamp_index": "2", "scan_elements/in_timestamp_type": "le:s64/64>>0",
      "scan_elements/in_magn_x_index": "3", "scan_elements/in_magn_x_type": "nonsense",
    ])
    let device = try #require(IIODevice.list(root: tree.root).first)
    #expect(device.name == "mast")
    #expect(device.scanChannels.map(\.name) == ["accel_x", "accel_y"])
    #expect(device.scanChannels.map(\.scale) == [1, 1])
  }

  @Test func aDeviceThatIsNotThereIsNamedBesideThoseThatAre() {
    #expect(throws: IIOTrouble.self) { try PolledChannels.of("no such device", []) }
    let trouble = IIOTrouble.noDevice("x", there: ["adc", "imu"])
    #expect("\(trouble)" == "no IIO device is called x; there are: adc, imu; it is used as soon as it is there")
  }
}
