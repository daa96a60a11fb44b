import STTSample
import Testing

@testable import LinuxModbus

@Suite struct RegisterTests {
  private func written(_ value: RegisterValue, _ registers: [UInt16]) -> [UInt8] {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 8)
    defer { memory.deallocate() }
    var writer = ProtobufWriter(unsafe: memory)
    value.write(registers[...], field: 1, into: &writer)
    return Array(memory[..<writer.count])
  }

  private func double(_ value: RegisterValue, _ registers: [UInt16]) -> Double? {
    let bytes = written(value, registers)
    guard bytes.count == 9, bytes[0] == 0x09 else { return nil }
    return Double(bitPattern: bytes.dropFirst().reversed().reduce(0) { $0 << 8 | UInt64($1) })
  }

  /// IEEE 754's 230.5 is 43 66 80 00.
  @Test(
    arguments: [
      (ByteOrder.big, [0x4366, 0x8000]), (.wordsSwapped, [0x8000, 0x4366]), (.bytesSwapped, [0x6643, 0x0080]),
      (.little, [0x0080, 0x6643]),
    ] as [(ByteOrder, [UInt16])])
  func aNumbersBytesAreTakenInTheirOrder(order: ByteOrder, registers: [UInt16]) {
    let value = RegisterValue("v", device: 1, table: .holding, register: 0, format: .float32, order: order)
    #expect(double(value, registers) == 230.5)
  }

  @Test(
    arguments: [
      (RegisterFormat.uint16, [0xFFFF], 65535), (.int16, [0xFFFF], -1), (.uint32, [0xFFFF, 0xFFFE], 4_294_967_294),
      (.int32, [0xFFFF, 0xFFFE], -2), (.int64, [0xFFFF, 0xFFFF, 0xFFFF, 0xFFFB], -5),
      (.uint64, [0, 1, 0, 0], 4_294_967_296), (.float64, [0x4008, 0, 0, 0], 3),
    ] as [(RegisterFormat, [UInt16], Double)])
  func everyFormatIsScaled(format: RegisterFormat, registers: [UInt16], number: Double) {
    let value = RegisterValue(
      "v", device: 1, table: .input, register: 0, format: format, scale: 0.5, offset: 1)
    #expect(value.field.kind == .double)
    #expect(double(value, registers) == number / 2 + 1)
  }

  @Test func wholeNumbersStayWholeAndBitsAreFlags() {
    let unsigned = RegisterValue("v", device: 1, table: .holding, register: 0, format: .uint64)
    #expect(written(unsigned, [0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF]) == [0x08] + Array(repeating: 0xFF, count: 9) + [0x01])
    let signed = RegisterValue("v", device: 1, table: .holding, register: 0, format: .int16)
    #expect(written(signed, [0xFFFF]) == [0x08] + Array(repeating: 0xFF, count: 9) + [0x01])
    let coil = RegisterValue("v", device: 1, table: .coil, register: 0)
    #expect(coil.field.kind == .bool)
    #expect(written(coil, [1]) == [0x08, 0x01])
    #expect(written(coil, [0]) == [0x08, 0x00])
  }

  @Test func fewerRegistersThanAValueHasAreNoValue() {
    #expect(written(RegisterValue("v", device: 1, table: .holding, register: 0, format: .float32), [1]) == [])
    #expect(written(RegisterValue("v", device: 1, table: .holding, register: 0), []) == [])
  }

  @Test func neighboursAreAskedForTogetherAndNothingElse() {
    func value(_ device: UInt8, _ table: RegisterTable, _ register: UInt16, _ format: RegisterFormat = .uint16)
      -> RegisterValue
    {
      RegisterValue("v", device: device, table: table, register: register, format: format)
    }
    let (blocks, places) = RegisterBlock.blocks(of: [
      value(3, .holding, 12), value(3, .holding, 10, .uint32), value(3, .input, 13), value(2, .holding, 13),
      value(3, .holding, 14), value(3, .holding, 11), value(3, .coil, 11),
    ])
    #expect(
      blocks.map { "\($0.device) \($0.table) \($0.first)+\($0.count)" } == [
        "2 holding 13+1", "3 coil 11+1", "3 input 13+1", "3 holding 10+3", "3 holding 14+1",
      ])
    #expect(places.map { "\($0.block) \($0.offset)" } == ["3 2", "3 0", "2 0", "0 0", "4 0", "3 1", "1 0"])
    #expect(blocks.allSatisfy { $0.registers.count == $0.count })
  }

  @Test func noQuestionAsksForMoreThanAnAnswerHolds() {
    let many = (0..<300).map { RegisterValue("v", device: 1, table: .holding, register: $0 * 2, format: .uint32) }
    let (blocks, places) = RegisterBlock.blocks(of: many)
    #expect(blocks.allSatisfy { $0.count <= 125 })
    #expect(blocks.map(\.count).reduce(0, +) == 600)
    for (value, place) in zip(many, places) {
      #expect(Int(blocks[place.block].first) + place.offset == Int(value.register))
      #expect(place.offset + 2 <= blocks[place.block].count)
    }
  }

  @Test func theLastRegisterHasAValue() {
    let (blocks, _) = RegisterBlock.blocks(of: [RegisterValue("v", device: 1, table: .holding, register: 65_535)])
    #expect(blocks[0].first == 65_535 && blocks[0].count == 1)
  }
}
