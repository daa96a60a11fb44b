/// Channels that are read from their files.
public enum PolledChannels {
  /// Those of the device with that name, or all it has.
  ///
  /// - Throws: when the device or a channel is not there.
  public static func of(_ device: String, _ names: [String]) throws(IIOTrouble) -> [IIODevice.PolledChannel] {
    guard let found = IIODevice.find(device) else { throw .noDevice(device, there: IIODevice.list().map(\.name)) }
    let all = found.polledChannels
    for name in names where !all.contains(where: { $0.name == name }) {
      throw .noChannel(name, device: found.name, there: all.map(\.name))
    }
    return names.isEmpty ? all : all.filter { names.contains($0.name) }
  }
}

extension IIODevice.PolledChannel {
  /// The name as a protobuf identifier.
  public var fieldName: String { LinuxIIO.fieldName(name) }
}
