import CLibFuzzer
import FuzzInputs
import Glibc

/// Writes every target's examples below `directory`, where libFuzzer begins from.
func writeExamples(_ directory: String) -> Bool {
  FuzzTarget.allCases.allSatisfy { target in
    mkdir("\(directory)/\(target.rawValue)", 0o755)
    return target.examples.enumerated().allSatisfy { index, bytes in
      guard let file = fopen("\(directory)/\(target.rawValue)/example-\(index)", "wb") else { return false }
      defer { fclose(file) }
      return fwrite(bytes, 1, bytes.count, file) == bytes.count
    }
  }
}

if let directory = getenv("STT_FUZZ_EXAMPLES") { exit(writeExamples(String(cString: directory)) ? 0 : 1) }

// libFuzzer's own arguments are the command line's; the target comes from the environment.
guard let name = getenv("STT_FUZZ_TARGET"), let target = FuzzTarget(rawValue: String(cString: name)) else {
  for target in FuzzTarget.allCases { print(target.rawValue, 1 + target.variationCount) }
  exit(getenv("STT_FUZZ_TARGET") == nil ? 0 : 2)
}

/// A C function can't carry a choice with it, so it stands here.
let chosen = target

var count = CommandLine.argc
var arguments = Optional(CommandLine.unsafeArgv)
exit(
  LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
    if let finding = chosen.run(UnsafeRawBufferPointer(start: bytes, count: count)) {
      print("finding: \(finding)")
      fflush(nil)
      abort()
    }
    return 0
  })
