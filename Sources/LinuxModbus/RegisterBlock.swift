/// Neighbouring registers of one device and table, asked for at once. Registers nobody wants are never asked for: a device
/// may refuse an answer for one of them that is not there.
struct RegisterBlock {
  let device: UInt8
  let table: RegisterTable
  let first: UInt16
  private(set) var count: Int
  /// Whether the last read gave ``registers``.
  private(set) var isRead = false
  private(set) var registers: [UInt16] = []
  /// Whether the device said that it has none of it.
  var isRefused = false

  /// The blocks that `values` lie in, and for each value its block and its place in there.
  static func blocks(of values: [RegisterValue]) -> (blocks: [RegisterBlock], places: [(block: Int, offset: Int)]) {
    var blocks: [RegisterBlock] = []
    var places = values.map { _ in (block: 0, offset: 0) }
    let order = values.indices.sorted { left, right in
      let (a, b) = (values[left], values[right])
      return (a.device, a.table.rank, a.register) < (b.device, b.table.rank, b.register)
    }
    for index in order {
      let value = values[index]
      if let last = blocks.indices.last, blocks[last].joins(value) {
        blocks[last].count = max(blocks[last].count, value.end - Int(blocks[last].first))
      } else {
        blocks.append(
          RegisterBlock(device: value.device, table: value.table, first: value.register, count: value.count))
      }
      places[index] = (blocks.count - 1, Int(value.register) - Int(blocks[blocks.count - 1].first))
    }
    for index in blocks.indices { blocks[index].registers = Array(repeating: 0, count: blocks[index].count) }
    return (blocks, places)
  }

  private init(device: UInt8, table: RegisterTable, first: UInt16, count: Int) {
    self.device = device
    self.table = table
    self.first = first
    self.count = count
  }

  private func joins(_ value: RegisterValue) -> Bool {
    device == value.device && table == value.table && Int(value.register) <= Int(first) + count
      && value.end - Int(first) <= table.mostInOneRead
  }

  /// Asks `port` for it; what went wrong, or 0.
  mutating func read(_ port: ModbusPort) -> CInt {
    let error = port.read(device, table, first: first, into: &registers)
    isRead = error == 0
    return error
  }

  mutating func forget() { isRead = false }
}

extension RegisterTable {
  fileprivate var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
