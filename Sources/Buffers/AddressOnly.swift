/// A field that keeps the struct it belongs to in its place in memory.
///
/// A noncopyable struct of plain fields may be handed to a getter or function as a copy of all its bytes. For one of two
/// kilobytes that is asked a dozen things for every packet, that costs more than what is asked. A value of unknown type
/// is only ever handled where it lies, and with it the whole struct.
public struct AddressOnly: ~Copyable, Sendable {
  private let unknown: any Sendable = ()

  public init() {}
}
