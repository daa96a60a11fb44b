import LinuxModbus
import STTBoard
import STTSample

extension SourceAssembly {
  static func modbus(_ configuration: SourceConfiguration, _ input: ModbusInput) -> any SampleSource {
    let parity: ModbusLine.Parity =
      switch input.parity {
      case .none: .none
      case .even: .even
      case .odd: .odd
      }
    return ModbusSource(
      description(configuration), messageName: identifier(configuration.name),
      ModbusLine(
        path: input.device, baud: input.baud, parity: parity, stopBits: input.stopBits,
        timeout: UInt32(clamping: Int64(input.timeout / .microseconds(1)))),
      input.values.map(registerValue), hertz: input.rateHertz)
  }

  private static func registerValue(_ value: ModbusInput.Value) -> RegisterValue {
    let table: RegisterTable =
      switch value.table {
      case .coil: .coil
      case .discrete: .discrete
      case .input: .input
      case .holding: .holding
      }
    let format: RegisterFormat =
      switch value.format {
      case .uint16: .uint16
      case .int16: .int16
      case .uint32: .uint32
      case .int32: .int32
      case .uint64: .uint64
      case .int64: .int64
      case .float32: .float32
      case .float64: .float64
      }
    let order: ByteOrder =
      switch value.order {
      case .abcd: .big
      case .cdab: .wordsSwapped
      case .badc: .bytesSwapped
      case .dcba: .little
      }
    return RegisterValue(
      value.name, unit: value.unit, device: UInt8(clamping: value.unitAddress), table: table,
      register: UInt16(clamping: value.register), format: format, order: order, scale: value.scale, offset: value.offset)
  }
}
