/// Two digits a byte, lower case.
func hexadecimal(_ bytes: [UInt8]) -> String {
  var text = ""
  for byte in bytes {
    text.unicodeScalars.append(UnicodeScalar(digit(byte >> 4)))
    text.unicodeScalars.append(UnicodeScalar(digit(byte & 15)))
  }
  return text
}

/// The bytes that `text` spells; blanks and dashes may part the digits, as in a text typed by hand.
func bytes(hexadecimal text: String) -> [UInt8]? {
  var result: [UInt8] = []
  var high: UInt8?
  for byte in text.utf8 where byte != UInt8(ascii: " ") && byte != UInt8(ascii: "-") {
    guard let value = value(ofDigit: byte) else { return nil }
    if let first = high {
      result.append(first << 4 | value)
      high = nil
    } else {
      high = value
    }
  }
  return high == nil ? result : nil
}

/// As ``bytes(hexadecimal:)``, from one locked place into another; `nil` unless exactly 32 bytes.
func secretFromHexadecimal(_ text: UnsafeRawBufferPointer) throws(PairFlaw) -> SecretBytes? {
  guard let secret = SecretBytes(count: 32) else { throw .noMemory }
  let isWhole = secret.withUnsafeMutableBytes { target in
    var digits = 0
    for byte in text where byte != UInt8(ascii: " ") && byte != UInt8(ascii: "-") {
      guard let value = value(ofDigit: byte), digits < 64 else { return false }
      target[digits / 2] = digits.isMultiple(of: 2) ? value << 4 : target[digits / 2] | value
      digits += 1
    }
    return digits == 64
  }
  return isWhole ? secret : nil
}

func appendHexadecimal(_ bytes: UnsafeRawBufferPointer, to writer: inout SecretWriter) -> Bool {
  for byte in bytes {
    let pair = (digit(byte >> 4), digit(byte & 15))
    guard withUnsafeBytes(of: pair, { writer.append($0) }) else { return false }
  }
  return true
}

private func digit(_ value: UInt8) -> UInt8 { value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10 }

private func value(ofDigit byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}
